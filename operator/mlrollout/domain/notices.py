"""What a receiver is told of an object next: from what its status holds, and how far the receiver has been told.

The status is the outbox. So nothing is told that was not saved, whoever leads knows what is still to be told, and
what is told twice has the id that it had before.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from mlrollout.api.notification import Topic
from mlrollout.api.status import OngoingStatus

from .decision import Alert
from .latch import CAUSES
from .reason import Reason
from .state import State, Transition
from .topics import ONGOING, SEVERITIES, TRANSITIONS, Severity

KEPT = 24 * 3600.0
"""Seconds for which something is news; whoever was away for longer hears how much was left out."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a receiver has been told.

    Attributes:
        serial: The last transition's.
        ongoing: The last number of what goes on.
    """

    serial: int = 0
    ongoing: int = 0

    def ahead(self, other: "Cursor") -> "Cursor":
        """The later of the two, in each part."""
        return Cursor(max(self.serial, other.serial), max(self.ongoing, other.ongoing))


@dataclass(frozen=True, slots=True)
class Notice:
    """One piece of news about an object, as the status holds it: whoever tells it, and whenever, it is the same.

    Attributes:
        mark: What tells it from all others about the object.
        topic: What kind of news it is.
        severity: How bad it is for users.
        reason: What happened or goes on, in one word.
        cause: Of a rollback, why, in one word; empty for anything else.
        subject: What it is about, for example a guardrail; empty for the rollout itself.
        message: What happened and on which evidence, for people.
        at: When it happened or began; seconds since the epoch.
        seen: Of a rollback, when its cause was seen; otherwise the same as `at`.
        attempt: The attempt it belongs to.
        revision: What was being rolled out.
        stage: The stage it left or entered, or in which it goes on.
        before: The percentage before it.
        percentage: The percentage after it.
    """

    mark: str
    topic: Topic
    severity: Severity
    reason: str
    message: str
    at: float
    seen: float
    attempt: int
    revision: str
    stage: str
    before: int
    percentage: int
    cause: str = ""
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Pending:
    """What a receiver is told next.

    Attributes:
        notice: What it is.
        cursor: Where the receiver stands once it has been told.
        dropped: How much before it is told no more: it is too old, or the status holds it no longer.
    """

    notice: Notice
    cursor: Cursor
    dropped: int = 0


Wants = Callable[[Notice], bool]
"""Whether a receiver wants to hear of something."""


def next_pending(
    state: State, ongoing: Sequence[OngoingStatus], cursor: Cursor, wants: Wants, now: float
) -> Pending | None:
    """What a receiver is told next; `None` where it has been told everything.

    Args:
        state: Where the rollout stands, as it was saved.
        ongoing: What goes on, likewise.
        cursor: How far the receiver has been told.
        wants: What it wants to hear of.
        now: Seconds since the epoch.
    """
    dropped = _lost(state, ongoing, cursor)
    for notice, place in _after(state, ongoing, cursor):
        cursor = cursor.ahead(place)
        if notice is None or not wants(notice):
            continue
        if now - notice.at <= KEPT:
            return Pending(notice, cursor, dropped)
        dropped += 1
    return None


def passed_over(state: State, ongoing: Sequence[OngoingStatus], cursor: Cursor, wants: Wants) -> Cursor:
    """How far a receiver has been told, with what comes next and is none of its business.

    Without it, what nobody wanted to be told would once be missed as something that was dropped. What has been dropped
    is not passed over: it is still to be told how much that was.
    """
    if _lost(state, ongoing, cursor):
        return cursor
    for notice, place in _after(state, ongoing, cursor):
        if notice is not None and wants(notice):
            break
        cursor = cursor.ahead(place)
    return cursor


def newest(state: State | None, ongoing: Sequence[OngoingStatus]) -> Cursor:
    """Where a receiver begins that an object has not had before: it is told what comes from now on."""
    return Cursor(0 if state is None else state.serial, ongoing[-1].number if ongoing else 0)


def last_notice(alert: Alert, state: State | None, now: float) -> Notice:
    """What receivers are told of an object that goes, with no status left to hold it."""
    record = None if state is None else state.record
    return Notice(
        mark="last-word",
        topic=Topic.TRAFFIC_UNCONFIRMED,
        severity=SEVERITIES[Topic.TRAFFIC_UNCONFIRMED],
        reason=alert.reason,
        message=alert.message,
        at=now,
        seen=now,
        attempt=0 if record is None else record.ordinal,
        revision="" if record is None else record.revision,
        stage="" if record is None else record.stage,
        before=0 if state is None else state.applied,
        percentage=0 if state is None else state.applied,
    )


def _lost(state: State, ongoing: Sequence[OngoingStatus], cursor: Cursor) -> int:
    """How much the status no longer holds that the receiver was not told of."""
    first = state.history[0].serial if state.history else state.serial + 1
    number = ongoing[0].number if ongoing else 1
    return max(0, first - cursor.serial - 1) + max(0, number - cursor.ongoing - 1)


def _after(state: State, ongoing: Sequence[OngoingStatus], cursor: Cursor) -> Iterator[tuple[Notice | None, Cursor]]:
    """Everything after a cursor in the order in which it came about; `None` for what is no news."""
    transitions = [
        ((entry.serial, 0), _of_transition(state.history, place), Cursor(entry.serial))
        for place, entry in enumerate(state.history)
        if entry.serial > cursor.serial
    ]
    alerts = [
        ((one.after, one.number), _of_ongoing(state, one), Cursor(0, one.number))
        for one in ongoing
        if one.number > cursor.ongoing
    ]
    for _, notice, place in sorted((*transitions, *alerts), key=lambda one: one[0]):
        yield notice, place


def _of_transition(history: Sequence[Transition], place: int) -> Notice | None:
    entry = history[place]
    before = history[place - 1] if place else None
    after = history[place + 1] if place + 1 < len(history) else None
    topic = TRANSITIONS.get(entry.reason)
    if topic is None or (after is not None and after.reason == Reason.ROLLED_BACK and entry.reason in CAUSES):
        return None  # a rollback and its cause are one piece of news
    notice = Notice(
        mark=f"{entry.serial}-{round(entry.at * 1000)}",
        topic=topic,
        severity=SEVERITIES[topic],
        reason=entry.reason,
        message=entry.message,
        at=entry.at,
        seen=entry.at,
        attempt=entry.attempt,
        revision=entry.revision,
        stage=entry.stage,
        before=entry.percentage if before is None or before.attempt != entry.attempt else before.percentage,
        percentage=entry.percentage,
    )
    if entry.reason != Reason.ROLLED_BACK or before is None or before.reason not in CAUSES:
        return notice
    topic = TRANSITIONS[before.reason]
    return replace(
        notice, topic=topic, severity=SEVERITIES[topic], cause=before.reason, seen=before.at, stage=before.stage
    )


def _of_ongoing(state: State, one: OngoingStatus) -> Notice | None:
    topic = ONGOING.get(one.reason)
    # As it was then; what the history holds no more, it went on in the oldest that is left.
    then = next((entry for entry in reversed(state.history) if entry.serial <= one.after), None)
    then = then or (state.history[0] if state.history else None)
    if topic is None or then is None:
        return None
    return Notice(
        mark=f"ongoing-{one.number}-{round(one.since * 1000)}",
        topic=topic,
        severity=SEVERITIES[topic],
        reason=one.reason,
        subject=one.subject,
        message=one.message,
        at=one.since,
        seen=one.since,
        attempt=one.attempt,
        revision=then.revision,
        stage=then.stage,
        before=then.percentage,
        percentage=then.percentage,
    )
