"""Each guardrail is looked at on its own schedule and deadline, and nothing ends its looks."""

import asyncio
from itertools import pairwise

import pytest
from mlrollout.domain.record import Record
from mlrollout.domain.state import State
from mlrollout.evidence.measurement import Verdict
from mlrollout.ports import QueryRefusedError, SourceError

from tests.pure.runtime.conftest import Logs
from tests.pure.runtime.eye import COUNTED, EPOCH, Eye, Source, after, guardrail, never, raising
from tests.support.virtual_time import virtual


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
