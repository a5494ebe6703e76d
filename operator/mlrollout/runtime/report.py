"""What is written to an object: its status, its finalizers, and that an annotation was acted on."""

from collections.abc import Awaitable, Callable, Iterable
from math import inf

from mlrollout.api import GROUP
from mlrollout.api.status import ConditionStatus, Status
from mlrollout.domain.annotations import REMOVED, removed, unknown_verbs
from mlrollout.domain.conditions import CONTESTED, Fact, facts, stalled, stamp
from mlrollout.domain.decision import Alert
from mlrollout.domain.gate import pause
from mlrollout.domain.persist import last_looks, to_status
from mlrollout.domain.reason import Reason
from mlrollout.domain.saving import due_in, findings
from mlrollout.domain.state import State
from mlrollout.domain.verbs import in_manifests, too_early
from mlrollout.ports import Clock, ConflictError, Object, Objects, ObjectsError

from .doubts import alerts, doubts, noted
from .loop_time import loop_time
from .reading import Problem
from .telling import Outbox
from .tracked import TrackedObject


class Report:
    """Writes to objects on the version that is known of them, and tells what was written."""

    def __init__(
        self, objects: Objects, clock: Clock, outbox: Outbox, learned: Callable[[TrackedObject], None]
    ) -> None:
        """Make a report.

        Args:
            objects: The Kubernetes API.
            clock: The wall clock.
            outbox: Where transitions and alerts are told.
            learned: Told of what an answer says of an object, for the watch says nothing new of it any more; must
                not wait.
        """
        self._objects = objects
        self._clock = clock
        self._outbox = outbox
        self._learned = learned

    def lead(self, tracked: TrackedObject, *, leads: bool) -> None:
        """Take in whether this process leads; a standby writes nothing, and need not read again."""
        tracked.writing.reload = tracked.writing.takes_over = leads

    async def reload(self, tracked: TrackedObject) -> None:
        """Read the object again, if what is known of it may be what somebody else has overwritten."""
        if tracked.writing.reload:
            tracked.apply(await self._objects.get(tracked.ref))
            tracked.writing.reload = False
            if tracked.writing.takes_over:
                tracked.writing.takes_over = False
                self._outbox.recall(tracked)
            self._learned(tracked)

    async def decided(self, tracked: TrackedObject) -> None:
        """Save the state and say what was decided, if there is anything in it worth a write."""
        decision = tracked.standing.decision
        if decision is None:
            return
        rivalry, doubtful = tracked.writing.rivalry, doubts(tracked)
        found = noted(facts(tracked.effective_spec, tracked.observation(), decision, self._clock.now()), doubtful)
        if tracked.problem is not None:
            found = (*stalled(tracked.problem.reason, _with_pauses(tracked, tracked.problem.message)), *found[-2:])
        told = (*decision.alerts, *rivalry.alerts)
        try:
            await self._save(tracked, decision.state if decision.announces else tracked.state, found, told)
        except ConflictError:
            if rivalry.alerts:  # no status of ours stands any more that could say so
                self._alert(tracked, told, tracked.problem)
            raise
        self._alert(tracked, (*told, *alerts(tracked, doubtful)), tracked.problem)

    async def stalled(self, tracked: TrackedObject, problem: Problem) -> None:
        """Say what keeps the object from being looked after; what it had, it keeps."""
        await self._save(tracked, tracked.state, stalled(problem.reason, problem.message), (problem.alert,))
        begun = tracked.state is not None or tracked.resource.unread is not None
        refused = () if begun else tuple(too_early(tracked.resource.requests))
        self._alert(tracked, (*refused, *in_manifests(tracked.resource.requests)), problem)
        if refused:
            await self._remove(tracked, (alert.subject for alert in refused), None)

    def _alert(self, tracked: TrackedObject, alerts: Iterable[Alert], problem: Problem | None) -> None:
        problems = () if problem is None else (problem.alert,)
        failures = self._outbox.failures(tracked)
        self._outbox.alerts(tracked, (*alerts, *problems, *unknown_verbs(tracked.resource.metadata), *failures))

    async def _save(
        self, tracked: TrackedObject, state: State | None, found: tuple[Fact, ...], alerts: tuple[Alert, ...]
    ) -> None:
        if tracked.resource.unread is not None:
            return  # it holds what is known nowhere else: a pause, an approval, what has been told (invariants 1 and 8)
        if state is not None:
            problems = () if tracked.problem is None else (tracked.problem.alert,)
            self._outbox.saving(tracked, state, (*alerts, *problems))
        now, resource, writing = loop_time(), tracked.resource, tracked.writing
        writing.rivalry.read(resource.status.written_by, now)
        status = self._status(tracked, state, found)
        notified = tracked.notified
        own = (findings(status.conditions, tracked.measured.histories), notified.ongoing, *notified.delivered.items())
        writing.due_in = due_in(
            resource.status,
            status,
            unsaved=notified.is_unsaved(resource.status),
            news=own != writing.wrote,
            written_ago=now - writing.tried,
        )
        if not writing.due_in:
            writing.tried = now
            saving = self._objects.save_status(tracked.ref, resource.resource_version, status.render())
            await self._write(tracked, saving)
            writing.wrote, writing.due_in = own, inf
            writing.rivalry.saved()
        # Whoever saved it: the answer to a save of ours may have been lost.
        self._outbox.transitions(tracked)

    def _status(self, tracked: TrackedObject, state: State | None, found: tuple[Fact, ...]) -> Status:
        now, resource, rivalry = self._clock.now(), tracked.resource, tracked.writing.rivalry
        contested = (Fact(CONTESTED, ConditionStatus.TRUE, one.reason, one.message) for one in rivalry.alerts)
        # What a clock that is ahead dates later than now would stay for long.
        shown = (look for look in resource.status.guardrails if look.at is None or look.at <= now)
        return to_status(
            state,
            spec=tracked.spec,
            conditions=stamp((*found, *contested), resource.status.conditions, resource.generation, now),
            generation=resource.generation,
            guardrails=last_looks(
                tracked.spec,
                tracked.measured.histories,
                shown,
                rolled_back=state is not None and state.record.latched,
            ),
            ongoing=tracked.notified.ongoing,
            receivers=tracked.notified.receivers,
            written_by=rivalry.own,
        )

    async def finalize(self, tracked: TrackedObject, finalizers: tuple[str, ...]) -> None:
        """Say who still has something to do before the object may go."""
        version = tracked.resource.resource_version
        await self._write(tracked, self._objects.set_finalizer(tracked.ref, version, finalizers))

    def given_up(self, tracked: TrackedObject) -> None:
        """Say what became of the key of an object that goes, if it ever had it."""
        word = _last_word(tracked)
        if word is not None:
            self._outbox.last_word(tracked, word)

    async def drop_verbs(self, tracked: TrackedObject) -> bool:
        """Remove the annotations that have been acted on, now that this is saved; answers whether there were any.

        What was noted of an earlier removal goes when its marks are gone from the status.
        """
        resource = tracked.resource
        marks = resource.saved.verbs if resource.saved is not None else {}
        done = [verb for verb, mark in marks.items() if resource.is_over(verb, mark)]
        # A mark whose annotation was removed tells the next one from it, be its words the same: the note of it stays.
        known = {mark.token for mark in marks.values()} & resource.removed
        over = ({marks[verb].token for verb in done} | known) - {""}
        noted = removed(resource.metadata)
        if not done and (not noted or noted & over):
            return False
        await self._remove(tracked, done, " ".join(sorted(over)) or None)
        return True

    async def _remove(self, tracked: TrackedObject, verbs: Iterable[str], noted: str | None) -> None:
        annotations = {f"{GROUP}/{verb}": None for verb in verbs} | {REMOVED: noted}
        version = tracked.resource.resource_version
        await self._write(tracked, self._objects.change_annotations(tracked.ref, version, annotations))

    async def _write(self, tracked: TrackedObject, written: Awaitable[Object]) -> None:
        """Take over what was written; where that failed, who knows what stands there now."""
        try:
            tracked.apply(await written)
        except ObjectsError as error:
            if isinstance(error, ConflictError):
                tracked.writing.rivalry.beaten()
            tracked.writing.reload = True
            raise
        self._learned(tracked)


