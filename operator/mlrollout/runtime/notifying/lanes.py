"""A lane for each receiver of each object: what waits is sent in its order, and again until it has arrived.

What waits is read from the status as it was last saved, and how far the receiver has been told is written there after
it arrived. So whoever leads goes on where the one before stopped: at least once, in order, under the same id.
"""

import asyncio
from collections.abc import Callable

import structlog

from mlrollout.domain.notices import Pending, next_pending, passed_over
from mlrollout.notify.routing import Subscription
from mlrollout.ports import Clock, MessageRefusedError, ReceiverError, ReceiverNotAllowedError, Receivers, Ref
from mlrollout.runtime.loop_time import loop_time
from mlrollout.runtime.metrics import OperatorMetrics
from mlrollout.runtime.tracked import Failing, TrackedObject
from mlrollout.seldom import seldom

from .address_book import AddressBook
from .composing import message
from .cursors import cursor
from .pace import ReceiverPace

log = structlog.get_logger(__name__)

TRIES = 4
"""How often a message is sent that its receiver refuses, before the next is."""
_REFUSED_WAIT = 5.0
NOTED_AFTER = 1.0
"""Seconds after which the status says that something arrived: what arrives elsewhere meanwhile needs no write of its
own, and where many objects roll back at once, what is still to be told of the others is saved first."""

Lane = tuple[TrackedObject, str]


