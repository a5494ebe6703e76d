"""Whatever stands at the address: one bounded answer or one `SourceError`, and nothing of its words."""

import asyncio
import gzip
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from email.utils import formatdate
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from mlrollout.adapters.prometheus import MAX_BYTES, MAX_RANGE_BYTES, PrometheusSource
from mlrollout.evidence.answer import Answer, Sample
from mlrollout.ports import SourceError

from devstack import certificates
from tests.support import raw_server as raw
from tests.support.raw_server import Behaviour, RawServer, raw_server

SECRET = "s3cret"  # noqa: S105 - what must never be repeated
GOOD = raw.answers(raw.vector("0.07"))


@asynccontextmanager
async def asking(address: str) -> AsyncIterator[Callable[..., Awaitable[Answer]]]:
    """A source that is closed afterwards; each question has five seconds unless told."""
    source = PrometheusSource(address)

    async def ask(promql: str = "x", *, deadline: float = 5.0, at: float | None = None) -> Answer:
        return await source.query(promql, deadline=deadline, at=at)

    try:
        yield ask
    finally:
        await source.close()


async def refused(server: RawServer, *, deadline: float = 5.0, at: float | None = None) -> str:
    """What is said of the server's answer."""
    async with asking(server.address) as ask:
        with pytest.raises(SourceError) as error:
            await ask(deadline=deadline, at=at)
    assert SECRET not in repr(error.value)
    assert "\n" not in str(error.value)
    return str(error.value).removeprefix(f"Prometheus at {server.address} ")


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
    assert form == {"query": ['sum(x{a="ä+&="})'], "timeout": ["2.500"]}


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
        b'{"status":"success","warnings":["PromQL info: hm","partial"],"data":{"resultType":"matrix",'
        b'"result":[{"metric":{"a":"b"},"histograms":[[1,{"count":"3"}]]}]}}'
    )
    async with raw_server(raw.answers(body)) as server, asking(server.address) as ask:
        answer = await ask(at=AT)
    assert answer.warnings == ("partial",)
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


# --- what it says ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("204 No Content", "answered with HTTP 204"),
        ("401 Unauthorized", "answered with HTTP 401: it asks for credentials"),
        ("403 Forbidden", "answered with HTTP 403: it asks for credentials"),
        ("404 Not Found", "answered with HTTP 404: there is no query API"),
        ("405 Method Not Allowed", "answered with HTTP 405: there is no query API"),
        ("429 Too Many", "answered with HTTP 429: it is starting, has too much to do"),
        ("500 Error", "answered with HTTP 500"),
        ("503 Unavailable", "answered with HTTP 503: it is starting, has too much to do"),
    ],
)
async def test_another_status_is_told_without_its_body(status: str, said: str) -> None:
    body = b"" if status.startswith("204") else b'{"status":"error","error":"%s"}' % SECRET.encode()
    async with raw_server(raw.answers(body, status=status)) as server:
        assert (await refused(server)).startswith(said)
        assert len(server.requests) == 1


@pytest.mark.parametrize("status", ["400 Bad Request", "422 Unprocessable"])
async def test_the_reason_for_refusing_a_query_is_passed_on_in_one_line(status: str) -> None:
    body = b'{"status":"error","errorType":"bad_data","error":"bad:\\n\\t\\u001b[1mwords ' + b"long " * 99 + b'"}'
    async with raw_server(raw.answers(body, status=status)) as server:
        said = await refused(server)
    assert said.startswith("refused the query: bad: [1mwords long long")
    assert said.endswith("…")
    assert len(said.removeprefix("refused the query: ")) == 200


@pytest.mark.parametrize("body", [b"<html>s3cret</html>", b'{"message":"s3cret"}', b'{"status":"success"}'])
async def test_a_reason_that_is_not_prometheus_own_is_not_passed_on(body: bytes) -> None:
    async with raw_server(raw.answers(body, status="400 Bad Request")) as server:
        assert await refused(server) == "refused the query: HTTP 400"


