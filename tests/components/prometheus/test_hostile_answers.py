"""Whatever a server says, and when: nothing of its words is passed on but Prometheus' own."""

import asyncio
import gzip
import time
from email.utils import formatdate

import pytest
from mlrollout.evidence.answer import Answer, Sample

from tests.components.prometheus.asking import GOOD, SECRET, asking, refused
from tests.support import raw_server as raw
from tests.support.raw_server import raw_server

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


async def test_an_answer_that_victoriametrics_calls_partial_is_doubted() -> None:
    partial, whole = (raw.answers(raw.vector("0.01", isPartial=part)) for part in (True, False))
    async with raw_server(partial, whole) as server, asking(server.address) as ask:
        assert (await ask()).warnings == ("a part of the storage did not answer (`isPartial`)",)
        assert (await ask()).warnings == ()


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


MATRIX = b'{"status":"success","data":{"resultType":"matrix","result":[]}}'


@pytest.mark.parametrize(("set_by", "low", "high"), [(90, 80, 90), (-90, -90, -80), (0, 0, 0)])
async def test_a_clock_that_is_set_otherwise_is_seen_as_samples_are_asked_for(
    set_by: float, low: float, high: float
) -> None:
    async def answers(writer: asyncio.StreamWriter) -> None:
        writer.write(raw.http("200 OK", MATRIX, f"Date: {formatdate(time.time() + set_by, usegmt=True)}"))

    async with raw_server(answers) as server, asking(server.address) as ask:
        assert low <= (await ask(at=1.0)).ahead <= high


@pytest.mark.parametrize("header", ["Server: x", "Date: yesterday"])
async def test_one_that_is_not_told_is_taken_for_right(header: str) -> None:
    async with raw_server(raw.answers(MATRIX, header)) as server, asking(server.address) as ask:
        assert (await ask(at=1.0)).ahead == 0


async def test_an_answer_without_samples_says_no_time() -> None:
    headers = f"Date: {formatdate(usegmt=True)}"
    async with raw_server(raw.answers(raw.vector(), headers)) as server, asking(server.address) as ask:
        assert await ask() == Answer(())
