"""A real VictoriaMetrics, started with nothing but what it scrapes: whether it understands a query, it says itself."""

import itertools
import time
from collections.abc import AsyncIterator, Iterator

import pytest
from mlrollout.adapters.prometheus import PrometheusSource
from mlrollout.api.threshold import ThresholdGuardrail
from mlrollout.evidence.measurement import Verdict
from mlrollout.ports import QueryRefusedError, SourceError

from devstack.victoria_server import VictoriaServer
from tests.components.prometheus.observer import Observer
from tests.support.target import Target, target

DEADLINE = 10.0


class App:
    """An application that counts."""

    def __init__(self, scraped: Target) -> None:
        self._scraped = scraped
        self._numbers = itertools.count()
        self.level = 0.01

    def count(self) -> None:
        number = next(self._numbers)
        self._scraped.text = f"bad_total {number}\nall_total {100 * number}\nlevel {self.level}\n"


@pytest.fixture(scope="module")
def scraped() -> Iterator[Target]:
    with target("") as running:
        yield running


@pytest.fixture(scope="module")
def victoria(scraped: Target) -> Iterator[VictoriaServer]:
    with VictoriaServer(targets=[scraped.address]) as running:
        yield running


@pytest.fixture
def app(scraped: Target) -> App:
    return App(scraped)


@pytest.fixture
async def observer(victoria: VictoriaServer) -> AsyncIterator[Observer]:
    source = PrometheusSource(victoria.url)
    yield Observer(source)
    await source.close()


@pytest.mark.parametrize(
    ("query", "unread"),
    [
        ("sum(rate(bad_total[5s])) / sum(rate(all_total[5s]))", False),
        ("level", False),
        ("sum(rate(bad_total)) / sum(rate(all_total))", True),
        ("(sum(rate(bad_total[5s])) default 0) / sum(rate(all_total[5s]))", True),
        ("holt_winters(level[5s], 0.5, 0.5)", True),
        ("sum(level) limit 1", True),
        ("sum(rate(bad_total[$window])) / sum(rate(all_total[$window])) if sum(level)", True),
    ],
)
async def test_what_it_understands_is_evidence_whether_the_operator_can_read_it_or_not(
    observer: Observer, app: App, query: str, *, unread: bool
) -> None:
    guardrail = ThresholdGuardrail(name="errors", query=query, max=0.05)
    measurement = await observer.until(guardrail, Verdict.PASS, meanwhile=app.count)

    assert measurement.value == pytest.approx(0.01, rel=0.5)
    assert ("read word by word" in measurement.message) is unread


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("nonsense(level[5s])", 'unsupported function "nonsense"'),
        ("sum(rate(level[5s * 2]))", 'unexpected token "*"'),
        ("sum(rate(level[5s])", "unparsed data"),
        ('nonsense(level{a="for (time=1, step=1): all well"}[5s])', 'unsupported function "nonsense"'),
    ],
)
async def test_what_it_does_not_understand_is_an_invalid_query_with_its_reason_first(
    observer: Observer, query: str, said: str
) -> None:
    measurement = await observer.look(ThresholdGuardrail(name="errors", query=query, max=0.05))

    assert (measurement.verdict, measurement.refused) == (Verdict.ERROR, True)
    assert said in measurement.message
    assert "error when executing" not in measurement.message


async def test_what_fails_only_with_these_data_is_no_invalid_query(observer: Observer, app: App) -> None:
    await observer.until(ThresholdGuardrail(name="level", query="level", max=1), Verdict.PASS, meanwhile=app.count)
    with pytest.raises(SourceError) as error:
        await observer.source.query(
            'label_set(level, "a", "1") + on() union(label_set(level, "b", "1"), label_set(level, "b", "2"))',
            deadline=DEADLINE,
        )
    assert not isinstance(error.value, QueryRefusedError)
    assert "unsupported function" not in str(error.value)


async def test_it_answers_for_now_and_not_for_half_a_minute_ago(observer: Observer, app: App) -> None:
    """By itself it would, and a breach would be seen so much later."""
    await observer.until(ThresholdGuardrail(name="level", query="level", max=1), Verdict.PASS, meanwhile=app.count)
    before = time.time()

    answer = await observer.source.query("level", deadline=DEADLINE)

    assert answer.evaluated is not None
    assert before - 1 <= answer.evaluated <= time.time()
    assert answer.lag < 2


async def test_raw_samples_are_those_of_prometheus(observer: Observer, app: App) -> None:
    counted = ThresholdGuardrail(name="samples", query="count_over_time(all_total[1m])", min=5)
    await observer.until(counted, Verdict.PASS, meanwhile=app.count)

    answer = await observer.source.query("all_total[1m]", deadline=DEADLINE, at=time.time())

    (series,) = answer.series
    values = [value for _, value in series.samples]
    assert len(values) >= 5
    assert values == sorted(values)
