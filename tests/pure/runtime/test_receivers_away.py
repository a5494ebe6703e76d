"""A receiver that is away, slow or refuses loses nothing that can be kept, and keeps nobody waiting."""

import asyncio
from typing import Any

from mlrollout.domain.notices import KEPT
from mlrollout.domain.state import HISTORY
from mlrollout.ports import MessageRefusedError, ReceiverError, Ref
from mlrollout.runtime.notifying.lanes import TRIES
from mlrollout.runtime.notifying.pace import LONGEST_RETRY_AFTER, LONGEST_WAIT
from mlrollout.runtime.sinks.notifications import FAILING_AFTER

from tests.pure.runtime.fates import failing, for_ever
from tests.pure.runtime.notified import AUDIT, AWAY, ONCALL, RISE, SELDOM, broken, world_with
from tests.pure.runtime.specs import spec, stage
from tests.support.virtual_time import virtual


@virtual
async def test_nothing_is_lost_while_a_receiver_is_away_for_an_hour() -> None:
    world = world_with()
    await world.begun(guardrails=[SELDOM], stages=[stage("pilot", 10, "9h")])
    world.phones.away[ONCALL] = AWAY
    await broken(world)
    world.prometheus.value = 0.01
    world.api.annotate("retry", "mended")
    await asyncio.sleep(3600)
    world.phones.away.clear()
    await asyncio.sleep(LONGEST_WAIT + 5)
    assert world.phones.topics(ONCALL) == [*RISE, "RolledBack", *RISE]
    assert [message.dropped for message in world.phones.at(ONCALL)] == [0] * 5


@virtual
async def test_what_the_status_can_not_hold_is_told_as_a_number() -> None:
    world = world_with()
    await world.begun()
    world.phones.away[ONCALL] = AWAY
    for number in range(HISTORY + 10):
        world.api.annotate("pause" if number % 2 == 0 else "resume", f"because {number}")
        await asyncio.sleep(3)
    world.api.annotate("rollback", "enough")
    await world.until(lambda: world.redis.percentage == "0")
    await asyncio.sleep(3)
    first = world.status["history"][0]["serial"]
    world.phones.away.clear()
    await asyncio.sleep(LONGEST_WAIT + 5)
    news = world.phones.at(ONCALL)[2:]
    assert [message.dropped for message in news] == [first - 3, *[0] * (len(news) - 1)]
    assert f"{first - 3} more were dropped" in news[0].text
    assert news[-1].notice.cause == "ManualRollback"


@virtual
async def test_news_of_yesterday_is_dropped_and_counted() -> None:
    world = world_with()
    await world.begun(guardrails=[SELDOM])
    world.phones.away[ONCALL] = AWAY
    await broken(world)
    await asyncio.sleep(KEPT + 60)
    world.phones.away.clear()
    world.prometheus.value = 0.01
    world.api.annotate("retry", "mended")
    await asyncio.sleep(LONGEST_WAIT + 30)
    assert world.phones.topics(ONCALL) == [*RISE, *RISE]
    assert [message.dropped for message in world.phones.at(ONCALL)] == [0, 0, 1, 0]


@virtual
async def test_a_dead_receiver_delays_neither_another_nor_a_rollback() -> None:
    world = world_with(names=("oncall", "audit"))
    await world.begun()

    async def hang_oncall(act: Any) -> Any:
        return act()

    world.phones.fates.always["send"] = hang_oncall
    world.phones.away[ONCALL] = AWAY
    loop = asyncio.get_running_loop()
    began = loop.time()
    await broken(world)
    assert loop.time() - began < 2
    await world.until(lambda: world.phones.topics(AUDIT) == [*RISE, "RolledBack"], within=2)


@virtual
async def test_one_that_hangs_for_one_object_lets_another_object_s_news_through() -> None:
    world = world_with()
    await world.begun()
    other = Ref("dispatch", "other")
    world.phones.fates.next["send"] = [for_ever]
    world.api.annotate("pause", "because")
    await asyncio.sleep(5)
    world.api.apply(spec(traffic={"key": "other"}), other)
    await world.until(lambda: len(world.phones.at(ONCALL)) == 4)
    assert {message.about.name for message in world.phones.at(ONCALL)[2:]} == {"other"}


@virtual
async def test_a_receiver_is_left_alone_for_as_long_as_it_asks() -> None:
    world = world_with()
    await world.begun()
    world.phones.away[ONCALL] = ReceiverError("answered with HTTP 429", retry_after=300.0)
    await broken(world)
    await asyncio.sleep(5)
    tries = world.phones.fates.count["send"]
    await asyncio.sleep(280)
    assert world.phones.fates.count["send"] == tries
    world.phones.away[ONCALL] = ReceiverError("answered with HTTP 429", retry_after=1e9)
    await asyncio.sleep(60)
    world.phones.away.clear()
    await asyncio.sleep(LONGEST_RETRY_AFTER + 60)
    assert world.phones.topics(ONCALL) == [*RISE, "RolledBack"]


@virtual
async def test_a_dead_receiver_is_tried_by_one_lane_however_many_objects_there_are() -> None:
    world = world_with()
    world.start()
    world.phones.away[ONCALL] = AWAY
    for number in range(20):
        one = spec(traffic={"key": f"k{number}"}, guardrails=[SELDOM])
        world.api.apply(one, Ref("dispatch", f"n{number}"))
    await asyncio.sleep(900)
    assert world.phones.fates.count["send"] < 8 + 900 / LONGEST_WAIT + 8
    world.phones.away.clear()
    await asyncio.sleep(LONGEST_WAIT + 10)
    assert len(world.phones.arrived) == 40


@virtual
async def test_a_message_that_is_refused_is_dropped_and_keeps_nothing_back() -> None:
    world = world_with()
    await world.begun()
    world.phones.fates.next["send"] = [failing(MessageRefusedError("answered with HTTP 400"))] * TRIES
    world.api.annotate("pause", "because")
    await asyncio.sleep(60)
    world.api.annotate("rollback", "enough")
    await asyncio.sleep(30)
    assert world.phones.topics(ONCALL) == [*RISE, "StoppedByHand"]
    assert world.phones.at(ONCALL)[-1].notice.cause == "ManualRollback"
    assert [message.dropped for message in world.phones.at(ONCALL)] == [0, 0, 1]


@virtual
async def test_what_can_not_be_sent_at_all_keeps_nothing_back() -> None:
    world = world_with()
    await world.begun()
    world.phones.fates.next["send"] = [failing(KeyError("a bug"))]
    world.api.annotate("pause", "because")
    await asyncio.sleep(10)
    world.api.annotate("rollback", "enough")
    await asyncio.sleep(10)
    assert world.phones.topics(ONCALL) == [*RISE, "StoppedByHand"]


@virtual
async def test_what_a_receiver_failed_over_is_no_complaint_once_it_is_old() -> None:
    world = world_with()
    place = await world.begun(guardrails=[SELDOM])
    world.phones.away[ONCALL] = AWAY
    await broken(world)
    await asyncio.sleep(FAILING_AFTER + 60)
    assert world.told("NotificationFailing")
    await asyncio.sleep(KEPT)
    told = len(world.told("NotificationFailing"))
    await asyncio.sleep(3600)
    assert len(world.told("NotificationFailing")) == told
    assert not place.operator.outbox.under_way
