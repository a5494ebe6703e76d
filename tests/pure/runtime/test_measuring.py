"""Each guardrail is looked at on its own schedule and deadline, and a breach is known when it is seen."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import pytest
from mlrollout.api.guardrail import Guardrail
from mlrollout.api.spec import Spec
from mlrollout.domain.record import Record
from mlrollout.domain.state import State
from mlrollout.domain.traffic import Traffic
from mlrollout.evidence.answer import Answer, Sample
from mlrollout.evidence.checks.check import Attempt, Occasion, Question
from mlrollout.evidence.measurement import Held, Measurement, Verdict
from mlrollout.ports import QueryRefusedError, Ref, SourceError
from mlrollout.runtime.measuring import Watch
from mlrollout.runtime.metrics import OperatorMetrics
from mlrollout.runtime.tracked import Measured, TrackedObject

from tests.pure.runtime.conftest import Logs
from tests.pure.runtime.small_world import spec
from tests.support import presence
from tests.support.virtual_time import virtual

EPOCH = 1_800_000_000.0
Answers = Callable[[], Awaitable[float]]


def after(seconds: float, value: float) -> Answers:
    async def answer() -> float:
        await asyncio.sleep(seconds)
        return value

    return answer


def raising(error: Exception) -> Answers:
    async def answer() -> float:
        raise error

    return answer


async def never() -> float:
    await asyncio.Event().wait()
    return 0.0


@dataclass
class Source:
    """A Prometheus that answers each query by a word in it; a query for the age of samples has the word `timestamp`."""

    answers: dict[str, Answers] = field(default_factory=dict)
    asked: list[tuple[float, str]] = field(default_factory=list)
    moments: list[float] = field(default_factory=list)

    async def query(self, promql: str, *, deadline: float, at: float | None = None) -> Answer:  # noqa: ARG002 - a port
        now = asyncio.get_running_loop().time()
        self.moments += [] if at is None else [at]
        word = next((word for word in ("timestamp", "samples", "slow") if word in promql), "value")
        self.asked.append((now, word))
        value = await self.answers.get(word, after(0, EPOCH + now if word == "timestamp" else 0.01))()
        now = EPOCH + asyncio.get_running_loop().time()
        return presence.answer(promql, now, lambda _: value) or Answer((Sample(value),), evaluated=now)

    async def close(self) -> None:
        pass


def guardrail(name: str = "errors", **changes: Any) -> dict[str, Any]:
    return {"name": name, "query": "value", "max": 0.05, "interval": "10s", "maxAge": "30s", **changes}


@dataclass
class Eye:
    """Looks, and remembers what it saw and when."""

    source: Source
    guardrails: tuple[dict[str, Any], ...]
    seen: list[tuple[float, str, Measurement]] = field(default_factory=list)
    mistaken: bool = False

    def __post_init__(self) -> None:
        self.tracked = TrackedObject(Ref("dispatch", "ml-dispatch"), measured=Measured(source=self.source))
        self.tracked.standing.state = State(
            Record(1, latched=False, sequence=1, percentage=10), measurements_from=EPOCH
        )
        self.watch = Watch(self.tracked, self, OperatorMetrics(), self._take, random.Random(1))  # noqa: S311 - no secret
        self.aim(*self.guardrails)

    def aim(self, *guardrails: dict[str, Any], **changes: Any) -> None:
        self.tracked.resource.spec = Spec.model_validate(spec(guardrails=guardrails, **changes))
        self.watch.sync(enabled=True)

    def now(self) -> float:
        return EPOCH + asyncio.get_running_loop().time()

    def _take(self, tracked: TrackedObject, looked_at: Guardrail, measurement: Measurement) -> None:
        assert tracked is self.tracked
        self.seen.append((asyncio.get_running_loop().time(), looked_at.name, measurement))
        if self.mistaken:
            raise ValueError("a mistake")

    def verdicts(self, name: str = "errors") -> list[Verdict]:
        return [measurement.verdict for _, seen, measurement in self.seen if seen == name]

    @property
    def last(self) -> Measurement:
        return self.seen[-1][2]


@dataclass
class Remembering:
    """A kind that asks for samples, counts its measurements and remembers how many there were."""

    guardrail: Guardrail
    made: int = 0
    occasions: list[Occasion] = field(default_factory=list)

    def restore(self, checkpoint: str) -> None:
        self.made = int(checkpoint or 0)

    def proceed(self, occasion: Occasion, answers: Mapping[str, Any]) -> Measurement | dict[str, Question]:
        self.occasions.append(occasion)
        if "samples" not in answers:
            return {"samples": Question("requests[1m]", occasion.at - 30)}
        self.made += 1
        return Measurement(Verdict.PASS, occasion.at, 0.0, checkpoint=str(self.made))

    def failed(self, occasion: Occasion, reason: str, *, refused: bool = False) -> Measurement:
        raise AssertionError(occasion, reason, refused)


@virtual
async def test_a_check_goes_on_from_what_an_earlier_process_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    checks: list[Remembering] = []

    def check_of(asked: Guardrail) -> Remembering:
        checks.append(Remembering(asked))
        return checks[-1]

    monkeypatch.setattr("mlrollout.runtime.measuring.check_of", check_of)
    eye = Eye(Source(), (guardrail(),))
    (asked,) = eye.watch.tasks
    eye.tracked.measured.sync((asked,), {"errors": "41"})
    state = State(
        Record(7, latched=False, sequence=1, percentage=10, stage="pilot"),
        measurements_from=EPOCH - 100,
        in_force_since=EPOCH - 90,
        evidence_from=EPOCH - 200,
        confirmed=True,
    )
    eye.tracked.standing.state = state
    await asyncio.sleep(12)
    assert [measurement.checkpoint for _, _, measurement in eye.seen][:2] == ["42", "43"]
    assert checks[0].occasions[0].attempt == Attempt(
        7, EPOCH - 100, EPOCH - 90, 10, evidence_from=EPOCH - 200, steady=EPOCH - 90
    )
    assert checks[0].occasions[0].sharing == 0
    assert eye.source.moments[0] == pytest.approx(eye.seen[0][2].at - 30)
    announced = replace(state, record=replace(state.record, sequence=2, percentage=30), confirmed=False)
    eye.tracked.standing.state = announced
    eye.tracked.redis.hold(Traffic("10", replace(state.record, owner=eye.tracked.uid)))
    await asyncio.sleep(20)
    found = checks[0].occasions[-1].attempt
    assert found is not None
    assert found.percentage == 10
    assert found.steady == pytest.approx(EPOCH + 12)
    eye.tracked.redis.hold(Traffic("50", replace(state.record, owner="another", percentage=50)))
    await asyncio.sleep(20)
    found = checks[0].occasions[-1].attempt
    assert found is not None
    assert found.share is None
    eye.tracked.standing.state = replace(state, record=replace(state.record, stage=""))
    await asyncio.sleep(20)
    assert checks[0].occasions[-1].attempt is None


COUNTED = {"count": 100, "query": "samples"}


@virtual
async def test_a_guardrail_is_looked_at_once_an_interval() -> None:
    eye = Eye(Source(), (guardrail(),))
    await asyncio.sleep(100)
    times = [at for at, _, _ in eye.seen]
    assert times[0] <= 1  # a restart does not make anybody wait for an interval
    assert times[1] <= times[0] + 10
    assert {round(later - earlier, 6) for earlier, later in pairwise(times[2:])} == {10}
    assert set(eye.verdicts()) == {Verdict.PASS}


@virtual
async def test_a_look_that_takes_longer_than_its_interval_is_followed_by_the_next_not_joined_by_it() -> None:
    eye = Eye(Source({"value": after(25, 0.01)}), (guardrail(interval="10s", deadline="30s"),))
    await asyncio.sleep(110)
    times = [at for at, word in eye.source.asked if word == "value"]
    assert {round(later - earlier, 6) for earlier, later in pairwise(times)} == {25}


@virtual
async def test_a_hung_query_is_an_error_at_its_deadline_and_delays_no_other_guardrail() -> None:
    source = Source({"slow": never})
    eye = Eye(source, (guardrail("hangs", query="slow", deadline="5s", interval="1s", maxAge="1s"), guardrail()))
    await asyncio.sleep(60)
    assert set(eye.verdicts("hangs")) == {Verdict.ERROR}
    assert len(eye.verdicts("hangs")) == 11
    assert len(eye.verdicts()) >= 6
    assert "5s" in next(measurement.message for _, name, measurement in eye.seen if name == "hangs")


@pytest.mark.parametrize("companion", ["timestamp", "samples"])
@virtual
async def test_a_breach_does_not_wait_for_a_hung_companion(companion: str) -> None:
    source = Source({"value": after(0.1, 0.2), "samples": after(0.1, 1240), companion: never})
    eye = Eye(source, (guardrail(minSamples=COUNTED | {"holdsBack": "Pass"}, deadline="5s"),))
    await asyncio.sleep(9)
    asked, answered = eye.source.asked[0][0], eye.seen[0][0]
    assert set(eye.verdicts()) == {Verdict.BREACH}
    assert answered - asked <= 0.12


@virtual
async def test_a_bad_value_waits_for_its_count_and_for_no_other_companion() -> None:
    source = Source({"value": after(0.1, 0.2), "samples": after(2, 1240), "timestamp": never})
    eye = Eye(source, (guardrail(minSamples=COUNTED, deadline="5s"),))
    await asyncio.sleep(9)
    assert set(eye.verdicts()) == {Verdict.BREACH}
    assert eye.seen[0][0] - eye.source.asked[0][0] == pytest.approx(2)


@pytest.mark.parametrize("count", [never, raising(SourceError("Prometheus at x refused"))])
@virtual
async def test_a_bad_value_whose_count_never_comes_is_held_back_and_not_forgotten(count: Answers) -> None:
    eye = Eye(Source({"value": after(0.1, 0.2), "samples": count}), (guardrail(minSamples=COUNTED, deadline="5s"),))
    await asyncio.sleep(9)
    assert (eye.last.verdict, eye.last.value, eye.last.held) == (Verdict.ERROR, 0.2, Held.UNCOUNTED)


@virtual
async def test_a_breach_names_the_number_of_its_samples_where_that_is_known() -> None:
    eye = Eye(Source({"value": after(0.1, 0.2), "samples": after(0.105, 1240)}), (guardrail(minSamples=COUNTED),))
    await asyncio.sleep(5)
    assert "1240 samples" in eye.last.message


@virtual
async def test_a_breach_seen_just_before_the_deadline_is_a_breach() -> None:
    source = Source({"value": after(4.995, 0.2), "samples": never})
    eye = Eye(source, (guardrail(minSamples=COUNTED | {"holdsBack": "Pass"}, deadline="5s"),))
    await asyncio.sleep(9)
    assert set(eye.verdicts()) == {Verdict.BREACH}


@pytest.mark.parametrize("companion", ["timestamp", "samples"])
@virtual
async def test_a_good_value_with_a_hung_companion_is_an_error_at_the_deadline(companion: str) -> None:
    eye = Eye(Source({companion: never}), (guardrail(minSamples=COUNTED, deadline="5s"),))
    await asyncio.sleep(9)
    assert set(eye.verdicts()) == {Verdict.ERROR}
    asked, answered = eye.source.asked[0][0], eye.seen[0][0]
    assert answered - asked == pytest.approx(5)


@pytest.mark.parametrize("word", ["value", "timestamp", "samples"])
@virtual
async def test_a_failing_query_is_an_error_that_says_why(word: str) -> None:
    eye = Eye(Source({word: raising(SourceError("Prometheus at x refused"))}), (guardrail(minSamples=COUNTED),))
    await asyncio.sleep(5)
    assert set(eye.verdicts()) == {Verdict.ERROR}
    assert eye.last.message == "Prometheus at x refused"


@virtual
async def test_what_nobody_expects_is_an_error_too_and_the_next_look_comes(logs: Logs) -> None:
    source = Source({"value": raising(ValueError("a mistake"))})
    eye = Eye(source, (guardrail(),))
    await asyncio.sleep(25)
    assert set(eye.verdicts()) == {Verdict.ERROR}
    assert any(entry["guardrail"] == "errors" and entry.get("exc_info") for entry in logs)
    source.answers.clear()
    await asyncio.sleep(25)
    assert eye.last.verdict is Verdict.PASS


@virtual
async def test_a_mistake_of_whom_it_tells_does_not_end_the_looks(logs: Logs) -> None:
    eye = Eye(Source(), (guardrail(),))
    eye.mistaken = True
    await asyncio.sleep(50)
    assert len(eye.seen) >= 5
    assert any(entry["log_level"] == "error" for entry in logs)


@virtual
async def test_without_a_prometheus_every_look_is_an_error() -> None:
    eye = Eye(Source(), (guardrail(),))
    eye.tracked.measured.source = None
    await asyncio.sleep(5)
    assert set(eye.verdicts()) == {Verdict.ERROR}


@virtual
async def test_a_query_that_is_no_evidence_is_an_error_and_never_asked() -> None:
    eye = Eye(Source(), (guardrail(query="value > 5"),))
    await asyncio.sleep(5)
    assert set(eye.verdicts()) == {Verdict.ERROR}
    assert eye.source.asked == []


@pytest.mark.parametrize(("word", "refused"), [("value", True), ("samples", True), ("timestamp", False)])
@virtual
async def test_a_query_that_prometheus_cannot_read_is_the_users_to_correct_and_one_of_ours_is_not(
    word: str,
    refused: bool,  # noqa: FBT001 - a table's column
) -> None:
    eye = Eye(Source({word: raising(QueryRefusedError("parse error"))}), (guardrail(minSamples=COUNTED),))
    await asyncio.sleep(5)
    assert set(eye.verdicts()) == {Verdict.ERROR}
    assert eye.last.refused is refused
    assert "parse error" in eye.last.message


@virtual
async def test_the_window_is_the_time_since_the_stage_began_at_most_the_guardrails() -> None:
    source = Source()
    eye = Eye(source, (guardrail(query="sum(rate(value[$window]))", window="1m", max=1),))
    assert eye.tracked.state is not None
    await asyncio.sleep(300)
    reaches = [measurement.reach for _, _, measurement in eye.seen]
    assert reaches[0] >= 60
    eye.tracked.standing.state = State(eye.tracked.state.record, measurements_from=EPOCH, in_force_since=eye.now())
    await asyncio.sleep(20)
    assert eye.last.reach <= 25


@virtual
async def test_an_edited_guardrail_is_looked_at_anew_and_a_removed_one_no_more() -> None:
    eye = Eye(Source({"slow": never}), (guardrail("hangs", query="slow"), guardrail()))
    await asyncio.sleep(5)
    eye.aim(guardrail(max=0.001))
    await asyncio.sleep(2)
    assert eye.last.verdict is Verdict.BREACH
    assert eye.verdicts("hangs") == []
    await asyncio.sleep(100)
    assert eye.verdicts("hangs") == []


@virtual
async def test_the_same_spec_once_more_disturbs_no_look() -> None:
    eye = Eye(Source({"value": after(3, 0.01)}), (guardrail(),))
    for _ in range(50):
        await asyncio.sleep(0.1)
        eye.aim(guardrail())
    assert set(eye.verdicts()) == {Verdict.PASS}


@virtual
async def test_what_redis_went_back_from_is_looked_at_though_it_is_complete_for_it_comes_back_on_evidence() -> None:
    eye = Eye(Source(), (guardrail(),))
    await asyncio.sleep(5)
    assert eye.tracked.state is not None
    eye.tracked.standing.state = State(
        eye.tracked.state.record, measurements_from=EPOCH, completed=True, confirmed=False
    )
    eye.aim(guardrail(), afterCompletion="Stop")
    looks = len(eye.seen)
    await asyncio.sleep(100)
    assert len(eye.seen) > looks


@pytest.mark.parametrize("end", ["rollback", "completion", "deletion"])
@virtual
async def test_where_looking_can_change_nothing_nobody_looks(end: str) -> None:
    eye = Eye(Source(), (guardrail(),))
    await asyncio.sleep(5)
    state, looks = eye.tracked.state, len(eye.seen)
    assert state is not None
    assert looks
    if end == "rollback":
        eye.tracked.standing.state = State(Record(1, latched=True, sequence=2, percentage=0), measurements_from=EPOCH)
    if end == "completion":
        eye.tracked.standing.state = State(state.record, measurements_from=EPOCH, completed=True, confirmed=True)
    eye.aim(guardrail(), afterCompletion="Stop")
    eye.watch.sync(enabled=end != "deletion")
    await asyncio.sleep(100)
    assert len(eye.seen) == looks
    assert not eye.watch.tasks