DATA = b'{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":%s}]}}'


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>s3cret</html>",
        b'{"status":"success","data":{"resultType":"vec',
        b"\xff\xfe s3cret",
        b"[" * 100_000,
        b"[]",
        b'"s3cret"',
        b'{"status":"error","error":"s3cret"}',
        b'{"status":"success"}',
        b'{"status":"success","data":{"resultType":"s3cret","result":[]}}',
        b'{"status":"success","data":{"resultType":"vector","result":{}}}',
        b'{"status":"success","data":{"resultType":"scalar","result":[1]}}',
        DATA % b'[1,"s3cret"]',
        DATA % b"[1]",
        DATA % b'["NaN","1"]',
        DATA % b'[-1e308,"1"]',
        DATA % b'[1e300,"1"]',
    ],
)
async def test_a_body_that_is_no_answer_is_refused(body: bytes) -> None:
    async with raw_server(raw.answers(body)) as server:
        assert await refused(server) == "gave no answer of its query API: check the address, and the path in it"


async def test_a_compressed_body_is_not_unpacked() -> None:
    packed = raw.answers(gzip.compress(raw.vector("1")), "Content-Encoding: gzip")
    async with raw_server(packed) as server:
        assert (await refused(server)).startswith("gave no answer of its query API")
        assert "accept-encoding: identity" in server.requests[0].lower()


async def test_a_native_histogram_is_refused_with_what_to_do() -> None:
    body = b'{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"histogram":[1,{}]}]}}'
    async with raw_server(raw.answers(body)) as server:
        assert "for example with histogram_quantile" in await refused(server)


async def test_warnings_are_seen_and_remarks_are_not() -> None:
    remarks = ["PromQL info: metric might not be a counter"]
    warnings = ["PromQL warning: bad buckets", "store\n10.0.0.1 is gone " + "x" * 300]
    body = raw.vector("0.01", warnings=remarks + warnings, infos=["PromQL info: other"])
    async with raw_server(raw.answers(body)) as server, asking(server.address) as ask:
        first, second = (await ask()).warnings
    assert first == "PromQL warning: bad buckets"
    assert second.startswith("store 10.0.0.1 is gone xxx")
    assert len(second) == 200


async def test_no_warnings_may_be_said_in_two_ways() -> None:
    async with (
        raw_server(GOOD, raw.answers(raw.vector("0.07", warnings=None))) as server,
        asking(server.address) as ask,
    ):
        assert await ask() == await ask() == Answer((Sample(0.07, {"series": "0"}),), evaluated=1_700_000_000.0)


# --- when it says it -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("date", "low", "high"),
    [
        (formatdate(1_700_000_300, usegmt=True), 294, 300),
        (formatdate(1_700_000_000, usegmt=True), 0, 0),
        (formatdate(1_600_000_000, usegmt=True), 0, 0),
        ("yesterday", 0, 0),
        ("Sat, 01 Jan 99999999999 23:59:59 GMT", 0, 0),
    ],
)
async def test_an_old_evaluation_lags(date: str, low: float, high: float) -> None:
    async with raw_server(raw.answers(raw.vector("0.01"), f"Date: {date}")) as server, asking(server.address) as ask:
        assert low <= (await ask()).lag <= high


async def test_an_evaluation_that_takes_its_time_does_not_lag() -> None:
    async def evaluates_slowly(writer: asyncio.StreamWriter) -> None:
        begun = time.time()
        await asyncio.sleep(1.1)
        writer.write(raw.http("200 OK", raw.vector("0.01", at=begun), f"Date: {formatdate(usegmt=True)}"))

    async with raw_server(evaluates_slowly) as server, asking(server.address) as ask:
        assert (await ask()).lag == 0


async def test_an_answer_without_samples_says_no_time() -> None:
    headers = f"Date: {formatdate(usegmt=True)}"
    async with raw_server(raw.answers(raw.vector(), headers)) as server, asking(server.address) as ask:
        assert await ask() == Answer(())


