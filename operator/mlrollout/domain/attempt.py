"""How an attempt begins, begins anew, and goes on from what Redis knows better."""

from dataclasses import replace

from mlrollout.api.spec import Spec

from . import named
from .decision import Observation
from .latch import forestalled, never_landed, untold
from .reason import Reason
from .record import MOST, Cause, Record, first_attempt
from .state import RunOutcome, State
from .traffic import Lower, Traffic


def foreign(traffic: Traffic, observation: Observation, state: State | None) -> bool:
    """Whether the key belongs to another object.

    An object takes over from a deleted one (no owner) and from its own predecessor of the same name in the
    same cluster, as far as that is known. A predecessor's record may come back from an old replica, or late,
    when the object has begun long since.
    """
    record = traffic.record
    # Up only in a key of our own: two objects in one key would raise each other's users (invariant 12).
    if record is None or record.owner in ("", observation.uid):
        return False
    same_name = record.holder == observation.holder and (
        not observation.cluster or record.cluster in ("", observation.cluster)
    )
    return not same_name or (state is not None and record.rank >= state.record.rank)


def another_serves(record: Record, traffic: Traffic) -> bool:
    """Whether the users in treatment are an earlier attempt's: what is seen of them says nothing about this one."""
    found = traffic.record
    return (
        found is not None and traffic.in_force > 0 and (found.owner != record.owner or found.attempt < record.attempt)
    )


def begin(spec: Spec, observation: Observation, traffic: Traffic, now: float) -> State:
    """The first attempt of an object, above whatever an earlier object left in Redis."""
    old = traffic.record
    record = _fresh(_first(observation, old), spec, observation)
    since = now if old is not None or traffic.key not in (None, "0") else 0.0  # it may have had users until now
    state = _first_state(spec, record, traffic, now, since)
    unsure = _taken_by_name(old, observation)
    state = named.told(spec, observation, state, now)
    return state.with_transition(now, Reason.ATTEMPT_STARTED, _begins(record) + unsure, warning=bool(unsure))


def _begins(record: Record) -> str:
    """What people are told of an attempt that begins."""
    kept = f"; {record.holdback} % of the users stay in control in all of it" if record.holdback else ""
    return f"attempt {record.ordinal} begins: revision {record.revision}{kept}"


def _first(observation: Observation, old: Record | None) -> int:
    own = first_attempt(observation.created)
    return own if old is None else max(old.attempt + 1, own)


def _taken_by_name(old: Record | None, observation: Observation) -> str:
    """What people have to know where a key is taken from an object that may be of another cluster; empty if not."""
    if old is None or not old.owner or (old.cluster and observation.cluster):
        return ""
    return (
        f"; the key was held by another object of this name (uid {old.owner}), and nothing says of which cluster: "
        "if that one is not this one's predecessor, give one of them another key"
    )


def inherited(traffic: Traffic, observation: Observation) -> Lower | None:
    """What ends the traffic that an object before this one left behind: nobody guards it, and no status says so yet."""
    old = traffic.record
    if old is None or not traffic.in_force:
        return None
    if observation.created and old.attempt >= first_attempt(observation.created):
        return None  # it may be the successor's: whoever was told nothing for long does not know that ours is gone
    return Lower(replace(old, sequence=old.next_sequence, percentage=0, stage="", owner=""))


def _resume(spec: Spec, old: Record, traffic: Traffic, now: float) -> State:
    """The state of an object that lost its status but not its record."""
    return _told_of_adoption(_first_state(spec, old, traffic, now, now), now)


def _first_state(spec: Spec, record: Record, traffic: Traffic, now: float, since: float) -> State:
    """The state of an object without one, whose key had users up to `since`; 0 where it never had."""
    return State(
        record=record,
        measurements_from=now,
        evidence_from=since,
        in_force_since=since,
        applied=traffic.in_force,
        fingerprint=spec.fingerprint,
    )


def caught_up(spec: Spec, state: State | None, observation: Observation, now: float) -> State | None:
    """Where a rollout stands by what a process knows, or by Redis where that is ahead; `None` where neither says.

    The API server may have told it nothing for long, and of an attempt or a stage that it does not know, it could
    not see how it breaks (invariant 2).
    """
    traffic = observation.traffic
    found = own_record(state, observation)
    if traffic is None or found is None:
        return state
    if state is None or state.record.owner != observation.uid:
        return _resume(spec, found, traffic, now)
    return adopt(state, found, traffic, now) if found.rank > state.record.rank else state


