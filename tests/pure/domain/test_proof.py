"""A stage may ask for the proof that a limit is kept, and be left early on it; never before its time, nor without."""

from dataclasses import replace

import pytest
from mlrollout.api.guardrail import Action, Guardrail, Proof
from mlrollout.api.rate import Rate, RateGuardrail
from mlrollout.api.spec import Early, Requirement, Stage
from mlrollout.domain.decide import decide
from mlrollout.domain.decision import Decision, Observation
from mlrollout.domain.reason import Reason
from mlrollout.evidence.measurement import Counted, Evidence, Measurement, MeasurementHistory, Verdict

from tests.pure.domain.situations import world_at
from tests.pure.domain.specs import ERRORS, INTERVAL, MAX_AGE
from tests.pure.domain.world import HOLDER, UID

RATE = RateGuardrail(name="rate", rate=Rate(bad="bad", all="all", max=0.05), interval=INTERVAL, max_age=MAX_AGE)
OTHER = RATE.model_copy(update={"name": "other"})
ALERT = RATE.model_copy(update={"name": "alert", "action": Action.ALERT})
SAFE = Evidence(Counted(1000, 10), None, 0.01, 0.0, 0.02, 0.1, 0.01, Proof.SAFE)
OPEN = replace(SAFE, proven=None)
DURATION = 40.0
AGO = 30.0
"""Seconds since the stage began."""


def _decide(
    guardrails: tuple[Guardrail, ...], stage: Stage, healthy: float, unproven: tuple[str, ...] = ()
) -> Decision:
    world = world_at("first stage")
    spec = world.edit.spec
    spec = spec.model_copy(update={"guardrails": guardrails, "stages": (stage, *spec.stages[1:])})
    now = world.state.in_force_since + AGO
    state = replace(world.state, healthy=healthy, healthy_until=now, fingerprint=spec.fingerprint)
    measurements = {
        one.name: MeasurementHistory(one).add(
            Measurement(
                *(Verdict.PASS, now, AGO, 0.01),
                evidence=(OPEN if one.name in unproven else SAFE) if one.sequential else None,
            )
        )
        for one in guardrails
    }
    return decide(spec, state, Observation(UID, HOLDER, world.redis.traffic, measurements=measurements), now)


def _stage(after: float | None = None, require: tuple[Requirement, ...] = ()) -> Stage:
    early = None if after is None else Early(after=after)
    return Stage(name="pilot", percentage=10, duration=DURATION, early=early, require=require)


def _stands_in(decision: Decision) -> str:
    assert decision.state is not None
    return decision.state.record.stage


@pytest.mark.parametrize(
    ("guardrails", "after", "healthy", "unproven", "stage"),
    [
        ((RATE,), 20.0, 20.0, (), "half"),
        ((RATE,), 20.0, 19.0, (), "pilot"),
        ((RATE,), 20.0, 39.0, ("rate",), "pilot"),
        ((RATE,), 20.0, 40.0, ("rate",), "half"),
        ((RATE,), None, 39.0, (), "pilot"),
        ((RATE,), 90.0, 40.0, (), "half"),
        ((RATE, OTHER), 20.0, 20.0, ("other",), "pilot"),
        ((RATE, OTHER), 20.0, 20.0, (), "half"),
        ((RATE, ALERT, ERRORS), 20.0, 20.0, ("alert",), "half"),
        ((ERRORS, ALERT), 20.0, 39.0, (), "pilot"),
    ],
)
def test_a_stage_is_left_early_on_proof_of_everything_that_gates(
    guardrails: tuple[Guardrail, ...], after: float | None, healthy: float, unproven: tuple[str, ...], stage: str
) -> None:
    assert _stands_in(_decide(guardrails, _stage(after), healthy, unproven)) == stage


def test_until_then_it_is_asked_again_when_the_time_may_have_come() -> None:
    decision = _decide((RATE,), _stage(20.0), 15.0)
    assert decision.state is not None
    assert decision.again == decision.state.in_force_since + AGO + 5.0


def test_a_proof_that_reaches_back_before_the_stage_is_none() -> None:
    world = world_at("first stage")
    spec = world.edit.spec.model_copy(
        update={"guardrails": (RATE,), "stages": (_stage(0.0), *world.edit.spec.stages[1:])}
    )
    now = world.state.in_force_since + AGO
    state = replace(world.state, fingerprint=spec.fingerprint)
    look = Measurement(Verdict.PASS, now, AGO + 1, 0.01, evidence=SAFE)
    seen = Observation(UID, HOLDER, world.redis.traffic, measurements={"rate": MeasurementHistory(RATE).add(look)})
    assert _stands_in(decide(spec, state, seen, now)) == "pilot"


@pytest.mark.parametrize("unproven", [(), ("rate",)])
def test_a_stage_may_require_the_proof(unproven: tuple[str, ...]) -> None:
    require = (Requirement(guardrail="rate", proven=Proof.SAFE, max=0.02),)
    decision = _decide((RATE,), _stage(require=require), DURATION, unproven)
    if not unproven:
        assert _stands_in(decision) == "half"
        return
    assert _stands_in(decision) == "pilot"
    (blocker,) = decision.blockers
    assert blocker.reason is Reason.AWAITING_REQUIREMENTS
    wanted = "stage pilot requires rate max 0.02 and proven: Safe, and it is 0.01 (Pass, not proven yet)"
    assert blocker.message == wanted


def test_a_proof_of_the_limit_does_not_meet_a_stricter_one() -> None:
    require = (Requirement(guardrail="rate", proven=Proof.SAFE, max=0.005),)
    assert _stands_in(_decide((RATE,), _stage(require=require), DURATION)) == "pilot"