# --- the connection --------------------------------------------------------------------------


async def test_a_connection_is_used_again() -> None:
    async with raw_server(GOOD) as server, asking(server.address) as ask:
        await ask()
        await ask()
        assert len(server.requests) == 2
        assert server.connections == 1


async def test_a_pooled_connection_that_dies_is_replaced_once() -> None:
    async with raw_server(GOOD, raw.hangs_up, GOOD) as server, asking(server.address) as ask:
        await ask()
        assert (await ask()).samples
        assert (len(server.requests), server.connections) == (3, 2)


async def test_a_server_that_always_hangs_up_is_asked_no_more_than_twice() -> None:
    async with raw_server(GOOD, raw.hangs_up) as server, asking(server.address) as ask:
        await ask()
        with pytest.raises(SourceError, match="broke the connection off"):
            await ask()
        assert len(server.requests) == 3


async def test_a_fresh_connection_that_dies_is_not_tried_again() -> None:
    async with raw_server(raw.hangs_up) as server:
        assert await refused(server) == "broke the connection off before its answer was complete"
        assert len(server.requests) == 1


async def test_an_answer_that_breaks_off_is_none_and_not_asked_for_again() -> None:
    async def break_off(writer: asyncio.StreamWriter) -> None:
        writer.write(raw.http("200 OK", raw.vector("0.01"))[:-5])
        await writer.drain()
        writer.close()

    async with raw_server(GOOD, break_off) as server, asking(server.address) as ask:
        await ask()
        with pytest.raises(SourceError, match="broke the connection off"):
            await ask()
        assert len(server.requests) == 2


async def test_what_does_not_speak_http_is_told() -> None:
    async with raw_server(raw.sends(b"SSH-2.0-s3cret\r\n")) as server:
        assert await refused(server) == "does not answer in HTTP: check the address"


async def test_what_does_not_speak_tls_is_told() -> None:
    async def speak(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"this is not the TLS you are looking for")
        writer.close()

    async with await asyncio.start_server(speak, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with asking(f"https://127.0.0.1:{port}") as ask:
            with pytest.raises(SourceError, match="no TLS connection could be made"):
                await ask()


async def test_a_certificate_that_nobody_vouches_for_is_not_accepted(tmp_path: Path) -> None:
    made = certificates.make(tmp_path)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(made.certificate, made.key)
    async with await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0, ssl=tls) as server:
        port = server.sockets[0].getsockname()[1]
        async with asking(f"https://127.0.0.1:{port}") as ask:
            with pytest.raises(SourceError, match="check its certificate"):
                await ask()


async def test_a_name_without_an_address_is_told() -> None:
    async with asking(f"http://{'a' * 70}.example") as ask:
        with pytest.raises(SourceError, match="its name has no address"):
            await ask()


async def test_a_closed_source_refuses() -> None:
    async with asking("http://127.0.0.1:9") as ask:
        pass
    with pytest.raises(SourceError, match="is not asked any more"):
        await ask()


# --- the address -----------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/prometheus", "/a/b/"])
async def test_the_api_may_stand_behind_a_path(path: str) -> None:
    async with raw_server(GOOD) as server, asking(server.address + path) as ask:
        await ask()
        assert server.requests[0].startswith(f"POST {path.rstrip('/')}/api/v1/query HTTP/1.1\r\n")


@pytest.mark.parametrize(
    "address",
    [
        "http://user:s3cret@host:9090",
        "http://s3cret@host",
        "http://host:9090?token=s3cret",
        "http://host:port-s3cret",
        "ftp://host/s3cret",
        "host:9090",
        "http:///s3cret",
        "",
    ],
)
async def test_an_address_that_is_none_or_holds_a_secret_is_refused_without_repeating_it(address: str) -> None:
    with pytest.raises(ValueError, match="without user name, password or query") as error:
        PrometheusSource(address)
    assert SECRET not in str(error.value)
    assert error.value.__cause__ is None
