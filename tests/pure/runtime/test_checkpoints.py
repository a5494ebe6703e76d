"""Checks go on from what an earlier process remembered."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import inf
from typing import Any

import pytest
from mlrollout.api.guardrail import Guardrail
from mlrollout.domain.record import Record
from mlrollout.domain.state import State
from mlrollout.domain.traffic import Traffic
from mlrollout.evidence.checks.check import Attempt, Occasion, Question
from mlrollout.evidence.measurement import Measurement, Verdict
from mlrollout.runtime.loop_time import loop_time

from tests.pure.runtime.eye import EPOCH, Eye, Source, guardrail
from tests.support.virtual_time import virtual


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


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[Remembering]:
    """Those that are made in place of real ones."""
    made: list[Remembering] = []

    def check_of(asked: Guardrail) -> Remembering:
        made.append(Remembering(asked))
        return made[-1]

    monkeypatch.setattr("mlrollout.runtime.measuring.check_of", check_of)
    return made


@virtual
async def test_a_check_goes_on_from_what_an_earlier_process_remembered(checks: list[Remembering]) -> None:
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
        7, EPOCH - 100, EPOCH - 90, 10, evidence_from=EPOCH - 200, steady=EPOCH - 90, seen=-inf
    )
    assert checks[0].occasions[0].sharing == 0
    assert eye.source.moments[0] == pytest.approx(eye.seen[0][2].at - 30)
    announced = replace(state, record=replace(state.record, sequence=2, percentage=30), confirmed=False)
    eye.tracked.standing.state = announced
    eye.tracked.redis.hold(Traffic("10", replace(state.record, owner=eye.tracked.uid)), loop_time())
    await asyncio.sleep(20)
    found = checks[0].occasions[-1].attempt
    assert found is not None
    assert found.percentage == 10
    assert found.steady == found.seen == pytest.approx(EPOCH + 12)
    eye.tracked.redis.hold(Traffic("50", replace(state.record, owner="another", percentage=50)), loop_time())
    await asyncio.sleep(20)
    found = checks[0].occasions[-1].attempt
    assert found is not None
    assert found.share is None
    eye.tracked.standing.state = replace(state, record=replace(state.record, stage=""))
    await asyncio.sleep(20)
    assert checks[0].occasions[-1].attempt is None


@virtual
async def test_what_redis_held_last_is_not_forgotten_while_it_can_t_be_asked(checks: list[Remembering]) -> None:
    """The status of a leader that has not heard of a failover names the percentage of before."""
    eye = Eye(Source(), (guardrail(),))
    record = Record(7, latched=False, sequence=2, percentage=30, stage="half", owner=eye.tracked.uid)
    eye.tracked.standing.state = State(record, measurements_from=EPOCH - 100, in_force_since=EPOCH - 90, confirmed=True)
    for held, known in ((replace(record, sequence=1, percentage=10), None), (record, 30)):
        eye.tracked.redis.hold(Traffic(str(held.percentage), held), loop_time())
        eye.tracked.redis.lose()
        await asyncio.sleep(20)
        found = checks[0].occasions[-1].attempt
        assert found is not None
        assert found.percentage == known
