"""Guardrails that test at every look, by a real Prometheus that scrapes a real target: each event and each user is
counted once, in its group, over restarts and new series."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field

import pytest
from mlrollout.adapters.prometheus import PrometheusSource
from mlrollout.api.kinds import guardrail
from mlrollout.evidence.checks.check import Attempt
from mlrollout.evidence.checks.kinds import check_of
from mlrollout.evidence.checks.sequential import SequentialCheck
from mlrollout.evidence.measurement import Measurement, Verdict
from mlrollout.runtime.measuring import measure

from devstack.processes import wait_until
from devstack.prometheus_server import PrometheusServer, ScrapeJob
from tests.support.target import Target, target

SCRAPE = 0.25
STEP = 1.0
"""Seconds of a block: the shortest there is."""
PAUSE = 1.5
"""Seconds without events, after which what was counted has been scraped."""
RATE = {"bad": "failures_total", "all": "requests_total", "max": 0.05}
COMPARE = {"bad": 'outcomes_total{status="failure"}', "all": "outcomes_total", "ratio": 1.5}
BALANCE = {"users": "users_total"}
TREATMENT, CONTROL, FAILURE, SUCCESS, USERS = "treatment", "control", "failure", "success", "users"
ABOVE = {"histogram": "seconds_bucket", "above": "1", "max": 0.05}


class Clock:
    """This machine's wall clock."""

    def now(self) -> float:
        return time.time()


@dataclass
class Application:
    """Serves requests by pods, some of which fail, and counts them as a client library does."""

    scraped: Target
    pods: dict[str, list[int]] = field(default_factory=lambda: {"a": [0, 0]})
    total: int = 0
    failed: int = 0
    groups: dict[str, Counter[tuple[str, str]]] = field(default_factory=lambda: {"a": Counter()})
    worse: bool = False
    """Whether the treatment fails more often than the control does."""
    ever: Counter[tuple[str, str]] = field(default_factory=Counter)
    """What all pods have counted by group, whatever became of them."""

    def _count(self, pod: str) -> None:
        """One request more, of a new user: one in ten is the treatment's, and of both groups a tenth fails."""
        group = TREATMENT if self.total % 10 == 0 else CONTROL
        bad = self.total % (20 if self.worse else 100) == 0 if group == TREATMENT else self.total % 10 == 5
        for of in (self.groups[pod], self.ever):
            of.update([(group, FAILURE if bad else SUCCESS), (group, USERS)])

    def show(self) -> None:
        lines = [
            f'requests_total{{pod="{pod}"}} {requests}\nfailures_total{{pod="{pod}"}} {failures}\n'
            for pod, (requests, failures) in self.pods.items()
        ]
        lines += [
            f'outcomes_total{{pod="{pod}",group="{group}",status="{status}"}} {counted[group, status]}\n'
            for pod, counted in self.groups.items()
            for group in (TREATMENT, CONTROL)
            for status in (SUCCESS, FAILURE)
        ]
        lines += [
            f'users_total{{pod="{pod}",group="{group}"}} {counted[group, USERS]}\n'
            for pod, counted in self.groups.items()
            for group in (TREATMENT, CONTROL)
        ]
        buckets = f'seconds_bucket{{le="1.0"}} {self.total - self.failed}\nseconds_bucket{{le="+Inf"}} {self.total}\n'
        self.scraped.text = "".join([*lines, buckets, f"level {1000 + (-1) ** self.total * 400}\n"])

    def restart(self, pod: str) -> None:
        """Its counters begin at zero."""
        self.pods[pod], self.groups[pod] = [0, 0], Counter()

    def counted(self, group: str) -> tuple[float, float]:
        """Events of a group, and the bad ones."""
        return self.ever[group, SUCCESS] + self.ever[group, FAILURE], self.ever[group, FAILURE]

    async def serve(self, seconds: float, failing: int = 0) -> None:
        """Two hundred requests a second and pod, of which every so many-th fails; then silence."""
        for _ in range(round(seconds * 10)):
            for name, pod in self.pods.items():
                for _ in range(20):
                    self.total += 1
                    self._count(name)
                    bad = failing > 0 and self.total % failing == 0
                    pod[0], pod[1], self.failed = pod[0] + 1, pod[1] + bad, self.failed + bad
            self.total += 1  # so that the gauge changes
            self.pods["a"][0] += 1
            self.show()
            await asyncio.sleep(0.1)
        await asyncio.sleep(PAUSE)


