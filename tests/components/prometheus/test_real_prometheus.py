"""What a real Prometheus answers, against what `prometheus-api-client` reads from it."""

import asyncio
import math
import time

import pytest
from mlrollout.adapters.prometheus import PrometheusSource
from mlrollout.evidence.answer import Answer
from mlrollout.evidence.presence import Presence, ask, needs
from mlrollout.evidence.promql.query import Query
from mlrollout.ports import SourceError
from prometheus_api_client import PrometheusConnect
from prometheus_api_client.exceptions import PrometheusApiClientException

from devstack import web
from devstack.prometheus_server import PrometheusServer

DEADLINE = 20.0


@pytest.mark.parametrize(
    "promql",
    [
        "good",
        "small",
        "numbers",
        "sum(numbers)",
        "max(numbers) / min(numbers)",
        'numbers{parity="odd"} + on() good',
        "zero / zero",
        "-good / zero",
        "good / zero",
        "nothing",
        "sum(nothing) or vector(0)",
        "histogram_quantile(0.9, numbers)",
        "count_values('value', numbers)",
    ],
)
async def test_a_vector_is_what_the_independent_reader_reads(
    prometheus: PrometheusServer, source: PrometheusSource, promql: str
) -> None:
    answer = await source.query(promql, deadline=DEADLINE)

    read = PrometheusConnect(prometheus.url).custom_query(promql)
    expected = {frozenset(series["metric"].items()): float(series["value"][1]) for series in read}
    got = {frozenset(sample.labels.items()): sample.value for sample in answer.samples}
    assert str(got) == str(expected)
    assert (answer.kind, answer.warnings, answer.lag) == ("vector", (), 0.0)


@pytest.mark.parametrize("promql", ["42", "scalar(good)", "scalar(numbers)", "1 / 0"])
async def test_a_scalar_is_what_the_independent_reader_reads(
    prometheus: PrometheusServer, source: PrometheusSource, promql: str
) -> None:
    answer = await source.query(promql, deadline=DEADLINE)

    _, read = PrometheusConnect(prometheus.url).custom_query(promql)
    assert str(answer.samples[0].value) == str(float(read))
    assert (answer.kind, len(answer.samples)) == ("scalar", 1)


@pytest.mark.parametrize(("promql", "kind"), [("'words'", "string"), ("good[1m]", "matrix"), ("good[1m:1s]", "matrix")])
async def test_what_is_no_number_is_named(source: PrometheusSource, promql: str, kind: str) -> None:
    answer = await source.query(promql, deadline=DEADLINE)
    assert (answer.kind, answer.samples) == (kind, ())


async def test_a_range_selector_with_a_moment_is_its_samples(
    prometheus: PrometheusServer, source: PrometheusSource
) -> None:
    at = time.time()
    answer = await source.query("numbers[1m]", deadline=DEADLINE, at=at)

    read = PrometheusConnect(prometheus.url).custom_query("numbers[1m]", params={"time": f"{at:.3f}"})
    expected = {
        frozenset(series["metric"].items()): [(moment, float(value)) for moment, value in series["values"]]
        for series in read
    }
    assert {frozenset(series.labels.items()): list(series.samples) for series in answer.series} == expected
    assert len(expected) == 2
    assert all(moment <= at for samples in expected.values() for moment, _ in samples)


async def test_what_counts_as_no_number_comes_as_it_is(source: PrometheusSource) -> None:
    nan, inf = [(await source.query(promql, deadline=DEADLINE)).samples for promql in ("zero / zero", "good / zero")]
    assert math.isnan(nan[0].value)
    assert inf[0].value == math.inf


async def test_a_query_is_evaluated_now_by_prometheus_clock(source: PrometheusSource) -> None:
    before = time.time()
    answer = await source.query("good", deadline=DEADLINE)
    assert answer.evaluated is not None
    assert before - 0.001 <= answer.evaluated <= time.time()


@pytest.mark.parametrize(
    ("promql", "status", "said"),
    [
        ("sum(good", 400, 'refused the query: invalid parameter "query": 1:9: parse error: unclosed left parenthesis'),
        ("twice * on(job) group_left twice", 422, "refused the query: found duplicate series for the match group"),
    ],
)
async def test_a_refusal_is_told_in_prometheus_words(
    prometheus: PrometheusServer, source: PrometheusSource, promql: str, status: int, said: str
) -> None:
    with pytest.raises(SourceError) as error:
        await source.query(promql, deadline=DEADLINE)
    assert said in str(error.value)
    assert len(str(error.value)) < 300
    with pytest.raises(PrometheusApiClientException, match=f"HTTP Status Code {status}"):
        PrometheusConnect(prometheus.url).custom_query(promql)


