"""The decision: what shall stand, given the spec, the state and everything seen. Pure."""

from collections.abc import Iterator
from dataclasses import replace

from mlrollout.api.spec import Spec

from . import named
from .attempt import begin, caught_up, foreign, inherited, own_record, renew
from .decision import Alert, Blocker, Decision, Observation
from .gate import pause
from .latch import landed, latch
from .progress import Progressed, progress
from .reason import Reason
from .record import Record
from .rollback_cause import evidence_alerts, rollback_cause
from .stages import follow, following, supersede
from .state import Phase, State
from .traffic import RaiseOnceSaved
from .traffic_plan import TrafficPlan, claimed, conflict, plan_traffic
from .verbs import hear, in_manifests

_BEGINS = (Blocker(Reason.PROGRESSING, "an attempt begins once it is saved"),)


def decide(spec: Spec, state: State | None, observation: Observation, now: float) -> Decision:
    """What shall be done now.

    Going down needs nothing but a reason. Going up takes two decisions: the first announces a state whose
    record is ahead of Redis, the second, with that saved and on evidence that is still good, answers with
    the write that raises. A new attempt is announced likewise, so that one status write wins it, whoever
    leads: what it follows on is taken to zero before, at once.

    Args:
        spec: What the user asks for.
        state: Where the rollout stands; `None` for an object never decided on. Another object's, which a
            restored status may hold, counts as none.
        observation: The world, as far as it could be seen.
        now: Seconds since the epoch.
    """
    state = caught_up(spec, state, observation, now)
    if state is None or state.record.owner != observation.uid:
        return _first_sight(spec, observation, now)
    known = _known(observation, _placed(state.clamped_to(now), observation), now)
    known = named.noted(spec, known, observation)
    spec = named.effective(spec, known, observation) or spec
    state, begun = _asked(spec, observation, known, now)
    if begun:
        return Decision(state, plan_traffic(spec, observation, known, now, _BEGINS).write, announces=True)
    cause = rollback_cause(spec, observation, state, now)
    if cause is not None:
        state = latch(state, now, cause)
    paused = pause(spec, state)
    planned = plan_traffic(spec, observation, state, now, paused)
    step = Progressed(planned.state, planned.blockers)
    if _may_progress(observation, planned):
        step = progress(spec, observation, planned.state, now, paused)
    alerts = [planned.alert] if planned.alert is not None else []
    alerts += _approvals(spec, step)
    alerts += evidence_alerts(spec, observation, step.state, now)
    alerts += in_manifests(observation.verbs)
    alerts += _of_source(spec, observation, step.state)
    alerts += claimed(observation)
    # The guard may end with completion, so that counts once it is saved, too: until then whoever looks, looks on.
    completes = step.state.phase is Phase.COMPLETED and known.phase is not Phase.COMPLETED
    announces = completes or step.state.record.percentage > known.record.percentage
    write = planned.write
    if isinstance(write, RaiseOnceSaved) and step.state.record != known.record:
        write = None  # Up only by a later decision: nobody would take back what no status knows of (invariant 5)
    return Decision(step.state, write, announces, step.again, tuple(alerts), step.blockers)


def _first_sight(spec: Spec, observation: Observation, now: float) -> Decision:
    if observation.traffic is None:
        message = f"Redis can't be asked what stands there, so nothing begins: {observation.trouble}"
        alert = Alert(Reason.TRAFFIC_UNCONFIRMED, "redis", message)
        return Decision(state=None, alerts=(alert,))
    if foreign(observation.traffic, observation, None):
        return Decision(state=None, alerts=(conflict(observation.traffic, observation),))
    begins = named.effective(spec, None, observation)
    if begins is None:
        return Decision(state=None, alerts=tuple(_unknown(observation)))
    state = begin(begins, observation, observation.traffic, now)
    return Decision(state, inherited(observation.traffic, observation), announces=True)


def _placed(state: State, observation: Observation) -> State:
    """The state with the cluster in its record, which no status holds."""
    if not observation.cluster or state.record.cluster == observation.cluster:
        return state
    return replace(state, record=replace(state.record, cluster=observation.cluster))


def _known(observation: Observation, state: State, now: float) -> State:
    """The state, and that Redis holds it where it does."""
    found = own_record(state, observation)
    if found is not None and found.rank == state.record.rank:
        return landed(_holding_back(state, found), found, now)
    return state


def _holding_back(state: State, found: Record) -> State:
    """The state with the holdback that Redis knows, too: an older operator's status has none."""
    if found.holdback <= state.record.holdback:
        return state
    return replace(state, record=replace(state.record, holdback=found.holdback))


def _asked(spec: Spec, observation: Observation, state: State, now: float) -> tuple[State, bool]:
    """The state after what people ask for, and whether that begins an attempt.

    With a new revision nothing else is heard before its attempt is saved: a rollback asked for beside it is for it.
    """
    attempt = state.record.attempt
    if spec.revision != state.record.revision:
        # Up only from zero: what one revision has earned is never another's (invariant 12).
        if state.record.percentage == 0:
            return renew(state, spec, observation, now), True
        return supersede(state, spec.revision or "", now), False
    state = hear(spec, observation, follow(spec, state, now), now)
    return named.announced(spec, observation, state, now), state.record.attempt > attempt


def _may_progress(observation: Observation, planned: TrafficPlan) -> bool:
    state = planned.state
    # Up only from what Redis is seen to hold, and never out of a rollback (invariants 1 and 3).
    return state.confirmed and state.phase is not Phase.ROLLED_BACK and observation.traffic is not None


def _of_source(spec: Spec, observation: Observation, state: State) -> Iterator[Alert]:
    """What is said of the source of its revisions."""
    yield from _unknown(observation)
    if observation.unannounced and not state.announced:
        yield Alert(Reason.ALIAS_NOT_SET, "source", observation.unannounced)
    for message in named.waits(spec, state):
        yield Alert(Reason.AWAITING_APPROVAL, "revision", message, warning=False)


def _unknown(observation: Observation) -> Iterator[Alert]:
    if observation.unnamed:
        yield Alert(Reason.REVISION_UNKNOWN, "source", observation.unnamed)


def _approvals(spec: Spec, step: Progressed) -> list[Alert]:
    waits = [blocker for blocker in step.blockers if blocker.reason is Reason.AWAITING_APPROVAL]
    after = following(spec, step.state.record) if step.state.record.stage else spec.stages[0]
    stage = after.name if after is not None else ""
    return [Alert(blocker.reason, stage, blocker.message, warning=False) for blocker in waits]
