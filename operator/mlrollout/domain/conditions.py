"""How the rollout is doing, as conditions: for people, `kubectl wait`, Flux, Helm and Argo CD.

`Reconciling` and `Stalled` are abnormal-true and left out where they do not hold. A waiting for a
person (paused, approval) is neither: nothing moves, and nothing is wrong.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from mlrollout.api import moment
from mlrollout.api.spec import Spec
from mlrollout.api.status import Condition, ConditionStatus
from mlrollout.evidence.measurement import Measurement, Verdict

from . import named
from .decision import Alert, Blockers, Decision, Observation
from .gate import fresh, pause
from .reason import Reason
from .rollback_cause import guarded
from .state import Phase, State

READY = "Ready"
RECONCILING = "Reconciling"
STALLED = "Stalled"
GUARDRAILS_HEALTHY = "GuardrailsHealthy"
TRAFFIC_APPLIED = "TrafficApplied"
CONTESTED = "Contested"
"""Abnormal-true, like `Stalled`: somebody else writes the status as well."""

_PERSON = frozenset({Reason.PAUSED, Reason.AWAITING_APPROVAL})


@dataclass(frozen=True, slots=True)
class Fact:
    """A condition before it is known when it came about."""

    type: str
    status: ConditionStatus
    reason: str
    message: str


def stamp(facts: Iterable[Fact], before: Iterable[Condition], generation: int, now: float) -> tuple[Condition, ...]:
    """The conditions of facts; one whose status is as before keeps its time of transition."""
    old = {condition.type: condition for condition in before}
    stamped = []
    for fact in facts:
        was = old.get(fact.type)
        unmoved = was is not None and was.status is fact.status
        stamped.append(
            Condition(
                type=fact.type,
                status=fact.status,
                reason=fact.reason,
                message=fact.message,
                last_transition_time=was.last_transition_time if was is not None and unmoved else now,
                observed_generation=generation,
            )
        )
    return tuple(stamped)


def stalled(reason: str, message: str) -> tuple[Fact, ...]:
    """The facts of an object that can't go on until somebody changes something."""
    return (
        Fact(READY, ConditionStatus.FALSE, reason, message),
        Fact(STALLED, ConditionStatus.TRUE, reason, message),
    )


def facts(spec: Spec, observation: Observation, decision: Decision, now: float) -> tuple[Fact, ...]:
    """The conditions that a decision leaves the object in."""
    health = _health(spec, observation, decision.state, now)
    traffic = _traffic(spec, observation, decision)
    if traffic.reason == Reason.REVISION_UNKNOWN:
        return (*_moving(traffic.reason, named.unknown(spec, observation)), health, traffic)
    ready, *others = _summary(decision, traffic, health, now)
    said = (*_pauses(spec, observation, decision), *_of_source(spec, observation, decision.state))
    if said:
        ready = replace(ready, message="; ".join(one.rstrip(".") for one in (ready.message, *said)))
    return (ready, *others, health, traffic)


def _pauses(spec: Spec, observation: Observation, decision: Decision) -> Iterator[str]:
    """What `Ready` says as well of a pause, where it is something else that waits: Redis, most often."""
    state = decision.state
    if state is None or decision.blockers or state.phase in (Phase.ROLLED_BACK, Phase.COMPLETED):
        return
    asked = spec.model_copy(update={"paused": False}) if observation.held else spec  # of what only stays, nobody did
    yield from (blocker.message for blocker in pause(asked, state))


def _of_source(spec: Spec, observation: Observation, state: State | None) -> Iterator[str]:
    """What `Ready` says as well: which revision waits, and what is wrong with the source of revisions."""
    if state is not None:
        yield from named.waits(spec, state)
        yield from filter(None, (observation.unnamed, "" if state.announced else observation.unannounced))


def _summary(decision: Decision, traffic: Fact, health: Fact, now: float) -> tuple[Fact, ...]:
    state = decision.state
    conflict = _alert(decision.alerts, Reason.KEY_CONFLICT)
    if conflict is not None:
        return stalled(conflict.reason, conflict.message)
    if state is not None and decision.blockers:
        return _held_back(state, decision.blockers, now)
    if state is None or traffic.status is not ConditionStatus.TRUE:
        return _moving(traffic.reason, traffic.message)
    if state.phase is Phase.ROLLED_BACK:
        return stalled(state.cause or Reason.ROLLED_BACK, f"rolled back to 0 %: {state.explanation}")
    watch = "guardrails go on looking" if health.reason != Reason.GUARDRAILS_OFF else "guardrails look no more"
    return (Fact(READY, ConditionStatus.TRUE, Reason.COMPLETED, f"complete at {state.record.percentage} %; {watch}"),)


