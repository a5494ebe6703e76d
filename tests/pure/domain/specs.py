"""The specs of the simulated world: short stages, four guardrails of different tempers, and edits of both."""

from dataclasses import dataclass
from functools import cached_property

from mlrollout.api.approval import Approval
from mlrollout.api.guardrail import Action, BreachAfter, Guardrail, Missing, MissingAction
from mlrollout.api.spec import AfterCompletion, Requirement, Spec, Stage, TrafficSpec
from mlrollout.api.threshold import ThresholdGuardrail

INTERVAL = 10.0
MAX_AGE = 30.0
WINDOW = 20.0

_ROLLBACK = Missing(action=MissingAction.ROLLBACK, after=60.0)

ERRORS = ThresholdGuardrail(name="errors", query="errors", max=0.05, interval=INTERVAL, max_age=MAX_AGE, window=WINDOW)
LATENCY = ThresholdGuardrail(
    name="latency",
    query="latency[$window]",
    max=2.0,
    interval=INTERVAL,
    max_age=MAX_AGE,
    window=WINDOW,
    breach_after=BreachAfter(failures=2, of=3),
    on_no_data=_ROLLBACK,
    on_error=_ROLLBACK,
)
SCORE = ThresholdGuardrail(name="score", query="score", min=0.6, action=Action.HOLD, interval=INTERVAL, max_age=MAX_AGE)
ANGER = ThresholdGuardrail(
    name="anger", query="anger", max=1.0, action=Action.ALERT, interval=INTERVAL, max_age=MAX_AGE
)

GUARDRAILS: dict[str, tuple[Guardrail, ...]] = {
    "plain": (ERRORS, LATENCY, SCORE, ANGER),
    "stricter": (ERRORS.model_copy(update={"max": 0.01}), LATENCY, SCORE, ANGER),
    "fewer": (ERRORS, SCORE),
}

_WELL = (Requirement(guardrail="score", min=0.7),)

STAGES: dict[str, tuple[Stage, ...]] = {
    "three": (
        Stage(name="pilot", percentage=10, duration=40.0),
        Stage(name="half", percentage=30, duration=40.0, require=_WELL),
        Stage(name="full", percentage=100, duration=20.0, approval=Approval.MANUAL),
    ),
    "lower": (
        Stage(name="pilot", percentage=5, duration=40.0),
        Stage(name="half", percentage=20, duration=40.0),
        Stage(name="full", percentage=100, duration=20.0),
    ),
    "higher": (
        Stage(name="pilot", percentage=20, duration=40.0),
        Stage(name="half", percentage=50, duration=40.0),
        Stage(name="full", percentage=100, duration=20.0),
    ),
    "asked": (
        Stage(name="pilot", percentage=10, duration=40.0, approval=Approval.MANUAL),
        Stage(name="half", percentage=30, duration=40.0, approval=Approval.MANUAL),
        Stage(name="full", percentage=100, duration=20.0),
    ),
    "between": (
        Stage(name="pilot", percentage=10, duration=40.0),
        Stage(name="mid", percentage=25, duration=40.0, approval=Approval.MANUAL),
        Stage(name="full", percentage=100, duration=20.0),
    ),
    "more": (
        Stage(name="pilot", percentage=10, duration=40.0),
        Stage(name="fifth", percentage=20, duration=40.0),
        Stage(name="half", percentage=30, duration=40.0),
        Stage(name="full", percentage=100, duration=20.0),
    ),
    "gone": (Stage(name="half", percentage=30, duration=40.0), Stage(name="full", percentage=100, duration=20.0)),
    "dark": (Stage(name="dark", percentage=0, duration=20.0), Stage(name="half", percentage=30, duration=40.0)),
    "hasty": (Stage(name="pilot", percentage=10, duration=0.0), Stage(name="all", percentage=90, duration=0.0)),
}


@dataclass(frozen=True)
class Edit:
    """What a user may change of the spec."""

    revision: int = 1
    stages: tuple[Stage, ...] = STAGES["three"]
    guardrails: tuple[Guardrail, ...] = GUARDRAILS["plain"]
    paused: bool = False
    after: AfterCompletion = AfterCompletion.GUARD
    lease: float | None = None
    holdback: int = 0

    @cached_property
    def spec(self) -> Spec:
        return Spec(
            revision=f"r{self.revision}",
            traffic=TrafficSpec(key="dispatch", lease=self.lease, holdback=self.holdback or None),
            stages=self.stages,
            guardrails=self.guardrails,
            paused=self.paused,
            after_completion=self.after,
        )
