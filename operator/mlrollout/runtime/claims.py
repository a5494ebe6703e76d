"""Which objects of this cluster name which key: one key has one owner."""

from collections import defaultdict
from collections.abc import Collection

from mlrollout.domain.reason import Reason
from mlrollout.ports import Clock

from .reading import Problem
from .tracked import Standing, TrackedObject

Key = tuple[object, str]
"""The object's own Redis, `None` for the operator's, and the key in it."""
KEPT = 1000
"""Of how many keys it is remembered whose users they had last, after who named them is gone."""


class Claims:
    """An index, so that asking for a conflict costs no look at every other object.

    It remembers whose users a key had: where Redis has lost that after a deletion, nothing else tells an object that is
    made again, and the evidence of earlier users would be taken for its own.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._had: dict[Key, Standing] = {}  # who had users under a key last
        self._keys: dict[TrackedObject, Key] = {}
        self._claimants: defaultdict[Key, set[TrackedObject]] = defaultdict(set)

    def take(self, tracked: TrackedObject) -> None:
        """Take in which key an object names now."""
        key = _key(tracked)
        if self._keys.get(tracked) != key:
            self.drop(tracked)
            if key is not None:
                self._keys[tracked] = key
                self._claimants[key].add(tracked)
                self._remind(tracked, key)

    def drop(self, tracked: TrackedObject) -> Collection[TrackedObject]:
        """Forget an object; answers with those whose key may be free now."""
        key = self._keys.pop(tracked, None)
        if key is None:
            return ()
        self._remember(key, tracked.standing)
        self._claimants[key].discard(tracked)
        others = tuple(self._claimants[key])
        if not others:
            del self._claimants[key]
        return others

    def conflict(self, tracked: TrackedObject) -> Problem | None:
        """Another object that names the same key and was there first."""
        key = self._keys.get(tracked)
        if key is None:
            return None
        first = min(self._claimants[key], key=_rank)
        if first is tracked:
            return None
        message = (
            f"MLRollout {first.ref} has the key {key[1]} already, and one key has one owner: "
            "use another key, or delete that object first"
        )
        return Problem(Reason.KEY_CONFLICT, message)

    def _remember(self, key: Key, standing: Standing) -> None:
        """Remember not what is known now: the key of an object that is gone may be taken to zero only after that."""
        if standing.users is not None:
            self._had.pop(key, None)
            self._had[key] = standing
            if len(self._had) > KEPT:
                del self._had[next(iter(self._had))]

    def _remind(self, tracked: TrackedObject, key: Key) -> None:
        if key in self._had:
            tracked.standing.follow(self._had[key].users, self._clock.now())


def _key(tracked: TrackedObject) -> Key | None:
    if tracked.spec is None:
        return None
    traffic = tracked.spec.traffic
    own = (tracked.ref.namespace, traffic.redis.secret_ref) if traffic.redis is not None else None
    return (own, traffic.key)


def _rank(tracked: TrackedObject) -> tuple[bool, str, str]:
    """The object that stands somewhere already comes first, then the older one."""
    return (tracked.state is None, str(tracked.resource.metadata.get("creationTimestamp", "")), tracked.uid)