def _held_back(state: State, blockers: Blockers, now: float) -> tuple[Fact, ...]:
    """The facts of a rollout that waits for something: for Redis to be raised, or for its next stage."""
    stage = state.record.stage
    where = f"stage {stage}" if stage else "before the first stage"
    if not state.confirmed:
        where = f"{where} at {state.record.percentage} % is not in force yet"
    reason = blockers[0].reason
    message = _as_of(now, f"{state.applied} %, {where}: {_messages(blockers)}")
    if reason in _PERSON:
        return (Fact(READY, ConditionStatus.FALSE, reason, message),)
    return _moving(reason, message)


def _messages(blockers: Blockers) -> str:
    return "; ".join(blocker.message for blocker in blockers)


def _moving(reason: str, message: str) -> tuple[Fact, ...]:
    return (
        Fact(READY, ConditionStatus.FALSE, reason, message),
        Fact(RECONCILING, ConditionStatus.TRUE, reason, message),
    )


def _traffic(spec: Spec, observation: Observation, decision: Decision) -> Fact:
    for reason in (Reason.KEY_CONFLICT, Reason.RECORD_UNREADABLE, Reason.TRAFFIC_UNCONFIRMED):
        alert = _alert(decision.alerts, reason)
        if alert is not None:
            status = ConditionStatus.UNKNOWN if reason is Reason.TRAFFIC_UNCONFIRMED else ConditionStatus.FALSE
            return Fact(TRAFFIC_APPLIED, status, reason, alert.message)
    state = decision.state
    if state is None and named.effective(spec, None, observation) is None:
        message = "nothing is rolled out yet, so that Redis need hold nothing"
        return Fact(TRAFFIC_APPLIED, ConditionStatus.FALSE, Reason.REVISION_UNKNOWN, message)
    if state is None or not state.confirmed:
        shall = "0" if state is None else str(state.record.percentage)
        why = f": {_messages(decision.blockers)}" if decision.blockers else ""
        message = f"{shall} % is not confirmed in Redis yet{why}"
        return Fact(TRAFFIC_APPLIED, ConditionStatus.FALSE, Reason.TRAFFIC_UNCONFIRMED, message)
    message = f"Redis holds {state.record.percentage} %"
    return Fact(TRAFFIC_APPLIED, ConditionStatus.TRUE, Reason.TRAFFIC_CONFIRMED, message)


def _alert(alerts: Iterable[Alert], reason: Reason) -> Alert | None:
    return next((alert for alert in alerts if alert.reason is reason), None)


def _health(spec: Spec, observation: Observation, state: State | None, now: float) -> Fact:
    if state is not None and not guarded(spec, state):
        return Fact(
            GUARDRAILS_HEALTHY, ConditionStatus.UNKNOWN, Reason.GUARDRAILS_OFF, "complete, and afterCompletion is Stop"
        )
    if state is not None and state.phase is Phase.ROLLED_BACK:
        return _since_rollback(state)
    if not spec.guardrails:
        message = "nothing of its guardrails can be understood, so nobody looks"
        return Fact(GUARDRAILS_HEALTHY, ConditionStatus.UNKNOWN, Reason.GUARDRAILS_UNKNOWN, message)
    latest = {guardrail.name: fresh(guardrail, observation.measurements, now) for guardrail in spec.guardrails}
    bad = {name: last for name, last in latest.items() if last is not None and last.verdict is Verdict.BREACH}
    if bad:
        return Fact(GUARDRAILS_HEALTHY, ConditionStatus.FALSE, Reason.GUARDRAILS_UNHEALTHY, _as_of(now, _told(bad)))
    unknown = {name: last for name, last in latest.items() if last is None or last.verdict is not Verdict.PASS}
    if unknown:
        return Fact(GUARDRAILS_HEALTHY, ConditionStatus.UNKNOWN, Reason.GUARDRAILS_UNKNOWN, _as_of(now, _told(unknown)))
    return Fact(GUARDRAILS_HEALTHY, ConditionStatus.TRUE, Reason.GUARDRAILS_PASSING, _as_of(now, _told(latest)))


def _since_rollback(state: State) -> Fact:
    """Nobody looks any more, so that no look stays fresh: what was breached stays so for the rest of the attempt.

    It is the record's to say, not a look's: whoever leads next has seen nothing, or something else.
    """
    cause = state.record.cause
    if cause is not None and cause.reason == Reason.GUARDRAIL_BREACHED:
        message = _as_of(cause.at, cause.message) if cause.at else cause.message
        return Fact(GUARDRAILS_HEALTHY, ConditionStatus.FALSE, Reason.GUARDRAILS_UNHEALTHY, message)
    message = "rolled back, so nobody looks any more; status.guardrails holds the last look at each"
    return Fact(GUARDRAILS_HEALTHY, ConditionStatus.UNKNOWN, Reason.GUARDRAILS_OFF, message)


def _as_of(now: float, message: str) -> str:
    """What was measured, and when: a status is not written again for each measurement, and may be read much later."""
    return f"{message} (as of {moment.to_second(now)})"


def _told(latest: Mapping[str, Measurement | None]) -> str:
    texts = ((name, "no fresh look yet" if last is None else last.message) for name, last in latest.items())
    return "; ".join(f"{name}: {text}" for name, text in texts)