@dataclass
class Looking:
    """Looks of one check, one after the other."""

    source: PrometheusSource
    attempt: Attempt
    asked: Mapping[str, object]
    kind: str = "rate"
    made: list[Measurement] = field(default_factory=list)

    def __post_init__(self) -> None:
        raw = {"name": "errors", self.kind: self.asked, "interval": "250ms", "deadline": "20s"}
        self.check = check_of(guardrail.validate_python(raw))
        assert isinstance(self.check, SequentialCheck)
        assert self.check.blocks.step == STEP
        self.check.scrape = SCRAPE

    async def look(self) -> Measurement:
        at = self.attempt
        self.made.append(await measure(self.check, self.source, since=at.stage, clock=Clock(), attempt=at))
        return self.made[-1]

    async def until(self, moment: float) -> Measurement:
        """Looks until all up to a moment is counted."""
        return await self._until(lambda found: counted(found) >= moment)

    async def until_verdict(self, verdict: Verdict) -> Measurement:
        return await self._until(lambda found: found.verdict is verdict)

    async def _until(self, done: Callable[[Measurement], bool]) -> Measurement:
        async with asyncio.timeout(60):
            while True:
                found = await self.look()
                if done(found):
                    return found
                await asyncio.sleep(0.1)


def hold_to(app: Application, found: Measurement) -> None:
    """What was found of both groups is what the application counted: events and bad ones, or users."""
    assert found.evidence is not None
    assert found.evidence.control is not None
    for group, side in ((TREATMENT, found.evidence.treatment), (CONTROL, found.evidence.control)):
        of_users = side.bad is None
        assert (side.events, side.bad) == ((app.ever[group, USERS], None) if of_users else app.counted(group))


async def hold_groups(app: Application, compared: Looking, split: Looking, end: float) -> None:
    """A worse treatment is found by comparison, whoever counts, and its split is blamed for nothing."""
    hold_to(app, await compared.until(end))
    hold_to(app, await split.until(end))
    assert "legacy" in next(one.message for one in compared.made if one.verdict is Verdict.BREACH)
    assert Verdict.BREACH not in {one.verdict for one in split.made}
    again = Looking(compared.source, compared.attempt, compared.asked, compared.kind)
    await again.until(end)
    assert again.made[-1].checkpoint in {one.checkpoint for one in compared.made}


def counted(found: Measurement) -> float:
    """Up to when a check has read."""
    return float(json.loads(found.checkpoint)["upto"]) if found.checkpoint else 0.0


def scraped_at(server: PrometheusServer) -> float:
    """When the application was scraped last, seconds since the epoch."""
    return max((float(one["value"][1]) for one in server.query("timestamp(requests_total)")), default=0.0)


@pytest.fixture(scope="module")
def server() -> Iterator[PrometheusServer]:
    with PrometheusServer(jobs=[ScrapeJob("app"), ScrapeJob("many", "1s")], interval="250ms") as running:
        yield running


@pytest.fixture
async def source(server: PrometheusServer) -> AsyncIterator[PrometheusSource]:
    made = PrometheusSource(server.url)
    yield made
    await made.close()


