"""The application's face of a rollout: who gets which path."""

import asyncio
import logging
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from math import inf
from time import monotonic
from typing import Self

import mmh3

from mlrollout.redis_common.address import Tls, parse

from . import arguments
from .bucket import HOLDBACK, Group, limit
from .exposed import Exposure, ExposureCounts, Exposures
from .forks import begin_here, begin_in_children
from .ids import LONGEST, UserId, text_of, trouble_with
from .last_known import LastKnown
from .listeners import Listeners
from .overrides import Overrides
from .reader import Reader
from .readiness import Readiness
from .special import Special
from .state import Assignment, State
from .view import MAX_STALENESS, UNDER_WAY, Reason, TrafficView

log = logging.getLogger("mlrollout")

_hash = mmh3.mmh3_32_uintdigest  # of bytes alone, see `bucket.hashed`
_EVERYBODY = limit(100)
_MOST_ODD = 16
"""Kinds of wrong ids that are logged; further kinds are not."""


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
        staff: Ids of users who get treatment before everybody else, as long as the percentage in force is above 0,
            however little it is; whatever takes it to 0 takes them out, too.
        overrides: Groups that are given to single users by hand: for testers.
        on_exposure: Is called with an `Exposure` once for each user, group and attempt while a rollout is under way, by
            a thread of its own, after the decision. What it raises is counted (`exposures`) and logged.
        last_known: A file with what was last known, for a start while Redis is away.
        max_staleness: Seconds after which what was last read counts no more.
        poll: Seconds between two reads, give or take a fifth; pushes come besides.
        tls: Files for the schemes with TLS; without them, the system's authorities are trusted.

    Raises:
        TypeError: Something is of another kind than it must be.
        ValueError: The URL can't be read, a text is empty, or a number makes no sense.
    """

    def __init__(  # noqa: PLR0913 - an application names those that it wants
        self,
        key: str,
        *,
        redis: str,
        salt: str | None = None,
        revision: str | None = None,
        staff: Collection[UserId] = (),
        overrides: Overrides | None = None,
        on_exposure: Callable[[Exposure], None] | None = None,
        last_known: LastKnown | None = None,
        max_staleness: float = MAX_STALENESS,
        poll: float = 2.0,
        tls: Tls | None = None,
    ) -> None:
        if not arguments.seconds("poll", poll) < arguments.seconds("max_staleness", max_staleness):
            raise ValueError(
                f"poll ({poll:g} s) must be shorter than max_staleness ({max_staleness:g} s): between two reads, "
                "everybody would be in control"
            )
        self.key = arguments.text("key", key, "ml_dispatch:rollout_percentage")
        self.salt = arguments.optional("salt", salt, "ml_dispatch_v1") or key
        self._address = parse(arguments.text("redis", redis, "redis://redis:6379/0"))
        self._tls = arguments.instance("tls", tls, Tls) or Tls()
        self._revision = arguments.optional("revision", revision, "ranker-2026-11-03")
        self._exposures = Exposures(on_exposure) if on_exposure is not None else None
        overrides = arguments.instance("overrides", overrides, Overrides)
        self._special = Special(arguments.ids("staff", staff), overrides, self._exposures)
        self._last_known = arguments.instance("last_known", last_known, LastKnown)
        self._max_staleness = max_staleness
        self._poll = poll
        self._salted = f"{self.salt}:".encode()
        self._held = f"{self.salt}{HOLDBACK}:".encode()
        self._longest = len(self._salted) + LONGEST
        self._forced: list[Group] = []
        self._listeners = Listeners()
        self._odd_ids: set[str] = set()
        self._view = TrafficView(max_staleness=max_staleness)
        if last_known is not None:
            self._view = last_known.begin(key, self._view)
        self._share: tuple[int, float, Special | None] = (0, -inf, None)
        """What a decision needs, in one piece: the limit of hashes in treatment, until when, and what is special."""
        self._closed = False
        self.begin()
        begin_in_children(self, first=True)

    # --- deciding ----------------------------------------------------------------------------

    def group(self, user_id: UserId) -> Group:
        """The user's group now. Whatever is wrong, the answer is control, and never an exception.

        Args:
            user_id: Any text that stays the user's own, of at most 1024 bytes in UTF-8; or a whole number or a UUID,
                which is the user of its canonical text. Everything else is nobody.
        """
        hashes, until, special = self._share
        try:
            text = user_id if type(user_id) is str else text_of(user_id)
            if special is None and text is not None and monotonic() < until:
                salted = self._salted + text.encode()
                if not _hash(salted) < hashes:
                    return Group.CONTROL
                if len(self._salted) < len(salted) <= self._longest:
                    return Group.TREATMENT
        except Exception:  # noqa: BLE001, S110 - whatever was given for an id, the application goes on
            pass
        return self._decide(user_id)[0]

    def assign(self, user_id: UserId, *, revision: str | None = None) -> Assignment:
        """The user's group now, and what it is based on.

        Args:
            user_id: The user's id.
            revision: The revision that the caller runs, where that is another process than this one.
        """
        state = self.state
        record = state.record if revision is not None and state.reason in UNDER_WAY else None
        group, reason = self._decide(user_id, runs_another=record is not None and record.revision != revision)
        return Assignment(group, reason or state.reason, state)

    def overrides(self, user_id: UserId) -> bool:
        """Whether the application decides for this user by `Overrides`, be it in force now or not."""
        given, text = self._special.overrides, text_of(user_id)
        return given is not None and text is not None and given.of(text) is not None

    def _decide(self, user_id: object, *, runs_another: bool = False) -> tuple[Group, Reason | None]:
        """The group, and why; `None` for the reason where it is the rollout's own."""
        if monotonic() >= self._share[1]:
            begin_here()  # where nothing is known any more, it may be that nobody follows in this process
        hashes, until, special = self._share
        text = text_of(user_id)
        if text is None:
            self._tell_odd(user_id)
            return Group.CONTROL, Reason.NO_USER
        counts = monotonic() < until and not runs_another
        chosen = special.chosen(text, counts=counts) if special is not None else None
        if chosen is not None:
            return chosen, Reason.OVERRIDE
        if not counts:
            return Group.CONTROL, Reason.OTHER_REVISION if runs_another else None
        reason = self._apart(special, text) if special is not None else None
        treated = reason is Reason.STAFF or (reason is None and _hash(self._salted + text.encode()) < hashes)
        group = Group.TREATMENT if treated else Group.CONTROL
        if special is not None:
            special.expose(text, group, reason or Reason.SPLIT)
        return group, reason

    def _apart(self, special: Special, text: str) -> Reason | None:
        """Why the percentage does not decide for this user; `None` where it does."""
        if text in special.staff:
            return Reason.STAFF
        held = special.held and _hash(self._held + text.encode()) < special.held
        return Reason.HOLDBACK if held else None

    def _tell_odd(self, user_id: object) -> None:
        kind = trouble_with(user_id)
        if kind not in self._odd_ids and len(self._odd_ids) < _MOST_ODD:
            self._odd_ids.add(kind)
            log.warning("A user id is nobody's, so it is control: %s", kind)

    # --- what is known -----------------------------------------------------------------------

    @property
    def state(self) -> State:
        """What decisions are based on now."""
        begin_here()
        return self._state(self._view)

    @property
    def percentage(self) -> int:
        """The share of users in treatment now, 0 to 100."""
        return self.state.percentage

    @property
    def ready(self) -> bool:
        """Whether Redis has been read."""
        begin_here()  # a worker that is asked for nothing else before it is ready would never be
        return self._read.ready

    @property
    def revision(self) -> str | None:
        """The revision that this process runs; `None` where it is not asked for."""
        return self._revision

    @revision.setter
    def revision(self, revision: str | None) -> None:
        begin_here()
        with self._changing:
            self._revision = arguments.optional("revision", revision, "ranker-2026-11-03")
            self._settle()

    @property
    def exposures(self) -> ExposureCounts | None:
        """What became of the calls of `on_exposure`, in this process; `None` where there is none."""
        return None if self._exposures is None else self._exposures.counts

    def wait_ready(self, timeout: float | None = None) -> bool:
        """Wait until Redis has been read, or the rollout is closed.

        Args:
            timeout: Seconds to wait at most; `None` for no end.

        Returns:
            Whether it has been read.
        """
        begin_here()
        return self._read.wait(timeout)

    async def wait_ready_async(self, timeout: float | None = None) -> bool:  # noqa: ASYNC109 - as without asyncio
        """Likewise, for asyncio; it needs no thread, and a cancellation ends it."""
        begin_here()
        return await self._read.wait_async(timeout)

    def on_change(self, listener: Callable[[State], None]) -> Callable[[], None]:
        """Have a function called whenever percentage, reason or record have changed.

        It is called in the thread that follows Redis, once at a time: it must not wait.

        Returns:
            A function that ends it.

        Raises:
            TypeError: It is none.
        """
        if not callable(listener):
            raise TypeError(
                f"on_change takes a function of a State, and not something of type {type(listener).__name__}"
            )
        return self._listeners.add(listener)

    # --- deciding by hand --------------------------------------------------------------------

    @contextmanager
    def force(self, group: Group | str) -> Iterator[None]:
        """Have everybody in this group meanwhile, in every thread: for tests and demonstrations.

        Raises:
            ValueError: There is no such group.
        """
        group = Group(group)
        begin_here()
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
        begin_here()  # or what nobody in this process can release would be waited for
        self._closed = True
        self._read.close()  # first: whoever waits must not wait for what comes next
        self._reader.stop()
        if self._exposures is not None:
            self._exposures.close()
        with self._changing:
            self._view = TrafficView(max_staleness=self._max_staleness)
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
        """Begin to follow, from what is known. Called when it is made, and in each process forked from that one."""
        self._changing = threading.RLock()
        self._read = Readiness()
        if self._view.nothing is not Reason.NOT_READY and self._view.remembered is None:
            self._read.set()
        self._reader = Reader(self._address, self._tls, self.key, poll=self._poll, seen=self._see, view=self._view)
        self._settle()
        if self._closed:
            self._read.close()
        else:
            self._reader.start()

    # --- following ---------------------------------------------------------------------------

    def _see(self, view: TrafficView) -> None:
        self._listeners.tell(self.state)  # what was known may have become too old meanwhile, and nobody noticed
        with self._changing:
            if self._closed:
                return  # by a connection that took longer than whoever closed it waited
            self._view = view
            self._settle()
        self._listeners.tell(self.state)
        if view.nothing is not Reason.NOT_READY and view.remembered is None and not self._read.ready:
            self._read.set()
        if self._last_known is not None and not self._closed:
            self._last_known.keep(self.key, view)

    def _settle(self) -> None:
        """Set what `group` reads, from the view or from `forced`."""
        if self._forced:
            self._share = (_EVERYBODY if self._forced[-1] is Group.TREATMENT else 0, inf, None)
            return
        view, other = self._view, self._runs_another(self._view)
        special = None if self._closed else self._special.under(view, runs_another=other)
        self._share = (limit(0 if other else view.percentage), view.until, special)

    def _runs_another(self, view: TrafficView) -> bool:
        return self._revision is not None and view.record is not None and view.record.revision != self._revision

    def _state(self, view: TrafficView) -> State:
        age = monotonic() - view.confirmed
        if self._forced:
            return State(100 if self._forced[-1] is Group.TREATMENT else 0, Reason.FORCED, view.record, age)
        if view.nothing is not Reason.NOT_READY and monotonic() >= view.until:
            return State(0, Reason.STALE, view.record, age)
        if view.reason in UNDER_WAY and self._runs_another(view):
            return State(0, Reason.OTHER_REVISION, view.record, age)
        holdback = view.holdback if view.reason in UNDER_WAY else 0
        return State(view.percentage, view.reason, view.record, age, holdback)