def own_record(state: State | None, observation: Observation) -> Record | None:
    """The record of this object that Redis holds; `None` where it holds none, or can't be asked.

    A rollback is this attempt's also where the key was given up with it since, by who has heard that the object goes:
    it is told of all the same, for its own cause (invariant 8).
    """
    found = observation.traffic.record if observation.traffic is not None else None
    if found is None or found.owner == observation.uid:
        return found
    ours = state is not None and (state.record.owner, state.record.attempt) == (observation.uid, found.attempt)
    return replace(found, owner=observation.uid) if ours and found.owner == "" and found.latched else None


def adopt(state: State, record: Record, traffic: Traffic, now: float) -> State:
    """The state with a greater record, found in Redis, in the place of its own."""
    known = state.record.cause
    if record.attempt > state.record.attempt:
        state, known = replace(never_landed(state, now), measurements_from=now, evidence_from=now, runs=()), None
    elif record.stage and not state.record.stage:
        # What was seen before its first users came takes nobody back for nothing: it is about no traffic.
        state = replace(state, measurements_from=now)
    if record.latched:
        record = replace(record, cause=record.cause or known)
    left = state.leave(now, RunOutcome.ROLLED_BACK if record.latched else RunOutcome.SUPERSEDED)
    state = replace(left.at(record), in_force_since=now, applied=traffic.in_force)
    if record.latched:
        state = forestalled(state, known, now)
    return state if untold(state) else _told_of_adoption(state, now)


def _told_of_adoption(state: State, now: float) -> State:
    record = state.record
    message = f"Redis holds a later record than the status: attempt {record.ordinal} at {record.percentage} %"
    if record.latched:
        message = f"Redis holds a rollback of attempt {record.ordinal} that the status did not know of"
        cause = record.cause or Cause(Reason.ROLLED_BACK, message, now)
        state = replace(state, record=replace(record, cause=cause))
    if record.stage:
        state = state.enter(now)
    return state.with_transition(now, Reason.RECORD_ADOPTED, message, warning=True)


def renew(state: State, spec: Spec, observation: Observation, now: float) -> State:
    """The state at the beginning of a new attempt: at 0 %, with nothing earned; as it was after the last number."""
    before = state.record
    traffic = observation.traffic
    served = traffic is not None and traffic.in_force > 0  # a failover may have brought it back
    idle = state.confirmed and before.percentage == 0 and not served
    known = traffic.record.attempt if traffic is not None and traffic.record is not None else 0
    attempt = max(before.attempt, known) + 1
    if attempt > MOST:
        return state  # somebody wrote the last number there is: above it none could be written, not even a rollback
    left = never_landed(state, now).leave(now, RunOutcome.SUPERSEDED)
    state = replace(
        left.at(_fresh(attempt, spec, observation)),
        measurements_from=now,
        evidence_from=max(state.evidence_from, state.in_force_since) if idle else now,
        fingerprint=spec.fingerprint,
        runs=(),
        cleared="",
        cleared_at=0.0,
    )
    if state.record.revision != before.revision:
        state = named.told(spec, observation, state, now)
    return state.with_transition(now, Reason.ATTEMPT_STARTED, _begins(state.record))


def lose(state: State, now: float, message: str) -> State:
    """The state after Redis lost its data and the stage can't come back at once: before the first stage again."""
    record = replace(state.record, sequence=state.record.next_sequence, percentage=0, stage="")
    state = replace(state.leave(now, RunOutcome.LOST).at(record), applied=0)
    return state.with_transition(now, Reason.TRAFFIC_LOST, message, warning=True)


def _fresh(attempt: int, spec: Spec, observation: Observation) -> Record:
    return Record(
        attempt=attempt,
        latched=False,
        sequence=0,
        percentage=0,
        revision=spec.revision or "",
        owner=observation.uid,
        holder=observation.holder,
        # For the whole attempt, from 0 % on: lowered later it would raise without evidence, and whoever is held back
        # after having been in treatment is no control any more.
        holdback=spec.traffic.holdback or 0,
        cluster=observation.cluster,
    )
