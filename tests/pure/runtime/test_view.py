"""The view of the objects: kept young by a watch and by lists, and old, but not forgotten, where it can't be."""

import asyncio
from collections.abc import Awaitable, Callable

from mlrollout.ports import ObjectsError
from mlrollout.runtime.metrics import OperatorMetrics
from mlrollout.runtime.view import LONGEST_PAUSE, OLD, PROBE, RELIST, SILENT, OnObject, Stands, View
from structlog.testing import capture_logs

from tests.pure.runtime.fates import failing
from tests.pure.runtime.small_world import Place, SmallWorld
from tests.pure.runtime.specs import REF, spec
from tests.support.virtual_time import virtual

SOON = PROBE + LONGEST_PAUSE

Life = Callable[[OnObject, Stands], Awaitable[None]]


async def stands(_: OnObject, tell: Stands) -> None:
    tell(True)  # noqa: FBT003 - the callback's only argument
    await asyncio.Event().wait()


async def breaks(_: OnObject, __: Stands) -> None:
    raise RuntimeError("a text that may quote what was answered")


async def idles(_: OnObject, __: Stands) -> None:
    await asyncio.Event().wait()


class Seeing:
    """A process of the small world, deaf but for its view."""

    def __init__(self, *lives: Life) -> None:
        self.world = SmallWorld()
        self.place: Place = self.world.start(leads=False)
        self.place.deaf = True
        self.metrics = OperatorMetrics()
        self.begun: list[float] = []
        """When each life of the watch began."""
        self._lives = lives
        self.view = View(
            self.place.operator, self.world.api, self._watching, self.world, self.metrics, jitter=lambda: 0.0
        )
        self._tasks = [asyncio.ensure_future(self.view.keep()), asyncio.ensure_future(self.view.watch())]

    async def _watching(self, heard: OnObject, tell: Stands) -> None:
        life = self._lives[min(len(self.begun), len(self._lives) - 1)]
        self.begun.append(asyncio.get_running_loop().time())
        await life(heard, tell)

    @property
    def lists(self) -> int:
        return self.world.api.fates.count["read_all"]

    @property
    def probes(self) -> int:
        return self.world.api.fates.count["probe"]

    def break_lists(self) -> None:
        for call in ("read_all", "probe"):
            self.world.api.fates.always[call] = failing(ObjectsError("Could not list: answered 503."))

    def mend_lists(self) -> None:
        self.world.api.fates.always.clear()


@virtual
async def test_what_is_listed_is_known() -> None:
    seeing = Seeing(stands)
    seeing.world.api.apply(spec())
    await seeing.view.listed.wait()
    assert REF in seeing.place.operator.tracked_objects
    assert seeing.view.missing() == ""


@virtual
async def test_what_the_watch_says_is_known_and_what_it_ends_is_not() -> None:
    heard_by: list[OnObject] = []

    async def hands_out(heard: OnObject, tell: Stands) -> None:
        heard_by.append(heard)
        await stands(heard, tell)

    seeing = Seeing(hands_out)
    await asyncio.sleep(2 * SOON)
    seeing.world.api.apply(spec())
    heard_by[0]("ADDED", seeing.world.api.objects[REF])
    assert REF in seeing.place.operator.tracked_objects
    heard_by[0]("DELETED", seeing.world.api.objects[REF])
    assert REF not in seeing.place.operator.tracked_objects


@virtual
async def test_while_the_watch_stands_the_objects_are_seldom_listed() -> None:
    seeing = Seeing(stands)
    await asyncio.sleep(SOON)
    lists, probes = seeing.lists, seeing.probes
    await asyncio.sleep(RELIST - 2 * SOON)
    assert seeing.lists == lists
    assert seeing.probes > probes + (RELIST - 2 * SOON) / (2 * PROBE)
    await asyncio.sleep(2 * SOON)
    assert seeing.lists == lists + 1


@virtual
async def test_while_the_watch_can_not_be_had_the_objects_are_listed_instead() -> None:
    seeing = Seeing(breaks)
    await asyncio.sleep(60)
    seeing.world.api.apply(spec())
    await asyncio.sleep(SOON)
    assert REF in seeing.place.operator.tracked_objects
    assert seeing.view.missing() == ""
    assert seeing.probes == 0


@virtual
async def test_a_watch_that_ends_is_begun_anew_with_growing_pauses() -> None:
    seeing = Seeing(breaks)
    await asyncio.sleep(60)
    pauses = [later - earlier for earlier, later in zip(seeing.begun, seeing.begun[1:], strict=False)]
    assert pauses == sorted(pauses)
    assert pauses[0] < pauses[-1] == LONGEST_PAUSE


@virtual
async def test_a_watch_that_stood_for_long_is_begun_anew_at_once() -> None:
    async def stands_for_long(_: OnObject, tell: Stands) -> None:
        tell(True)  # noqa: FBT003 - the callback's only argument
        await asyncio.sleep(3600)

    seeing = Seeing(breaks, breaks, breaks, breaks, breaks, stands_for_long, stands)
    await asyncio.sleep(2 * 3600)
    assert len(seeing.begun) == 7
    assert seeing.begun[6] - (seeing.begun[5] + 3600) < 1


@virtual
async def test_after_the_end_of_a_watch_everything_is_listed() -> None:
    """What happened between two watches was heard by neither."""

    async def ends(_: OnObject, tell: Stands) -> None:
        tell(True)  # noqa: FBT003 - the callback's only argument
        await asyncio.sleep(30)
        seeing.world.api.remove()

    seeing = Seeing(ends, stands)
    seeing.world.api.apply(spec())
    await seeing.view.listed.wait()
    assert REF in seeing.place.operator.tracked_objects
    await asyncio.sleep(30 + SOON)
    assert REF not in seeing.place.operator.tracked_objects


