"""Telling receivers of notifications: what is saved goes to them by lanes, and what they were told into the status."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from functools import partial

from mlrollout.api.status import ReceiverStatus
from mlrollout.domain.decision import Alert
from mlrollout.domain.notices import Cursor, last_notice, passed_over
from mlrollout.domain.ongoing import Subject, going_on, news, subject
from mlrollout.domain.reason import Reason
from mlrollout.domain.state import State
from mlrollout.notify.routing import Subscription
from mlrollout.ports import Clock, Receivers, Ref
from mlrollout.runtime.loop_time import LoopTime, loop_time
from mlrollout.runtime.metrics import OperatorMetrics
from mlrollout.runtime.notifying.address_book import AddressBook
from mlrollout.runtime.notifying.cursors import cursor, within
from mlrollout.runtime.notifying.lanes import Lanes
from mlrollout.runtime.telling import Sink
from mlrollout.runtime.tracked import TrackedObject
from mlrollout.runtime.tracked.notified import Lasting

SETTLES = 10.0
"""Seconds for which Redis has to be away before anybody is told: it is for a moment at every failover."""
COMES_BACK = 900.0
"""Seconds without something after which it is over: what comes and goes is one piece of news."""
FAILING_AFTER = 600.0
"""Seconds for which a receiver has to fail before the object says so."""


class NotificationsSink(Sink):
    """Sends notifications, each at least once and in order, to every receiver that an object has."""

    name = "notifications"

    def __init__(
        self,
        book: AddressBook,
        receivers: Receivers,
        clock: Clock,
        metrics: OperatorMetrics,
        leads: Callable[[], bool],
        wake: Callable[[Ref], None],
    ) -> None:
        self._book = book
        self._clock = clock
        self._lanes = Lanes(book, receivers, clock, metrics, leads, wake)
        self._metrics = metrics
        self._measured: set[str] = set()

    def saving(self, tracked: TrackedObject, state: State, alerts: Sequence[Alert]) -> None:
        """Note what the status shall hold: what goes on, and how far each receiver has been told."""
        found, kept = self._book.subscriptions(tracked), tracked.notified.keeps(tracked.resource.status)
        self._let_go(tracked, {one.key for one in found})
        if not found:
            tracked.notified.ongoing, tracked.notified.receivers = (), ()
            return
        begun, present = self._lasting(tracked, news(alerts))
        tracked.notified.ongoing = going_on(kept, begun, present, state, self._clock.now())
        tracked.notified.receivers = tuple(_kept(one.key, self._told(tracked, one)) for one in found)

    def _let_go(self, tracked: TrackedObject, keys: Collection[str]) -> None:
        """Forget receivers that the object has no more, and what was delivered of a status that was lost since."""
        notified = tracked.notified
        tracked.notified.failing = {key: one for key, one in notified.failing.items() if key in keys}
        tracked.notified.known = {key: one for key, one in notified.known.items() if key in keys}
        tracked.notified.delivered = {
            key: within(tracked, told) for key, told in notified.delivered.items() if key in keys
        }

    def saved(self, tracked: TrackedObject) -> None:
        """Have what the status holds sent to whoever has not been told."""
        self._lanes.look(tracked)
        for name in {one.receiver for one in self._book.subscriptions(tracked)} - self._measured:
            self._measured.add(name)
            self._metrics.notifications_lag.labels(name).set_function(partial(self._lanes.lag, name))

    def failures(self, tracked: TrackedObject) -> Sequence[Alert]:
        """What the object says of receivers that have failed for long."""
        now = loop_time()
        return [
            Alert(Reason.NOTIFICATION_FAILING, key, f"the receiver {key} can't be told: it {one.why}")
            for key, one in tracked.notified.failing.items()
            if one.hopeless or now - one.since >= FAILING_AFTER
        ]

    def last_word(self, tracked: TrackedObject, alert: Alert) -> None:
        """Tell of a key that may hold traffic which nobody guards any more; no status is left to say so."""
        if alert.reason is Reason.TRAFFIC_NOT_ZEROED and tracked.notified.last_word is None:
            tracked.notified.last_word = last_notice(alert, tracked.state, self._clock.now())
            self._lanes.look(tracked)

    def forget(self, tracked: TrackedObject) -> None:
        """Let go of an object; what waits for its receivers is sent all the same."""
        self._lanes.forget(tracked)

    @property
    def under_way(self) -> Collection[asyncio.Task[None]]:
        """What is being sent."""
        return self._lanes.tasks

    def _told(self, tracked: TrackedObject, one: Subscription) -> Cursor:
        saved, found = tracked.resource.saved, cursor(tracked, one)
        if saved is None:
            return found
        return passed_over(saved, tracked.notified.keeps(tracked.resource.status), found, one.wants)

    def _lasting(self, tracked: TrackedObject, alerts: Sequence[Alert]) -> tuple[Sequence[Alert], set[Subject]]:
        """What has gone on for long enough to be told, and what goes on or may come back."""
        now, seen = loop_time(), tracked.notified.seen
        for one in tracked.notified.keeps(tracked.resource.status):
            if one.until is None:  # another process may have seen it begin
                seen.setdefault(subject(one), Lasting(now, now))
        for alert in alerts:
            about = subject(alert)
            before = seen.get(about)
            seen[about] = Lasting(now, now) if before is None else Lasting(before.first, now)
        tracked.notified.seen = seen = {about: one for about, one in seen.items() if now - one.last < COMES_BACK}
        return [alert for alert in alerts if _settled(alert, seen[subject(alert)].first, now)], set(seen)


def _settled(alert: Alert, first: LoopTime, now: LoopTime) -> bool:
    return alert.reason is not Reason.TRAFFIC_UNCONFIRMED or now - first >= SETTLES


def _kept(key: str, told: Cursor) -> ReceiverStatus:
    return ReceiverStatus(name=key, serial=told.serial, ongoing=told.ongoing)
