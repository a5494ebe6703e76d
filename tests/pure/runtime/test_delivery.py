"""What is told to a receiver arrives in its order, and one that fails delays nobody else."""

import asyncio
from collections import defaultdict

import structlog
from mlrollout.ports import ObjectsError, Ref
from mlrollout.runtime.delivery import GIVEN_UP_AFTER, Delivery
from mlrollout.runtime.tracked import TrackedObject

from tests.support.virtual_time import virtual

ONE = TrackedObject(Ref("dispatch", "one"))
OTHER = TrackedObject(Ref("dispatch", "other"))


class Receiver:
    """Remembers what arrived, and when; fails or hangs as long as it is told to."""

    def __init__(self, *, at_once: int = 8) -> None:
        self.arrived: list[tuple[str, str]] = []
        self.tries: defaultdict[str, int] = defaultdict(int)
        self.failing: dict[str, Exception] = {}
        self.hanging: set[str] = set()
        self.delivery = Delivery(self._receive, at_once=at_once)

    async def _receive(self, tracked: TrackedObject, item: str) -> None:
        self.tries[item] += 1
        while item in self.hanging:  # noqa: ASYNC110 - of virtual time there is enough
            await asyncio.sleep(1)
        if item in self.failing:
            raise self.failing[item]
        self.arrived.append((tracked.ref.name, item))


@virtual
async def test_everything_arrives_in_its_order() -> None:
    receiver = Receiver()
    for item in "abc":
        receiver.delivery.add(ONE, item)
    await asyncio.sleep(1)
    receiver.delivery.add(ONE, "d")
    await asyncio.sleep(1)
    assert receiver.arrived == [("one", item) for item in "abcd"]
    assert not receiver.delivery.tasks


@virtual
async def test_what_fails_is_tried_again_and_keeps_its_place() -> None:
    receiver = Receiver()
    receiver.failing["a"] = ObjectsError("away")
    for item in "ab":
        receiver.delivery.add(ONE, item)
    await asyncio.sleep(20)
    assert receiver.arrived == []
    assert receiver.tries["a"] in range(3, 7)
    receiver.failing.clear()
    await asyncio.sleep(60)
    assert receiver.arrived == [("one", "a"), ("one", "b")]


@virtual
async def test_what_fails_for_long_is_given_up_and_what_came_after_it_is_tried() -> None:
    receiver = Receiver()
    receiver.failing["a"] = ObjectsError("refused")
    for item in "ab":
        receiver.delivery.add(ONE, item)
    await asyncio.sleep(GIVEN_UP_AFTER + 60)
    assert receiver.arrived == [("one", "b")]
    assert receiver.tries["a"] < 20
    assert not receiver.delivery.tasks


@virtual
async def test_what_can_not_be_delivered_at_all_keeps_nothing_back() -> None:
    receiver = Receiver()
    receiver.failing["a"] = KeyError("a bug")
    with structlog.testing.capture_logs() as logs:
        for item in "ab":
            receiver.delivery.add(ONE, item)
        await asyncio.sleep(1)
    assert receiver.arrived == [("one", "b")]
    assert [entry["log_level"] for entry in logs] == ["error"]


@virtual
async def test_no_object_waits_for_another() -> None:
    receiver = Receiver()
    receiver.hanging.add("a")
    receiver.failing["b"] = ObjectsError("away")
    receiver.delivery.add(ONE, "a")
    receiver.delivery.add(OTHER, "c")
    receiver.delivery.add(OTHER, "b")
    await asyncio.sleep(1)
    assert receiver.arrived == [("other", "c")]


@virtual
async def test_only_so_many_are_delivered_at_the_same_time() -> None:
    receiver = Receiver(at_once=1)
    receiver.hanging.add("a")
    receiver.delivery.add(ONE, "a")
    receiver.delivery.add(OTHER, "b")
    await asyncio.sleep(1)
    assert dict(receiver.tries) == {"a": 1}
    receiver.hanging.clear()
    await asyncio.sleep(2)
    assert receiver.arrived == [("one", "a"), ("other", "b")]