@virtual
async def test_a_watch_that_never_stands_is_begun_anew() -> None:
    seeing = Seeing(idles, stands)
    await asyncio.sleep(2 * SILENT + SOON)
    assert len(seeing.begun) == 2
    assert seeing.view.watched


@virtual
async def test_a_watch_that_falls_and_does_not_end_is_begun_anew() -> None:
    async def falls(_: OnObject, tell: Stands) -> None:
        tell(True)  # noqa: FBT003 - the callback's only argument
        await asyncio.sleep(100)
        tell(False)  # noqa: FBT003 - likewise
        await asyncio.Event().wait()

    seeing = Seeing(falls, stands)
    await asyncio.sleep(100 + 3 * SILENT)
    assert len(seeing.begun) == 2


@virtual
async def test_an_old_view_is_told_with_its_age_and_forgets_nothing() -> None:
    seeing = Seeing(stands)
    seeing.world.api.apply(spec())
    await seeing.view.listed.wait()
    seeing.break_lists()
    await asyncio.sleep(OLD / 2)
    assert seeing.view.missing() == ""
    await asyncio.sleep(3600)
    missing = seeing.view.missing()
    assert missing.startswith("the view of the MLRollout objects is old: since 2027-01-15T08:0")
    assert "answered 503" in missing
    assert "known of 1 of them goes on being guarded" in missing
    assert 3600 < seeing.view.age < 3600 + OLD
    assert f"mlrollout_view_age_seconds {seeing.view.age}" in seeing.metrics.render().decode()
    assert REF in seeing.place.operator.tracked_objects

    seeing.mend_lists()
    await asyncio.sleep(SOON)
    assert seeing.view.missing() == ""
    assert seeing.view.age < SOON


@virtual
async def test_an_old_view_is_told_once_and_then_rarely() -> None:
    with capture_logs() as logs:
        seeing = Seeing(stands)
        await seeing.view.listed.wait()
        seeing.break_lists()
        await asyncio.sleep(3600)
        seeing.mend_lists()
        await asyncio.sleep(SOON)
    told = [line for line in logs if line["event"].startswith("The objects can't be seen")]
    assert 2 <= len(told) <= 8
    assert told[0]["seconds"] <= SOON
    assert told[0]["cause"] == "Could not list: answered 503."
    assert [line["event"] for line in logs].count("The objects are seen again") == 1


@virtual
async def test_what_is_no_error_of_a_port_makes_the_view_old_and_ends_nothing() -> None:
    with capture_logs():
        seeing = Seeing(stands)
        seeing.world.api.fates.always["read_all"] = failing(KeyError("a text that may quote what was answered"))
        await asyncio.sleep(60)
        assert "an unexpected KeyError" in seeing.view.missing()
        assert "quote" not in seeing.view.missing()
        seeing.mend_lists()
        await asyncio.sleep(SOON)
        assert seeing.view.missing() == ""


@virtual
async def test_one_that_has_never_seen_anything_says_so_and_begins_the_moment_it_can() -> None:
    with capture_logs():
        seeing = Seeing(stands)
        seeing.break_lists()
        seeing.world.api.apply(spec())
        await asyncio.sleep(600)
        assert seeing.view.missing().startswith("the MLRollout objects have not been read yet, since the start at 2027")
        assert seeing.view.age == 600
        seeing.mend_lists()
        await asyncio.sleep(SOON)
        assert seeing.view.missing() == ""
        assert REF in seeing.place.operator.tracked_objects


@virtual
async def test_where_the_objects_can_not_be_listed_for_long_they_are_watched_all_the_same() -> None:
    """A list may be too long for its time, and changes are to be heard."""

    async def hands_over(heard: OnObject, tell: Stands) -> None:
        heard("ADDED", seeing.world.api.objects[REF])
        await stands(heard, tell)

    with capture_logs():
        seeing = Seeing(hands_over)
        seeing.break_lists()
        seeing.world.api.apply(spec())
        await asyncio.sleep(2 * SILENT)
        assert REF in seeing.place.operator.tracked_objects
        assert seeing.view.missing()


@virtual
async def test_after_a_trouble_everything_is_listed() -> None:
    """A connection may be as good as dead, and whoever holds it not know it."""
    seeing = Seeing(stands)
    await asyncio.sleep(SOON)
    seeing.break_lists()
    await asyncio.sleep(60)
    seeing.world.api.apply(spec())
    seeing.mend_lists()
    await asyncio.sleep(SOON)
    assert REF in seeing.place.operator.tracked_objects


@virtual
async def test_what_is_doubted_is_listed_soon() -> None:
    seeing = Seeing(stands)
    await asyncio.sleep(2 * SOON)
    lists = seeing.lists
    seeing.world.api.apply(spec())
    seeing.view.doubt()
    await asyncio.sleep(PROBE / 2)
    assert REF in seeing.place.operator.tracked_objects
    assert seeing.lists == lists + 1


@virtual
async def test_doubts_without_end_do_not_make_it_spin() -> None:
    seeing = Seeing(stands)
    await asyncio.sleep(2 * SOON)
    lists = seeing.lists
    for _ in range(1000):
        seeing.view.doubt()
        await asyncio.sleep(0.01)
    assert seeing.lists - lists < 30
