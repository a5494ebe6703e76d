"""Whatever stands at the address: one answer, bounded in time and size, or one `SourceError`."""

import asyncio
from urllib.parse import parse_qs

import pytest
from mlrollout.adapters.prometheus import MAX_BYTES, MAX_RANGE_BYTES

from tests.components.prometheus.asking import GOOD, SECRET, asking, refused
from tests.support import raw_server as raw
from tests.support.raw_server import Behaviour, raw_server

# --- time ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(raw.is_silent, id="silence"),
        pytest.param(raw.drips(raw.http("200 OK", raw.vector("0.07"))), id="slow head"),
        pytest.param(raw.drips(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 9999), id="endless head"),
    ],
)
async def test_the_deadline_holds_for_everything(behaviour: Behaviour) -> None:
    async with raw_server(behaviour) as server:
        assert await refused(server, deadline=0.25) == "gave no complete answer within 250ms"
        await server.hung_up.wait()


async def test_the_deadline_holds_for_a_body_that_never_stops_coming() -> None:
    async def drip_body(writer: asyncio.StreamWriter) -> None:
        body = raw.vector("0.07")
        writer.write(raw.http("200 OK", body).removesuffix(body))
        await raw.drips(body)(writer)

    async with raw_server(drip_body) as server:
        assert await refused(server, deadline=0.25) == "gave no complete answer within 250ms"
        await server.hung_up.wait()


async def test_the_server_is_told_the_deadline_and_no_time() -> None:
    async with raw_server(GOOD) as server, asking(server.address) as ask:
        await ask('sum(x{a="ä+&="})', deadline=2.5)
        [request] = server.requests
    assert request.startswith("POST /api/v1/query HTTP/1.1\r\n")
    assert "application/x-www-form-urlencoded" in request
    form = parse_qs(request.partition("\r\n\r\n")[2], strict_parsing=True)
    assert form == {"query": ['sum(x{a="ä+&="})'], "timeout": ["2.500"], "nocache": ["1"]}


async def test_a_cancelled_query_frees_its_connection() -> None:
    async with raw_server(raw.is_silent) as server, asking(server.address) as ask:
        asked = asyncio.ensure_future(ask())
        await server.asked(1)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        await server.hung_up.wait()


async def test_hung_queries_make_no_other_wait() -> None:
    hung = 150
    async with raw_server(*[raw.is_silent] * hung, GOOD) as server, asking(server.address) as ask:
        waiting = [asyncio.ensure_future(ask(deadline=60)) for _ in range(hung)]
        await server.asked(hung)
        assert (await ask()).samples
        assert not any(each.done() for each in waiting)
        for each in waiting:
            each.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


# --- size ------------------------------------------------------------------------------------


async def test_an_endless_answer_is_cut_off() -> None:
    sent = 0

    async def flood(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 200000000\r\n\r\n")
        for _ in range(200):
            writer.write(b"x" * 1_000_000)
            await writer.drain()
            sent += 1_000_000

    async with raw_server(flood) as server:
        assert "more than 1 MiB: make the query one number" in await refused(server)
        await server.hung_up.wait()
    assert sent < 100_000_000


async def test_an_answer_of_just_the_longest_size_is_read() -> None:
    body = raw.vector("0.07")
    async with raw_server(raw.answers(body.ljust(MAX_BYTES))) as server, asking(server.address) as ask:
        assert len((await ask()).samples) == 1
    async with raw_server(raw.answers(body.ljust(MAX_BYTES + 1))) as server:
        assert "more than 1 MiB" in await refused(server)


AT = 1_700_000_000.0


async def test_so_is_a_range_of_just_the_longest_size() -> None:
    body = raw.matrix([[AT, "1"], [AT + 15, "3"]])
    async with raw_server(raw.answers(body.ljust(MAX_RANGE_BYTES))) as server, asking(server.address) as ask:
        (series,) = (await ask(at=AT + 20)).series
        assert series.samples == ((AT, 1.0), (AT + 15, 3.0))
        assert f"time={AT + 20:.3f}" in server.requests[0]
    async with raw_server(raw.answers(body.ljust(MAX_RANGE_BYTES + 1))) as server:
        assert "more than 4 MiB: narrow the selector" in await refused(server, at=AT)


@pytest.mark.parametrize(
    "body",
    [
        raw.vector("1"),
        b'{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,"x"]]}]}}',
        b'{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[-1,"1"]]}]}}',
        b"[" * 100_000,
    ],
)
async def test_samples_that_are_none_are_refused(body: bytes) -> None:
    async with raw_server(raw.answers(body)) as server:
        assert "gave no samples of a range selector" in await refused(server, at=AT)


async def test_native_histograms_and_warnings_are_told() -> None:
    body = (
        b'{"status":"success","warnings":["PromQL info: hm","partial"],"isPartial":true,"data":{"resultType":"matrix",'
        b'"result":[{"metric":{"a":"b"},"histograms":[[1,{"count":"3"}]]}]}}'
    )
    async with raw_server(raw.answers(body)) as server, asking(server.address) as ask:
        answer = await ask(at=AT)
    assert answer.warnings == ("partial", "a part of the storage did not answer (`isPartial`)")
    assert (answer.series[0].native, answer.series[0].samples) == (True, ())


# --- where it leads --------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
async def test_a_redirect_is_not_followed(status: str) -> None:
    async with raw_server(GOOD) as elsewhere:
        redirect = raw.answers(b"", f"Location: {elsewhere.address}/{SECRET}", status=status)
        async with raw_server(redirect) as server:
            assert f"a redirect (HTTP {status[:3]}), which is not followed" in await refused(server)
        assert elsewhere.requests == []


async def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with raw_server(GOOD) as proxy, raw_server(GOOD) as server, asking(server.address) as ask:
        monkeypatch.setenv("HTTP_PROXY", proxy.address)
        monkeypatch.setenv("http_proxy", proxy.address)
        await ask()
        assert (len(proxy.requests), len(server.requests)) == (0, 1)


async def test_a_cookie_is_not_kept() -> None:
    async with raw_server(raw.answers(raw.vector("1"), "Set-Cookie: a=b; Path=/")) as server:
        async with asking(server.address.replace("127.0.0.1", "localhost")) as ask:
            await ask()
            await ask()
        assert "cookie:" not in server.requests[1].lower()
