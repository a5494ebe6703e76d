"""The application's face of a rollout: who gets which path."""

import asyncio
import logging
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from math import inf
from time import monotonic
from typing import Self

import mmh3

from mlrollout.domain.record import Record
from mlrollout.redis_server.address import Tls, parse

from .bucket import Group, limit
from .forks import begin_in_children
from .reader import Reader
from .view import MAX_STALENESS, Reason, View

log = logging.getLogger("mlrollout")

_hash = mmh3.mmh3_32_uintdigest  # of bytes alone, see `bucket.hashed`
_EVERYBODY = limit(100)


@dataclass(frozen=True, slots=True)
class State:
    """What decisions are based on at a moment.

    Attributes:
        percentage: The share of users in treatment, 0 to 100.
        reason: Why it is this one.
        record: The greatest record seen; `None` before the first.
        age: Seconds since the last read of Redis that succeeded began; infinity before the first.
    """

    percentage: int
    reason: Reason
    record: Record | None
    age: float


@dataclass(frozen=True, slots=True)
class Assignment:
    """One user's group, and what it is based on.

    Attributes:
        group: The group.
        reason: Why.
        state: What is known of the rollout.
    """

    group: Group
    reason: Reason
    state: State


class Rollout:
    """One rollout, as one process of the application knows it.

    A decision is local: no I/O and no lock. A thread follows Redis. Until it has read Redis, and whenever it could
    not for `max_staleness` seconds, everybody is in control; so is everybody when anything is absent or unreadable.
    Make one for each rollout when the process starts, and share it: it works from every thread and event
    loop, and in processes that are forked from this one.

    Args:
        key: The key of the percentage in Redis: `spec.traffic.key` of the `MLRollout`.
        redis: The URL of Redis: `redis://`, `rediss://`, `unix://`, `redis+sentinel://` or `rediss+sentinel://`.
        salt: What users are divided by. It must stay the same for a rollout's life, and be the same in every program
            that takes part in it; by default it is the key.
        revision: The revision that this process runs. While another one is rolled out, everybody is in control: a
            percentage that one model has earned is not given to another. Left out, that is not asked.
        staff: Ids of users who get treatment before everybody else, from the moment that an attempt
            begins and at any percentage; a rollback takes them out, too.
        max_staleness: Seconds after which what was last read counts no more.
        poll: Seconds between two reads, give or take a fifth; pushes come besides.
        tls: Files for the schemes with TLS; without them, the system's authorities are trusted.

    Raises:
        ValueError: The URL can't be read, or a number makes no sense.
    """

    def __init__(
        self,
        key: str,
        *,
        redis: str,
        salt: str | None = None,
        revision: str | None = None,
        staff: Collection[str] = (),
        max_staleness: float = MAX_STALENESS,
        poll: float = 2.0,
        tls: Tls | None = None,
    ) -> None:
        if not 0 < poll < max_staleness:
            raise ValueError(
                f"poll ({poll:g} s) must be above 0 and shorter than max_staleness ({max_staleness:g} s): "
                "between two reads, everybody would be in control"
            )
        self.key = key
        self.salt = key if salt is None else salt
        self._address = parse(redis)
        self._tls = tls or Tls()
        self._revision = revision
        self._staff = frozenset(staff)
        self._max_staleness = max_staleness
        self._poll = poll
        self._salted = f"{self.salt}:".encode()
        self._forced: list[Group] = []
        self._listeners: list[Callable[[State], None]] = []
        self._told: tuple[int, Reason, Record | None] = (0, Reason.NOT_READY, None)
        self._odd_ids = 0
        self._view = View(max_staleness=max_staleness)
        self._share: tuple[int, float, bool] = (0, -inf, False)
        """What a decision needs, in one piece: the limit of hashes in treatment, until when it holds, and whether
        staff are in treatment before everybody else."""
        self._closed = False
        self.begin()
        begin_in_children(self)

    # --- deciding ----------------------------------------------------------------------------

    def group(self, user_id: str) -> Group:
        """The user's group now. Whatever is wrong, the answer is control, and never an exception.

        Args:
            user_id: Any text that stays the user's own. `None`, the empty text and whatever is no text are nobody.
        """
        hashes, until, staff_first = self._share
        try:
            if user_id and _hash(self._salted + user_id.encode()) < hashes and monotonic() < until:
                return Group.TREATMENT
            if staff_first and user_id in self._staff and monotonic() < until:
                return Group.TREATMENT
        except Exception:  # noqa: BLE001 - whatever was given for an id, the application goes on
            self._tell_odd(user_id)
        return Group.CONTROL

    def assign(self, user_id: str) -> Assignment:
        """The user's group now, and what it is based on."""
        state, group = self.state, self.group(user_id)
        return Assignment(group, self._why(user_id, group, state), state)

    def _why(self, user_id: str, group: Group, state: State) -> Reason:
        if state.reason is Reason.FORCED:
            return Reason.FORCED
        if not _is_user(user_id):
            return Reason.NO_USER
        if state.reason is Reason.SPLIT and user_id in self._staff and group is Group.TREATMENT:
            return Reason.STAFF
        return state.reason

    def _tell_odd(self, user_id: object) -> None:
        self._odd_ids += 1
        if self._odd_ids.bit_count() == 1:  # the first, second, fourth, eighth …
            log.warning(
                "A user id of %s is not text, or no valid one: nobody is that user, so it is control. Give a str",
                type(user_id).__name__,
            )

    # --- what is known -----------------------------------------------------------------------

    @property
    def state(self) -> State:
        """What decisions are based on now."""
        return self._state(self._view)

    @property
    def percentage(self) -> int:
        """The share of users in treatment now, 0 to 100."""
        return self.state.percentage

    @property
    def ready(self) -> bool:
        """Whether Redis has been read."""
        return self._read.is_set()

    @property
    def revision(self) -> str | None:
        """The revision that this process runs; `None` where it is not asked for."""
        return self._revision

    @revision.setter
    def revision(self, revision: str | None) -> None:
        with self._changing:
            self._revision = revision
            self._settle()

    def wait_ready(self, timeout: float | None = None) -> bool:
        """Wait until Redis has been read.

        Args:
            timeout: Seconds to wait at most; `None` for no end.

        Returns:
            Whether it has been.
        """
        return self._read.wait(timeout)

    async def wait_ready_async(self, timeout: float | None = None) -> bool:  # noqa: ASYNC109 - as without asyncio
        """Likewise, for asyncio."""
        return await asyncio.to_thread(self.wait_ready, timeout)

    def on_change(self, listener: Callable[[State], None]) -> Callable[[], None]:
        """Have a function called whenever percentage, reason or record have changed.

        It is called in the thread that follows Redis, once at a time: it must not wait.

        Returns:
            A function that ends it.
        """
        self._listeners = [*self._listeners, listener]

        def end() -> None:
            self._listeners = [one for one in self._listeners if one is not listener]

        return end

    # --- deciding by hand --------------------------------------------------------------------

    @contextmanager
    def force(self, group: Group | str) -> Iterator[None]:
        """Have everybody in this group meanwhile, in every thread: for tests and demonstrations.

        Raises:
            ValueError: There is no such group.
        """
        group = Group(group)
        with self._changing:
            self._forced.append(group)
            self._settle()
        try:
            yield
        finally:
            with self._changing:
                self._forced.remove(group)
                self._settle()

    # --- its life ----------------------------------------------------------------------------

    def close(self) -> None:
        """Follow no more: from now on everybody is in control."""
        self._closed = True
        self._reader.stop()
        with self._changing:
            self._view = View(max_staleness=self._max_staleness)
            self._settle()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self.close)

    def begin(self) -> None:
        """Begin to follow, from what is known: when it is made, and in a process forked from the one that made it."""
        self._changing = threading.RLock()
        self._read = threading.Event()
        if self._view.nothing is not Reason.NOT_READY:
            self._read.set()
        self._reader = Reader(self._address, self._tls, self.key, poll=self._poll, seen=self._see, view=self._view)
        if not self._closed:
            self._reader.start()

    # --- following ---------------------------------------------------------------------------

    def _see(self, view: View) -> None:
        self._tell()  # what was known may have become too old meanwhile, and nobody noticed
        with self._changing:
            self._view = view
            self._settle()
        self._tell()
        if view.nothing is not Reason.NOT_READY and not self._read.is_set():
            self._read.set()

    def _tell(self) -> None:
        state = self.state
        told = (state.percentage, state.reason, state.record)
        if told == self._told:
            return
        self._told = told
        for listener in self._listeners:
            with suppress(Exception):
                listener(state)

    def _settle(self) -> None:
        """Work out what a decision needs."""
        if self._forced:
            self._share = (_EVERYBODY if self._forced[-1] is Group.TREATMENT else 0, inf, False)
            return
        view, other = self._view, self._runs_another(self._view)
        under_way = view.reason is Reason.SPLIT and not other and view.record is not None and view.record.sequence > 0
        percentage = 0 if other else view.percentage
        self._share = (limit(percentage), view.confirmed + self._max_staleness, bool(self._staff) and under_way)

    def _runs_another(self, view: View) -> bool:
        return self._revision is not None and view.record is not None and view.record.revision != self._revision

    def _state(self, view: View) -> State:
        age = monotonic() - view.confirmed
        if self._forced:
            return State(100 if self._forced[-1] is Group.TREATMENT else 0, Reason.FORCED, view.record, age)
        if view.nothing is not Reason.NOT_READY and age >= self._max_staleness:
            return State(0, Reason.STALE, view.record, age)
        if view.reason is Reason.SPLIT and self._runs_another(view):
            return State(0, Reason.OTHER_REVISION, view.record, age)
        return State(view.percentage, view.reason, view.record, age)


def _is_user(user_id: object) -> bool:
    if not isinstance(user_id, str) or not user_id:
        return False
    try:
        user_id.encode()
    except UnicodeEncodeError:
        return False
    return True