async def test_a_regular_expression_is_judged_by_prometheus(source: PrometheusSource) -> None:
    query = Query.parse('sum(good{a=~"["})')
    with pytest.raises(SourceError, match=r"refused the query: .*error parsing regexp: missing closing"):
        await source.query(query.render(60), deadline=DEADLINE)


async def test_prometheus_itself_gives_a_query_up_at_the_deadline(source: PrometheusSource) -> None:
    slow = "count(count_over_time(good[12h:1ms]))"
    with pytest.raises(SourceError, match=r"gave no complete answer within 50ms|gave the query up at its deadline"):
        await source.query(slow, deadline=0.05)


async def test_a_port_where_nobody_listens_refuses() -> None:
    listener = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    listener.close()
    await listener.wait_closed()
    source = PrometheusSource(f"http://127.0.0.1:{port}")
    with pytest.raises(
        SourceError, match=f"Prometheus at http://127.0.0.1:{port} can't be reached: Connection refused"
    ):
        await source.query("good", deadline=DEADLINE)
    await source.close()


async def test_a_frozen_prometheus_costs_the_deadline_and_no_more() -> None:
    with PrometheusServer(jobs=[]) as server:
        source = PrometheusSource(server.url)
        await source.query("1", deadline=DEADLINE)
        server.pause()
        with pytest.raises(SourceError, match="gave no complete answer within 200ms"):
            await source.query("1", deadline=0.2)
        server.resume()
        assert (await source.query("1", deadline=DEADLINE)).samples
        await source.close()


async def test_a_prometheus_that_was_away_is_found_again() -> None:
    with PrometheusServer(jobs=[]) as server:
        source = PrometheusSource(server.url)
        await source.query("1", deadline=DEADLINE)
        server.kill()
        with pytest.raises(SourceError, match="can't be reached: Connection refused"):
            await source.query("1", deadline=DEADLINE)
        server.start()
        assert (await source.query("1", deadline=DEADLINE)).samples
        server.restart()
        assert (await source.query("1", deadline=DEADLINE)).samples
        await source.close()


class BehindAPath(PrometheusServer):
    """Serves everything under `/prom`."""

    def __init__(self) -> None:
        super().__init__(jobs=[], arguments=["--web.route-prefix=/prom"])

    def ready(self) -> bool:
        return web.get(f"{self.url}/prom/-/ready") is not None


async def test_prometheus_may_stand_behind_a_path() -> None:
    with BehindAPath() as server:
        with_path, without = PrometheusSource(f"{server.url}/prom/"), PrometheusSource(server.url)
        assert (await with_path.query("1", deadline=DEADLINE)).samples
        with pytest.raises(SourceError, match="HTTP 404: there is no query API at this address"):
            await without.query("1", deadline=DEADLINE)
        await with_path.close()
        await without.close()


# --- every query that is read here is read there ---------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "sum(rate(good[$window]))",
        "max_over_time(rate(good[$window])[$window:1s] offset $window)",
        'good{a!="$window",b!=`\\d"`,c!~"\\\\.\\n\\"",d!="ä"}',
        "rate(good[5m] @ end() offset -1m)",
    ],
)
@pytest.mark.parametrize("window", [0.1, 1, 59.9994, 300, 5430.25, 2_592_000])
async def test_a_rendered_query_is_one_for_prometheus_too(source: PrometheusSource, text: str, window: float) -> None:
    query = Query.parse(text)
    await source.query(query.render(window), deadline=DEADLINE)
    for max_age in (0.25, 120.0, 86_400.0):
        needed = needs(query, window, max_age)
        await source.query(ask(needed) or "", deadline=DEADLINE)
        await source.query(Presence(needed, max_age, Answer(())).history(3600.5) or "", deadline=DEADLINE)


async def test_a_trend_has_an_answer_for_each_moment(source: PrometheusSource) -> None:
    answer = await source.over('label_replace(vector(time()), "a", "b", "", "")', 600, 720, 60, deadline=DEADLINE)

    (series,) = answer.series
    assert (dict(series.labels), series.samples) == ({"a": "b"}, ((600.0, 600.0), (660.0, 660.0), (720.0, 720.0)))


async def test_a_trend_that_can_not_be_asked_for_is_told(source: PrometheusSource) -> None:
    with pytest.raises(SourceError, match="parse error"):
        await source.over("sum(", 600, 720, 60, deadline=DEADLINE)
