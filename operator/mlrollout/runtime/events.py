"""Telling people: transitions once each, what goes on now and then. It never delays anything."""

import asyncio
from collections.abc import Iterable
from itertools import zip_longest

import structlog

from mlrollout.domain.state import Alert, Phase, Reason, State, Transition, Verb
from mlrollout.ports import Clock, EventToPost, GoneError, Objects, ObjectsError, Ref

from .metrics import Metrics
from .reading import Problem
from .rollout import Rollout

log = structlog.get_logger(__name__)

AGAIN_AFTER = 300.0
"""Seconds after which something that still goes on is told again."""
RETOLD = 300.0
"""After a start, transitions of so many seconds before are posted again; the API server keeps one of each."""
VERBS = frozenset(verb.value for verb in Verb)
_CAUSES = frozenset({Reason.GUARDRAIL_BREACHED, Reason.EVIDENCE_MISSING, Reason.MANUAL_ROLLBACK, Reason.EMERGENCY_STOP})
_TRIES = 15
_LONGEST_WAIT = 60.0
_AT_ONCE = 8
_NAMED = 3


class Events:
    """Posts Kubernetes Events in the background."""

    def __init__(self, objects: Objects, clock: Clock, metrics: Metrics) -> None:
        self._objects = objects
        self._clock = clock
        self._metrics = metrics
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    def recall(self, rollout: Rollout) -> None:
        """Take what stands in a status that others may have saved for told; of the last minutes they may have died."""
        before = self._clock.now() - RETOLD
        history = rollout.saved.history if rollout.saved is not None else ()
        rollout.noted = max(rollout.noted, max((entry.serial for entry in history if entry.at < before), default=0))

    def transitions(self, rollout: Rollout) -> None:
        """Tell of the transitions in the status that have not been told of yet."""
        history = rollout.saved.history if rollout.saved is not None else ()
        for entry, after in zip_longest(history, history[1:]):
            if entry.serial > rollout.noted:
                rollout.noted = entry.serial
                if not rollout.gone:
                    self._metrics.transition(rollout.ref, entry.reason)
                if not _tells_the_cause(after, entry):
                    self._tell(rollout, entry)

    def _tell(self, rollout: Rollout, entry: Transition) -> None:
        if entry.reason != Reason.ROLLED_BACK or entry.attempt != rollout.down:  # it has been logged when it happened
            _log(rollout.ref, entry, attempt=entry.attempt, stage=entry.stage, percentage=entry.percentage)
        self._post(rollout, _transition(entry))

    def taken_down(self, rollout: Rollout, state: State, *, again: bool) -> None:
        """Log it now: the history waits for the API server, and of a standby's evidence it knows nothing."""
        if state.phase is Phase.ROLLED_BACK:
            rollout.down = state.record.ordinal
        log.warning(
            "Traffic that had come back was taken down again" if again else "Traffic was taken down",
            object=str(rollout.ref),
            percentage=state.record.percentage,
            reason=state.cause,
            explanation=state.explanation,
        )

    def alerts(self, rollout: Rollout, alerts: Iterable[Alert], problem: Problem | None = None) -> None:
        """Post what goes on, when it begins and while it lasts; `UnknownVerb` is found here."""
        now = asyncio.get_running_loop().time()
        alerts = (*alerts, *_problem(problem), *_unknown_verbs(rollout))
        going_on = {(alert.reason.value, alert.subject) for alert in alerts}
        rollout.alerted = {key: at for key, at in rollout.alerted.items() if key in going_on}
        for alert in alerts:
            key = (alert.reason.value, alert.subject)
            if key not in rollout.alerted or now - rollout.alerted[key] >= AGAIN_AFTER:
                rollout.alerted[key] = now
                _log(rollout.ref, alert)
                self._post(rollout, EventToPost(alert.reason, alert.message, warning=alert.warning))

    def ended(self, rollout: Rollout) -> None:
        """Post what became of the key with the object's deletion, if the object ever had it."""
        if not rollout.left:
            trouble = rollout.trouble if rollout.spec is not None else "which key it is can't be told from its spec"
            message = (
                f"the object is being deleted, but its key could not be given up and may still hold traffic: {trouble}"
            )
            self._post(rollout, EventToPost(Reason.TRAFFIC_NOT_ZEROED, message, warning=True, unique="left-behind"))
        elif rollout.state is not None and rollout.traffic is not None:
            record = rollout.traffic.record
            became = f"is given up at {rollout.traffic.in_force} %"
            if record is not None and record.owner not in ("", rollout.uid):
                became = "belongs to another object, and is left as it is"
            message = f"the object is being deleted: its key {became}"
            self._post(rollout, EventToPost(Reason.DELETED, message, unique="deleted"))

    def _post(self, rollout: Rollout, event: EventToPost) -> None:
        task = asyncio.create_task(self._send(rollout, rollout.uid, event))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send(self, rollout: Rollout, uid: str, event: EventToPost) -> None:
        for attempt in range(_TRIES):
            try:
                async with self._turns:
                    await self._objects.post_event(rollout.ref, uid, event)
            except ObjectsError as error:
                if isinstance(error, GoneError) and rollout.gone:  # by itself, "not found" may be nonsense
                    return
                self._metrics.api_errors.inc()
                log.warning("Could not post an Event", object=str(rollout.ref), reason=event.reason, error=str(error))
                await asyncio.sleep(min(2.0**attempt, _LONGEST_WAIT))
            else:
                return

    async def drain(self, seconds: float) -> None:
        """Give what is under way a moment before the process ends."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=seconds)


def _log(ref: Ref, news: Transition | Alert, **facts: object) -> None:
    tell = log.warning if news.warning else log.info
    tell(news.message, object=str(ref), reason=str(news.reason), **facts)


def _tells_the_cause(entry: Transition | None, cause: Transition) -> bool:
    """Whether it is the rollback that this is the cause of: the two are one piece of news."""
    return entry is not None and entry.reason == Reason.ROLLED_BACK and cause.reason in _CAUSES


def _transition(entry: Transition) -> EventToPost:
    unique = f"{entry.serial}-{round(entry.at * 1000)}"
    return EventToPost(entry.reason, entry.message, warning=entry.warning, unique=unique)


def _problem(problem: Problem | None) -> tuple[Alert, ...]:
    return () if problem is None else (Alert(problem.reason, "object", problem.message),)


def _unknown_verbs(rollout: Rollout) -> tuple[Alert, ...]:
    """One for all of them: anybody who may annotate the object may write thousands."""
    unknown = sorted(rollout.annotations.keys() - VERBS)
    if not unknown:
        return ()
    names = ", ".join(f"mlrollout.dev/{name}" for name in unknown[:_NAMED]) + (", …" if unknown[_NAMED:] else "")
    message = f"no verb, and ignored: the annotation {names}; verbs are {', '.join(sorted(VERBS))}"
    return (Alert(Reason.UNKNOWN_VERB, names, message),)
