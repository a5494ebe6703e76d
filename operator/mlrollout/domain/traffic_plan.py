"""Bringing Redis and the record together: down at once, up only on evidence."""

from dataclasses import dataclass, replace

from mlrollout.api.spec import Spec

from .attempt import another_serves, foreign, lose
from .claim import Claim
from .decision import Alert, Blockers, Observation
from .gate import evidence_max_age, first_stage_blockers, promotion_blockers
from .latch import landed
from .reason import Reason
from .record import Record
from .stages import fall_back, first, passes_over
from .state import Phase, State
from .traffic import Intent, Lower, RaiseOnceSaved, Traffic

_LOST = "Redis lost the percentage and its record"
_WENT_BACK = "Redis went back to before the stage that this one follows on"
_GIVEN_UP = "the key was given up, as where the object is deleted"


@dataclass(frozen=True, slots=True)
class TrafficPlan:
    """The state as far as Redis bears it out, what to write, and whether a raise waits for something."""

    state: State
    write: Intent | None = None
    alert: Alert | None = None
    blockers: Blockers = ()


def plan_traffic(spec: Spec, observation: Observation, state: State, now: float, pause: Blockers) -> TrafficPlan:
    """What Redis needs so that it holds the record."""
    traffic, record = observation.traffic, state.record
    if traffic is None:
        return _redis_unreachable(state, observation.trouble)
    if foreign(traffic, observation, state):
        return TrafficPlan(replace(state, confirmed=False), alert=conflict(traffic, observation))
    if traffic.unreadable:
        return _unreadable(state, traffic, now)
    if traffic.record is None:
        return _absent(spec, observation, state, traffic, now, pause)
    if traffic.record.rank == record.rank and traffic.percentage is not None:
        return _held(state, traffic, now)
    return _ahead(spec, observation, state, traffic, now, pause)


def _ahead(
    spec: Spec, observation: Observation, state: State, traffic: Traffic, now: float, pause: Blockers
) -> TrafficPlan:
    """The record is ahead of Redis: a way down is written, a way up only on evidence."""
    record, found = state.record, traffic.record
    if another_serves(record, traffic):
        state = replace(state, evidence_from=now)
    if found is not None and _fell_behind(spec, record, found, traffic):
        return _come_back(spec, observation, state, traffic, now, pause)
    state = replace(state, confirmed=False, applied=traffic.in_force)
    if traffic.in_force and passes_over(spec, state):
        state = fall_back(spec, state, now)
        return TrafficPlan(state, Lower(state.record))
    if record.percentage <= traffic.in_force:
        return TrafficPlan(state, Lower(record))
    if found is not None and _overwritten(traffic, found):
        return _put_back(state, traffic, found)
    # Up only on evidence that is good now: it was good when the stage was announced, and that may be long ago.
    if first(spec, record):
        # In the state, so that evidence begins anew from there: that of a stage which was announced began before.
        state = replace(state, evidence_from=max(state.evidence_from, observation.others_until))
        missing = first_stage_blockers(spec, state.evidence_from, observation.measurements, now)
    else:
        missing = promotion_blockers(spec, state.in_force_since, observation.measurements, now)
    return _raise(state, found, (*pause, *missing))


def _redis_unreachable(state: State, trouble: str) -> TrafficPlan:
    """Redis can't be asked: a way down is tried all the same, a way up is not."""
    lowers = not state.confirmed and state.record.percentage <= state.applied
    message = f"Redis can't be asked whether {state.record.percentage} % stands: {trouble}"
    if state.phase is Phase.ROLLED_BACK:
        message = f"it is rolled back: {state.explanation}; {message}"
    alert = Alert(Reason.TRAFFIC_UNCONFIRMED, "redis", message)
    return TrafficPlan(state, Lower(state.record) if lowers else None, alert)


def conflict(traffic: Traffic, observation: Observation) -> Alert:
    """What the user of an object hears whose key belongs to another: which that is, by what tells the two apart."""
    record = traffic.record
    owner = "another owner" if record is None or not record.holder else _other(record, observation)
    if record is not None and observation.cluster and record.cluster == observation.cluster:
        advice = "use another key, or delete the other object first"
    elif record is not None and observation.cluster and record.cluster:
        advice = "use another key in one of the two clusters; this object can't free it"
    else:
        advice = "it may be in another cluster. Use another key for one of the two, or delete the other object first"
    return Alert(Reason.KEY_CONFLICT, "key", f"the key belongs to {owner}, and one key has one owner: {advice}")


def claimed(observation: Observation) -> list[Alert]:
    """What the user of the object that has a key hears, where another one wants it."""
    claim, record = observation.claim, observation.traffic.record if observation.traffic is not None else None
    if claim is None or claim.owner == observation.uid or record is None or record.owner != observation.uid:
        return []
    message = (
        f"{_other(claim, observation)} wants this object's key, too, and is refused, for one key has one owner: "
        "give that one another key"
    )
    return [Alert(Reason.KEY_CLAIMED, "key", message)]


def _other(other: Record | Claim, observation: Observation) -> str:
    """Another object, by what tells the two apart."""
    name = f"MLRollout {other.holder} (uid {other.owner}; this one has uid {observation.uid})"
    if observation.cluster and other.cluster not in ("", observation.cluster):
        name += f" in another cluster (uid of kube-system {other.cluster}; this one's is {observation.cluster})"
    return name