def _with_pauses(tracked: TrackedObject, message: str) -> str:
    """A problem, and that people paused the rollout as well: mended, it would not go on."""
    if tracked.spec is None or tracked.state is None:
        return message
    whole = tracked.resource.whole  # one of which a part is understood is paused by that alone
    spec = tracked.spec if whole else tracked.spec.model_copy(update={"paused": False})
    return "; ".join((message, *(blocker.message for blocker in pause(spec, tracked.state))))


def _last_word(tracked: TrackedObject) -> Alert | None:
    """What became of the key of an object that goes; `None` where it never had one."""
    traffic = tracked.redis.traffic
    if not tracked.left:
        trouble = "which key it is can't be told from its spec" if tracked.spec is None else tracked.redis.trouble
        why = trouble or "it went before that, by force"
        left = f"the object is being deleted, but its key could not be given up and may still hold traffic: {why}"
        return Alert(Reason.TRAFFIC_NOT_ZEROED, "left-behind", left)
    if tracked.state is None or traffic is None:
        return None
    became = f"is given up at {traffic.in_force} %"
    if traffic.record is not None and traffic.record.owner not in ("", tracked.uid):
        became = "belongs to another object, and is left as it is"
    return Alert(Reason.DELETED, "deleted", f"the object is being deleted: its key {became}", warning=False)
