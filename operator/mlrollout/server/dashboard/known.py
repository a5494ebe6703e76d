"""What is known of the objects: one copy for everybody who watches, with a number for each change.

Who waits keeps the number of what they have seen; nothing is queued for anybody. So whoever is slow misses what came in
between, which says nothing that the last does not, and holds nobody up.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import structlog

from mlrollout.glance.advice import advise
from mlrollout.glance.fields import Fields
from mlrollout.glance.rollout import Glance, glance
from mlrollout.ports import Object, Ref

from .details import detail
from .lines import at_once, line
from .models import RolloutDetail, RolloutLine
from .offers import offers

log = structlog.get_logger(__name__)


class KnownRollout:
    """An object as it was last seen, and what is shown of it; each is made once, however many watch.

    Args:
        found: The object.
        now: When it was seen, seconds since the epoch.
        version: The number of the change that brought it.
    """

    def __init__(self, found: Object, now: float, version: int) -> None:
        self.found = _slim(found)
        self.seen = glance(self.found, now)
        self.version = version
        self._lines: dict[bool, str] = {}
        self._details: dict[bool, RolloutDetail] = {}

    @property
    def uid(self) -> str:
        """The object's uid."""
        return uid_of(self.found)

    def line(self, *, may_act: bool) -> str:
        """Its line as JSON, for whoever may or may not ask for verbs."""
        if may_act not in self._lines:
            self._lines[may_act] = self._line(may_act=may_act).text()
        return self._lines[may_act]

    def detail(self, *, may_act: bool) -> RolloutDetail:
        """All of it, likewise."""
        if may_act not in self._details:
            offered = offers(self.found, self.seen.now) if may_act else ()
            self._details[may_act] = detail(self.found, self.seen, advise(self.seen), offered)
        return self._details[may_act]

    def looks_other(self, now: float) -> bool:
        """Whether it looks otherwise by now although nothing was written: its operator has fallen silent."""
        return _face(glance(self.found, now)) != _face(self.seen)

    def _line(self, *, may_act: bool) -> RolloutLine:
        return line(self.found, self.seen, advise(self.seen), at_once(self.seen) if may_act else ())


class KnownRollouts:
    """All objects as they were last seen, and how old that is.

    Args:
        clock: The time by which ages are told, seconds since the epoch.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._known: OrderedDict[Ref, KnownRollout] = OrderedDict()
        self._waiting: set[asyncio.Event] = set()
        self.version = 0
        self.removed = 0
        """The number of the last change that took an object away."""
        self.heard: float | None = None
        """When the API server was last heard, seconds since the epoch."""
        self.why = "the API server was not heard yet"
        """Why nothing newer can be known; empty where it can."""
        self.closed = False
        """Whether nothing will ever be known any more: the process ends."""

    @property
    def live(self) -> bool:
        """Whether what is known follows the cluster now."""
        return not self.why

    def get(self, ref: Ref) -> KnownRollout | None:
        """One of them."""
        return self._known.get(ref)

    def refs(self) -> Sequence[Ref]:
        """Which there are."""
        return tuple(self._known)

    def __contains__(self, ref: object) -> bool:
        return ref in self._known

    def since(self, version: int) -> Sequence[tuple[Ref, KnownRollout]]:
        """Those that have changed after a version, the first change first."""
        found = []
        for ref, known in reversed(self._known.items()):
            if known.version <= version:
                break
            found.append((ref, known))
        return found[::-1]

    @contextmanager
    def waiting(self) -> Iterator[asyncio.Event]:
        """An event that is set at each change, as long as the block lasts."""
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            yield event
        finally:
            self._waiting.discard(event)

    # --- what the watch writes ---------------------------------------------------------------

    async def replace(self, objects: Sequence[Object]) -> None:
        """Know these objects and no others. Others get their turn meanwhile: a thousand take a while."""
        there = {ref_of(one): one for one in objects}
        for ref in [ref for ref in self._known if ref not in there]:
            self._remove(ref)
        for ref, found in there.items():
            known = self._known.get(ref)
            if known is None or version_of(known.found) != version_of(found):
                self.put(ref, found)
                await asyncio.sleep(0)
        self.hear()

    def put(self, ref: Ref, found: Object) -> None:
        """An object is new, or has changed. One that can't be understood is not known, and takes no other away."""
        self.version += 1
        try:
            self._known[ref] = KnownRollout(found, self._clock(), self.version)
        except Exception as error:  # noqa: BLE001 - whatever somebody has put into it
            log.error("A rollout can't be shown", object=str(ref), error=type(error).__name__)  # noqa: TRY400 - its text may quote it
            if self._known.pop(ref, None) is not None:
                self.removed = self.version
        else:
            self._known.move_to_end(ref)
        self._wake()

    def remove(self, ref: Ref, uid: str) -> None:
        """An object is gone; another of the same name stays."""
        if ref in self._known and self._known[ref].uid == uid:
            self._remove(ref)
            self._wake()

    def hear(self) -> None:
        """The API server was heard just now."""
        self.heard = self._clock()
        if self.why:
            self.why = ""
            self._wake()

    def fail(self, why: str) -> None:
        """Nothing newer can be known."""
        self.why = why
        self._wake()

    def close(self) -> None:
        """Let everybody who waits go."""
        self.closed = True
        self._wake()

    def look_again(self, ref: Ref) -> None:
        """Show an object anew if it looks otherwise by now."""
        known = self._known.get(ref)
        if known is not None and known.looks_other(self._clock()):
            self.put(ref, known.found)

    def _remove(self, ref: Ref) -> None:
        self.version += 1
        self.removed = self.version
        del self._known[ref]

    def _wake(self) -> None:
        for event in self._waiting:
            event.set()


def ref_of(found: Object) -> Ref:
    """Which object this is."""
    metadata = Fields(found).part("metadata")
    return Ref(metadata.text("namespace"), metadata.text("name"))


def uid_of(found: Object) -> str:
    """Its uid."""
    return Fields(found).part("metadata").text("uid")


def version_of(found: Object) -> str:
    """Its resourceVersion."""
    return Fields(found).part("metadata").text("resourceVersion")


def _face(seen: Glance) -> tuple[object, ...]:
    return seen.state, seen.tone, seen.silent is None


def _slim(found: Object) -> Object:
    """The object without most of its managed fields, which are half of it, and of which only the times are read."""
    metadata = Fields(found).mapping("metadata")
    written = Fields(metadata).parts("managedFields")
    kept = [{"time": one.text("time"), "subresource": one.text("subresource")} for one in written]
    return {**found, "metadata": {**metadata, "managedFields": kept}}
