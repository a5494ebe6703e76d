"""Which cluster this is: asked once, and again where it could not be told."""

import asyncio

from mlrollout.ports import ObjectsError
from mlrollout.runtime.location import locate

from tests.pure.runtime.conftest import Logs
from tests.pure.runtime.small_world import SmallWorld
from tests.support.virtual_time import virtual


@virtual
async def test_it_is_asked_once() -> None:
    found: list[str] = []

    async def ask() -> str:
        return "here"

    assert await locate(ask, found.append) is None
    assert found == ["here"]


@virtual
async def test_where_it_can_t_be_told_the_log_says_so_once_and_it_is_asked_again(logs: Logs) -> None:
    found: list[str] = []
    answers: list[str | Exception] = [ObjectsError("no right"), ObjectsError("no right"), ObjectsError("gone"), "here"]

    async def ask() -> str:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    searching = await locate(ask, found.append)
    assert searching is not None
    await searching
    assert found == ["here"]
    assert [entry["error"] for entry in logs] == ["no right", "gone"]


@virtual
async def test_records_say_the_cluster_as_soon_as_it_is_known() -> None:
    world = SmallWorld()
    place = await world.begun()
    assert world.redis.record.cluster == ""
    place.operator.placed("here")
    await world.until(lambda: world.redis.record.cluster == "here")
    assert world.redis.percentage == "10"
    settled = len(world.redis.accepted)
    await asyncio.sleep(60)
    assert len(world.redis.accepted) == settled