async def test_each_event_is_counted_once_over_restarts_and_new_pods_and_a_failure_is_found(
    server: PrometheusServer, source: PrometheusSource
) -> None:
    with target("") as scraped:
        app = Application(scraped)
        app.show()
        server.set_targets("app", [scraped.address])
        await asyncio.to_thread(wait_until, lambda: server.query("requests_total"), within=20, what="a scrape")
        await asyncio.sleep(PAUSE)
        began = time.time() - STEP  # so that its first block has begun
        # The split leaves out users of before its stage's first block, and so what the first scrape since then shows.
        await asyncio.to_thread(
            wait_until, lambda: scraped_at(server) > began + 2 * STEP or None, within=20, what="a scrape of that stage"
        )
        attempt = Attempt(1, began, began, 10)
        live, above, gauge = (
            Looking(source, attempt, rate) for rate in (RATE, ABOVE, RATE | {"bad": "level", "all": "requests_total"})
        )
        compared, split = Looking(source, attempt, COMPARE, "compare"), Looking(source, attempt, BALANCE, "balance")

        await app.serve(3, failing=100)
        await live.until(time.time() - 1)
        app.restart("a")
        await app.serve(3, failing=100)
        app.restart("b")  # a new pod, whose first request fails
        app.pods["b"][:] = [1, 1]
        app.total, app.failed = app.total + 1, app.failed + 1
        await app.serve(3, failing=100)
        healthy = await live.until(time.time() - 1)
        assert healthy.verdict is Verdict.PASS
        assert healthy.evidence is not None
        assert (healthy.evidence.treatment.events, healthy.evidence.treatment.bad) == (app.total, app.failed)
        assert "proven safe" in healthy.message
        for found in (await compared.until(time.time() - 1), await split.until(time.time() - 1)):
            assert found.verdict is Verdict.PASS
            hold_to(app, found)

        app.worse = True
        restarted = Looking(source, attempt, RATE)
        restarted.check.restore(live.made[len(live.made) // 2].checkpoint)
        await app.serve(3, failing=4)
        end = time.time() - 1
        found = await live.until(end)
        assert Verdict.BREACH in {one.verdict for one in live.made}
        assert found.evidence is not None
        assert (found.evidence.treatment.events, found.evidence.treatment.bad) == (app.total, app.failed)
        others = (restarted, Looking(source, attempt, RATE))
        for other in others:
            await other.until(end)
            assert Verdict.BREACH in {one.verdict for one in other.made}
            kept = json.loads(other.made[-1].checkpoint)["upto"]
            (same,) = {
                one.checkpoint for one in live.made if one.checkpoint and json.loads(one.checkpoint)["upto"] == kept
            }
            assert other.made[-1].checkpoint == same, "the same samples are the same numbers, whoever reads them"

        await hold_groups(app, compared, split, end)

        slow = await above.until(end)
        assert slow.evidence is not None
        assert (slow.evidence.treatment.events, slow.evidence.treatment.bad) == (app.total, app.failed)
        assert "are above 1 (" in slow.message
        assert (await Looking(source, attempt, ABOVE | {"above": "3"}).until_verdict(Verdict.ERROR)).message.startswith(
            "no bucket has the edge 3: the nearest are 1"
        )
        await gauge.until(end)
        assert Verdict.BREACH not in {one.verdict for one in gauge.made}


async def test_ten_thousand_series_behind_one_selector_are_refused(
    server: PrometheusServer, source: PrometheusSource
) -> None:
    lines = "".join(f'many_total{{user="{number}"}} 1\n' for number in range(10_001))
    with target(lines) as scraped:
        server.set_targets("many", [scraped.address])
        await asyncio.to_thread(
            wait_until, lambda: server.query("count(many_total) == 10001"), within=30, what="a scrape"
        )
        began = time.time() - 3
        looking = Looking(source, Attempt(1, began, began, 10), {"bad": "many_total", "all": "many_total", "max": 0.05})
        found = await looking.until_verdict(Verdict.ERROR)
    assert "series are more than the 10000" in found.message or "more than 4 MiB: narrow the selector" in found.message


async def test_a_selector_that_prometheus_refuses_is_told(server: PrometheusServer, source: PrometheusSource) -> None:
    began = time.time() - 30
    looking = Looking(source, Attempt(1, began, began, 10), RATE | {"bad": 'failures_total{pod=~"["}'})
    found = await looking.look()
    assert found.verdict is Verdict.ERROR
    assert "error parsing regexp" in found.message
    assert found.refused