class Lanes:
    """All lanes of this process. None waits for another but where one receiver takes no more at once."""

    def __init__(
        self,
        book: AddressBook,
        receivers: Receivers,
        clock: Clock,
        metrics: OperatorMetrics,
        leads: Callable[[], bool],
        wake: Callable[[Ref], None],
    ) -> None:
        """Make them.

        Args:
            book: Who is told of an object.
            receivers: Sends.
            clock: The wall clock.
            metrics: Where to count.
            leads: Whether this process tells anybody: of several one does, unless leadership changes hands.
            wake: Has the status of an object saved.
        """
        self._book = book
        self._receivers = receivers
        self._clock = clock
        self._metrics = metrics
        self._leads = leads
        self._wake = wake
        self._lanes: dict[Lane, asyncio.Task[None]] = {}
        self._paces: dict[str, ReceiverPace] = {}
        self._waiting: dict[Lane, tuple[str, float]] = {}

    @property
    def tasks(self) -> set[asyncio.Task[None]]:
        """What is under way."""
        return set(self._lanes.values())

    def look(self, tracked: TrackedObject) -> None:
        """Have what waits for the receivers of an object sent; returns at once."""
        for one in self._book.subscriptions(tracked):
            lane = (tracked, one.key)
            if lane not in self._lanes and self._next(tracked, one) is not None:
                task = asyncio.create_task(self._run(tracked, one.key), name=f"notify {one.key} of {tracked.ref}")
                self._lanes[lane] = task
                task.add_done_callback(lambda _, lane=lane: self._ended(lane))  # type: ignore[misc]  # a default binds it

    def lag(self, receiver: str) -> float:
        """For how many seconds the oldest news has waited for a receiver, as metrics call it."""
        now = self._clock.now()
        waiting = tuple(self._waiting.values())  # a scrape asks from a thread of its own, while lanes come and go
        return max((now - at for name, at in waiting if name == receiver), default=0.0)

    def _ended(self, lane: Lane) -> None:
        self._lanes.pop(lane, None)
        self._waiting.pop(lane, None)
        tracked, _ = lane
        if tracked.gone:
            self.forget(tracked)

    def _next(self, tracked: TrackedObject, one: Subscription) -> Pending | None:
        saved, ongoing = tracked.resource.saved, tracked.notified.keeps(tracked.resource.status)
        told = cursor(tracked, one)
        if saved is not None:
            pending = next_pending(saved, ongoing, told, one.wants, self._clock.now())
            if pending is not None:
                return pending
        word = tracked.notified.last_word
        untold = word is not None and one.key not in tracked.notified.last_told and one.wants(word)
        return Pending(word, told) if word is not None and untold else None

    async def _run(self, tracked: TrackedObject, key: str) -> None:
        tries = 0
        while self._leads():
            one = next((found for found in self._book.subscriptions(tracked) if found.key == key), None)
            pending = None if one is None else self._next(tracked, one)
            if one is None or pending is None:
                tracked.notified.failing.pop(key, None)  # what it failed over is news no more
                break
            self._waiting[tracked, key] = one.receiver, pending.notice.at
            if await self._try(tracked, one, pending, tries):
                self._told(tracked, one, pending)
                tries = 0
            else:
                tries += 1

    async def _try(self, tracked: TrackedObject, one: Subscription, pending: Pending, tries: int) -> bool:
        """Whether it need not be sent again."""
        pace = self._pace(tracked, one)
        dropped = pending.dropped + tracked.notified.refused[one.key]
        try:
            async with pace.turn():
                if not self._leads():
                    return False
                composed = await message(
                    self._receivers, self._book.config(), pending.notice, self._book.about(tracked), dropped=dropped
                )
                await self._receivers.send(await self._book.address(tracked, one), composed)
        except MessageRefusedError as error:
            self._failed(tracked, one, error, tries)
            return await self._refused(tracked, one, tries)
        except ReceiverError as error:
            pace.failed(error.retry_after)
            self._failed(tracked, one, error, tries)
            return False
        except Exception:  # what can't be sent at all must not keep back what comes after it
            log.exception("Unexpected error in a notification; going on", object=str(tracked.ref), receiver=one.key)
            return await self._refused(tracked, one, TRIES)
        pace.worked()
        tracked.notified.failing.pop(one.key, None)
        tracked.notified.refused.pop(one.key, None)
        self._metrics.notifications_sent.labels(one.receiver).inc()
        if dropped:
            self._metrics.notifications_dropped.labels(one.receiver).inc(pending.dropped)
        return True

    async def _refused(self, tracked: TrackedObject, one: Subscription, tries: int) -> bool:
        """Whether a message that is refused has been sent often enough."""
        if tries + 1 < TRIES:
            await asyncio.sleep(_REFUSED_WAIT)
            return False
        tracked.notified.refused[one.key] += 1
        self._metrics.notifications_dropped.labels(one.receiver).inc()
        return True

    def _failed(self, tracked: TrackedObject, one: Subscription, error: ReceiverError, tries: int) -> None:
        self._metrics.notifications_failed.labels(one.receiver).inc()
        before = tracked.notified.failing.get(one.key)
        since = loop_time() if before is None else before.since
        hopeless = isinstance(error, ReceiverNotAllowedError)
        tracked.notified.failing[one.key] = Failing(since, str(error), hopeless)
        if seldom(tries + 1):
            log.warning("Could not notify", object=str(tracked.ref), receiver=one.key, error=str(error))
        if hopeless and before is None:
            self._wake(tracked.ref)

    def _told(self, tracked: TrackedObject, one: Subscription, pending: Pending) -> None:
        """Remember that it arrived, until the status says so."""
        saved, told = tracked.resource.saved, pending.cursor
        if pending.notice is tracked.notified.last_word:
            tracked.notified.last_told.add(one.key)
            return
        if saved is not None:
            told = passed_over(saved, tracked.notified.keeps(tracked.resource.status), told, one.wants)
        tracked.notified.delivered[one.key] = told
        asyncio.get_running_loop().call_later(NOTED_AFTER, self._wake, tracked.ref)

    def _pace(self, tracked: TrackedObject, one: Subscription) -> ReceiverPace:
        """The receiver's: the operator's is one for all objects, an object's own is its own."""
        name = one.key if one.own is None else f"{tracked.uid} {one.key}"
        return self._paces.setdefault(name, ReceiverPace())

    def forget(self, tracked: TrackedObject) -> None:
        """Let go of an object, and of what is known of its own receivers, once nothing waits for any."""
        if any(one is tracked for one, _ in self._lanes):
            return
        self._book.forget(tracked)
        for name in [name for name in self._paces if name.startswith(f"{tracked.uid} ")]:
            del self._paces[name]