def _unreadable(state: State, traffic: Traffic, now: float) -> TrafficPlan:
    """A record of another schema is a newer operator's: only the key is lowered, nothing is overwritten."""
    lowers = state.record.percentage == 0 and traffic.key != "0"
    alert = Alert(
        Reason.RECORD_UNREADABLE,
        "record",
        f"the record in Redis can't be read ({traffic.unreadable}); clients answer control. If no newer operator "
        "wrote it, delete the key's :record",
    )
    state = replace(state, confirmed=False)
    if state.phase is Phase.ROLLED_BACK and not lowers:
        state = landed(state, state.record, now)  # nobody is in treatment any more, whatever the record says
    return TrafficPlan(state, Lower(state.record) if lowers else None, alert)


def _absent(
    spec: Spec, observation: Observation, state: State, traffic: Traffic, now: float, pause: Blockers
) -> TrafficPlan:
    """Redis holds no record. A percentage above zero comes back at once on fresh evidence, or from the start."""
    if state.record.percentage == 0:
        return TrafficPlan(replace(state, confirmed=False, applied=0), Lower(state.record))
    return _come_back(spec, observation, state, traffic, now, pause)


def _fell_behind(spec: Spec, record: Record, found: Record, traffic: Traffic) -> bool:
    """Whether Redis, below the record, holds nothing that it follows on: a failover to an old replica does that.

    So does a stage put before one that was announced as the first. At 0 % only a first stage may be followed on.
    """
    if record.percentage <= traffic.in_force:
        return False
    # Up only from what the record follows on: users that a failover brought back are an earlier attempt's.
    if traffic.in_force or first(spec, record):
        return another_serves(record, traffic)
    step_before = found.attempt == record.attempt and found.sequence == record.sequence - 1
    return not (step_before and spec.stages[0].percentage == 0)


def _come_back(
    spec: Spec, observation: Observation, state: State, traffic: Traffic, now: float, pause: Blockers
) -> TrafficPlan:
    """Bring back a stage that Redis lost with all its traffic, or begin the attempt's stages anew."""
    lost = _what_happened(state.record, traffic.record)
    why = _restore_problem(spec, observation, state, traffic, now)
    if why:
        state = lose(state, now, f"{lost}; the attempt starts again at its first stage ({why})")
        return TrafficPlan(state, Lower(state.record))
    if state.applied:
        message = f"{lost}; every guardrail's evidence is fresh, so {state.record.percentage} % comes back"
        state = state.with_transition(now, Reason.TRAFFIC_RESTORED, message, warning=True)
    return _raise(replace(state, confirmed=False, applied=0), traffic.record, pause)


def _what_happened(record: Record, found: Record | None) -> str:
    """Why Redis does not hold a stage any more, for people."""
    if found is None:
        return _LOST
    return _GIVEN_UP if found.owner == "" and found.rank > record.rank else _WENT_BACK


def _restore_problem(spec: Spec, observation: Observation, state: State, traffic: Traffic, now: float) -> str:
    """Why a stage that Redis lost can't come back; empty if it can.

    At 0 % there is no treatment traffic, so what passed since the loss says nothing: evidence must
    have been good while Redis still held the record, and not be out of date yet.
    """
    if traffic.record is None and not traffic.lost:
        return "the key was left without its record"
    # Up only where evidence was good until the loss: no user in treatment, no evidence since (invariant 10).
    if state.healthy_until is None or not 0 <= now - state.healthy_until <= evidence_max_age(spec):
        return "the guardrails did not pass shortly before"
    missing = promotion_blockers(spec, state.in_force_since, observation.measurements, now)
    return "; ".join(blocker.message for blocker in missing)


def _held(state: State, traffic: Traffic, now: float) -> TrafficPlan:
    """Redis holds the record; the key is at it, or was raised above it by hand."""
    record = state.record
    if _overwritten(traffic, record):
        return _put_back(state, traffic, record)
    if state.confirmed:
        unplaced = bool(record.cluster) and traffic.record is not None and not traffic.record.cluster
        return TrafficPlan(state, Lower(record) if unplaced else None)
    # An earlier attempt had users until now: it was seen to, or it may have had while nobody could look. Of those that
    # were gone when the first stage was entered, evidence is clear already.
    seen = state.evidence_from > max(state.in_force_since, state.measurements_from)
    # When the attempt began, nobody knew that the one before it had none: the answer to its raise may have been lost.
    unknown = state.evidence_from == state.measurements_from > state.in_force_since
    until_now = seen or ((state.applied or unknown) and not record.entered)
    evidence_from = now if until_now else state.evidence_from
    return TrafficPlan(
        replace(
            state,
            confirmed=True,
            applied=record.percentage,
            in_force_since=now,
            evidence_from=evidence_from,
            healthy_until=None,
        )
    )


def _overwritten(traffic: Traffic, record: Record) -> bool:
    """Whether somebody raised the key above the record that Redis holds."""
    return traffic.percentage is not None and traffic.percentage > record.percentage


def _put_back(state: State, traffic: Traffic, record: Record) -> TrafficPlan:
    message = f"the key was raised to {traffic.percentage} by hand and is put back to {record.percentage}"
    return TrafficPlan(state, Lower(record), Alert(Reason.PERCENTAGE_OVERWRITTEN, "key", message))


def _raise(state: State, expect: Record | None, blockers: Blockers) -> TrafficPlan:
    # Up only where nothing holds it, a person's pause first of all.
    if blockers:
        return TrafficPlan(state, blockers=blockers)
    return TrafficPlan(state, RaiseOnceSaved(state.record, expect))
