"""A Redis in memory: the merge of the real one's script, hands, lost data, and pushes to clients."""

import asyncio
from collections.abc import Callable

from mlrollout.domain.claim import Claim
from mlrollout.domain.record import Record
from mlrollout.domain.traffic import Outcome, Traffic, Written

from tests.support import redis_model as model
from tests.support.redis_model import State

from .history import Changed, History, Issued

Push = Callable[[Record], None]
"""Takes in an accepted record."""

_EMPTY = State()


class Redis:
    """One Redis, what its replica had, and who listens.

    Args:
        history: Where changes are recorded.
    """

    def __init__(self, history: History) -> None:
        self._history = history
        self._states: dict[str, State] = {}
        self._past: list[tuple[float, dict[str, State]]] = []
        self._claims: dict[str, tuple[float, Claim]] = {}
        self._expiries: dict[str, asyncio.TimerHandle] = {}
        self.listeners: dict[str, list[Push]] = {}
        self.watchers: list[Callable[[str, Traffic], None]] = []
        """Told of a key's traffic whenever it changes."""

    def read(self, key: str) -> Traffic:
        """What stands under the key."""
        return self._states.get(key, _EMPTY).traffic

    def write(self, issued: Issued, lease: float | None) -> Written:
        """Merge a record, as the script does."""
        write = issued.write
        before = self._states.get(issued.key, _EMPTY)
        outcome, after = model.merge(before, write, leased=lease is not None)
        if outcome is Outcome.APPLIED and lease is not None:
            self._expire(issued.key, lease if after.key_expires else None)
        self._put(issued.by, issued.key, after, issued)
        if outcome is Outcome.APPLIED and after.record != before.record:
            self._publish(issued.key, write.record)
        return Written(outcome, after.traffic)

    def claim(self, key: str, claim: Claim, seconds: float) -> None:
        """Leave word that an object wants the key."""
        self._claims[key] = (asyncio.get_running_loop().time() + seconds, claim)

    def claimed(self, key: str) -> Claim | None:
        """The word that still stands."""
        ends, claim = self._claims.get(key, (0.0, None))
        return claim if asyncio.get_running_loop().time() < ends else None

    # --- hands and weather -------------------------------------------------------------------

    def set_by_hand(self, key: str, text: str | None) -> None:
        """SET the key, or DEL it."""
        state = self._states.get(key, _EMPTY)
        self._put("people", key, State(text, state.record, record_expires=state.record_expires))

    def flush(self) -> None:
        """Lose everything."""
        for key in tuple(self._states):
            self._put("loss", key, _EMPTY)

    def fail_over(self, seconds: float) -> None:
        """Go back to what a replica had heard of so many seconds ago."""
        now = asyncio.get_running_loop().time()
        older = [states for at, states in self._past if at <= now - seconds]
        replica = older[-1] if older else {}
        for key in {**self._states, **replica}:
            self._put("failover", key, replica.get(key, _EMPTY))

    # --- how it is kept ----------------------------------------------------------------------

    def _put(self, by: str, key: str, after: State, cause: Issued | None = None) -> None:
        before = self._states.get(key, _EMPTY)
        if after == before:
            return
        now = asyncio.get_running_loop().time()
        self._states[key] = after
        self._past.append((now, dict(self._states)))
        if (after.key, after.record) != (before.key, before.record):
            self._history.append(Changed(now, by, key, before.traffic, after.traffic, cause))
            for watcher in self.watchers:
                watcher(key, after.traffic)

    def _expire(self, key: str, lease: float | None) -> None:
        running = self._expiries.pop(key, None)
        if running is not None:
            running.cancel()
        if lease is not None:
            loop = asyncio.get_running_loop()
            self._expiries[key] = loop.call_later(lease, self._expired, key)

    def _expired(self, key: str) -> None:
        state = self._states.get(key, _EMPTY)
        kept = State(None if state.key_expires else state.key, None if state.record_expires else state.record)
        self._put("expiry", key, kept)

    def _publish(self, key: str, record: Record) -> None:
        for push in self.listeners.get(key, ()):
            push(record)
