"""Telling the application who was given which group, once each, beside its decisions."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from weakref import finalize

from mlrollout.domain.record import Record
from mlrollout.seldom import seldom

from .bucket import Group
from .forks import Work, begin_in_children
from .view import Reason

log = logging.getLogger("mlrollout")

MOST_WAITING = 10_000
"""Exposures that wait while the callback is slow; further ones are tried again at the user's next decision."""
MOST_REMEMBERED = 50_000
"""Users after whom a new list is begun; the one before it is kept as well."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """A user was given a group.

    Attributes:
        user_id: The user, by the canonical text of the id.
        group: The group.
        reason: Why: the user's bucket, the holdback, or the list of staff.
        record: Where the rollout stood: its attempt, revision and stage.
    """

    user_id: str
    group: Group
    reason: Reason
    record: Record


Callback = Callable[[Exposure], None]
_Shown = tuple[str, bool, int]
"""User, whether in treatment, and attempt. A bool in place of the group, which takes longer to hash."""
_Waiting = SimpleQueue[Exposure | None]


@dataclass(slots=True)
class ExposureCounts:
    """What became of exposures so far, in this process.

    Attributes:
        told: How many the callback took.
        failed: How many it failed at; these are not told again.
        delayed: How often one had to be put off, because too many were waiting.
    """

    told: int = 0
    failed: int = 0
    delayed: int = 0


class Exposures:
    """Calls back in a thread of its own, once for each user, group and attempt.

    Args:
        callback: Is given each exposure, one after the other.
    """

    def __init__(self, callback: Callback) -> None:
        if not callable(callback):
            raise TypeError(f"on_exposure must be a function of an Exposure, and not of type {type(callback).__name__}")
        self._callback = callback
        self._young: dict[_Shown, object] = {}
        self._old: dict[_Shown, object] = {}
        self._closed = False
        self.begin()
        begin_in_children(self)

    def begin(self) -> None:
        """Begin; a forked child has its own thread, and goes on where its parent was."""
        self.counts = ExposureCounts()
        self._waiting: _Waiting = SimpleQueue()
        work = Work()
        self._thread = threading.Thread(
            target=_tell,
            args=(self._callback, self._waiting, self.counts, work),
            name="mlrollout exposures",
            daemon=True,
        )
        if not self._closed:
            self._thread.start()
            finalize(self, self._waiting.put, None).atexit = False

    def add(self, user_id: str, group: Group, reason: Reason, record: Record) -> None:
        """Call back about a user who was given a group, if that is new. It never waits."""
        key: _Shown = (user_id, group is Group.TREATMENT, record.attempt)
        if key in self._young or key in self._old:
            return
        mark = object()
        if self._young.setdefault(key, mark) is not mark:  # another thread was first
            return
        if self._waiting.qsize() >= MOST_WAITING:
            self._young.pop(key, None)
            self.counts.delayed += 1
            return
        self._waiting.put(Exposure(user_id, group, reason, record))
        if len(self._young) >= MOST_REMEMBERED:
            self._old, self._young = self._young, {}

    def close(self) -> None:
        """Tell what waits, and end; it is given up where that takes longer than two seconds."""
        self._closed = True
        self._waiting.put(None)
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout=2.0)


def _tell(callback: Callback, waiting: _Waiting, counts: ExposureCounts, work: Work) -> None:
    """Call back for each exposure until `None` comes. It keeps no `Exposures` alive that nobody else holds."""
    with work:
        while True:
            with work.rest():
                exposure = waiting.get()
            if exposure is None:
                return
            try:
                callback(exposure)
            except BaseException as error:  # the application's own, and no decision's, an exit neither
                counts.failed += 1
                if seldom(counts.failed):
                    log.warning("on_exposure failed (%d times so far)", counts.failed, exc_info=error)
            else:
                counts.told += 1
