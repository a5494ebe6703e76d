"""Receivers are told each piece of news at least once, in order, under one id; and nobody waits for any of them."""

import asyncio

from mlrollout.notify.config import NotificationConfig
from mlrollout.ports import WordingError
from mlrollout.runtime.notifying.pace import LONGEST_WAIT
from mlrollout.runtime.sinks.notifications import COMES_BACK, SETTLES

from tests.pure.runtime.fates import API_DOWN, REDIS_DOWN, Held, failing, for_ever
from tests.pure.runtime.notified import ALERTING, AUDIT, AWAY, ONCALL, RISE, broken, config, ids, kept, world_with
from tests.pure.runtime.small_world import Place, SmallWorld
from tests.pure.runtime.specs import KEY, REF, spec, stage
from tests.support.virtual_time import virtual


@virtual
async def test_a_rollout_s_life_is_told_in_its_order() -> None:
    world = world_with()
    await world.begun()
    await broken(world)
    await asyncio.sleep(5)
    assert world.phones.topics(ONCALL) == [*RISE, "RolledBack"]
    assert len(set(ids(world.phones.at(ONCALL)))) == 3
    last = world.phones.at(ONCALL)[-1]
    assert "0.5 is above max 0.05" in last.text
    assert last.title == "dispatch/ml-dispatch ROLLED BACK 10 % → 0 %"
    assert kept(world)["operator/oncall"] == {"name": "operator/oncall", "serial": world.status["serial"]}


@virtual
async def test_an_object_without_receivers_has_nothing_of_them_in_its_status() -> None:
    world = world_with("routes: [{receivers: [oncall], namespaces: [elsewhere]}]")
    await world.begun()
    await broken(world)
    await asyncio.sleep(5)
    assert world.phones.arrived == []
    assert not {"receivers", "ongoing"} & world.status.keys()


@virtual
async def test_what_was_told_is_not_told_again_after_a_restart() -> None:
    world = world_with()
    place = await world.begun()
    await place.end()
    world.start()
    await asyncio.sleep(60)
    assert world.phones.topics(ONCALL) == RISE


@virtual
async def test_a_crash_between_the_delivery_and_the_cursor_tells_again_under_the_same_id() -> None:
    world = world_with()
    place = await world.begun()
    world.phones.fates.next["send"] = [held := Held()]
    await broken(world)
    await held.reached.wait()
    await place.end()
    world.start()
    await asyncio.sleep(5)
    assert world.phones.topics(ONCALL) == [*RISE, "RolledBack", "RolledBack"]
    first, again = ids(world.phones.at(ONCALL))[-2:]
    assert first == again


@virtual
async def test_a_crash_before_the_delivery_loses_nothing() -> None:
    world = world_with()
    place = await world.begun()
    world.phones.fates.next["send"] = [for_ever]
    await broken(world)
    await asyncio.sleep(5)
    await place.end()
    await asyncio.sleep(3600)
    world.start()
    await asyncio.sleep(5)
    assert world.phones.topics(ONCALL) == [*RISE, "RolledBack"]


@virtual
async def test_a_standby_tells_nobody_and_goes_on_where_the_leader_stopped() -> None:
    world = world_with()
    place, standby = world.start(), world.start(leads=False)
    world.api.apply(spec())
    await world.until(lambda: world.redis.percentage == "10")
    await asyncio.sleep(5)
    assert world.phones.topics(ONCALL) == RISE
    world.phones.away[ONCALL] = AWAY
    await broken(world)
    await asyncio.sleep(30)
    await place.end()
    standby.operator.lead(leads=True)
    world.phones.away.clear()
    await asyncio.sleep(LONGEST_WAIT + 5)
    assert world.phones.topics(ONCALL) == [*RISE, "RolledBack"]


@virtual
async def test_who_leads_no_more_stops_telling() -> None:
    world = world_with()
    place = await world.begun()
    world.phones.away[ONCALL] = AWAY
    await broken(world)
    await asyncio.sleep(5)
    place.operator.lead(leads=False)
    world.phones.away.clear()
    await asyncio.sleep(2 * LONGEST_WAIT)
    assert world.phones.topics(ONCALL) == RISE
    assert not place.operator.outbox.under_way


@virtual
async def test_a_receiver_that_is_new_hears_nothing_of_the_past() -> None:
    world = SmallWorld()
    await world.begun()
    world.notifications = config()
    await asyncio.sleep(60)
    await broken(world)
    await asyncio.sleep(5)
    assert world.phones.topics(ONCALL) == ["RolledBack"]


@virtual
async def test_what_goes_on_is_told_once_however_often_it_is_seen() -> None:
    world = world_with()
    place = await world.begun(guardrails=ALERTING)
    world.prometheus.value = 0.5
    await world.until(lambda: "Alert" in world.phones.topics(ONCALL))
    await asyncio.sleep(2000)
    await place.end()
    world.start()
    await asyncio.sleep(600)
    assert world.phones.topics(ONCALL) == [*RISE, "Alert"]
    told = world.phones.at(ONCALL)[-1]
    assert told.title == "dispatch/ml-dispatch alert: score"
    assert [(one["number"], one["subject"]) for one in world.status["ongoing"]] == [(1, "score")]


@virtual
async def test_what_comes_and_goes_is_one_piece_of_news_and_what_comes_much_later_another() -> None:
    world = world_with()
    await world.begun(guardrails=ALERTING)
    for _ in range(3):
        world.prometheus.value = 0.5
        await asyncio.sleep(30)
        world.prometheus.value = 0.01
        await asyncio.sleep(60)
    assert world.phones.topics(ONCALL) == [*RISE, "Alert"]
    await asyncio.sleep(COMES_BACK + 60)
    world.prometheus.value = 0.5
    await asyncio.sleep(60)
    assert world.phones.topics(ONCALL) == [*RISE, "Alert", "Alert"]
    first, second = ids(world.phones.at(ONCALL))[-2:]
    assert first != second


@virtual
async def test_what_ended_while_nobody_was_named_is_news_to_who_is_named_again_where_it_begins_anew() -> None:
    world = world_with()
    place = await world.begun(guardrails=ALERTING)
    world.prometheus.value = 0.5
    await world.until(lambda: "Alert" in world.phones.topics(ONCALL))
    place.notifications = NotificationConfig()
    await asyncio.sleep(30)
    world.prometheus.value = 0.01
    await asyncio.sleep(2 * COMES_BACK)
    place.notifications = None
    await asyncio.sleep(60)
    world.prometheus.value = 0.5
    await asyncio.sleep(60)
    assert world.phones.topics(ONCALL) == [*RISE, "Alert", "Alert"]
    first, second = ids(world.phones.at(ONCALL))[-2:]
    assert first != second


@virtual
async def test_each_stage_that_waits_for_a_person_is_told() -> None:
    world = world_with("routes: [{receivers: [oncall], topics: [AwaitingApproval]}]")
    manual = {"approval": "Manual"}
    stages = [stage("pilot", 10, "1s"), stage("half", 50, "1s") | manual, stage("full", 100, "1s") | manual]
    await world.begun(stages=stages)
    await world.until(lambda: len(world.phones.at(ONCALL)) == 1)
    await asyncio.sleep(600)
    world.api.annotate("approve", "fine")
    await world.until(lambda: len(world.phones.at(ONCALL)) == 2)
    await asyncio.sleep(600)
    assert [message.notice.subject for message in world.phones.at(ONCALL)] == ["half", "full"]
    assert "mlrollout.dev/approve" in world.phones.at(ONCALL)[0].wording.command


@virtual
async def test_redis_is_told_of_once_it_is_away_for_longer_than_a_moment() -> None:
    world = world_with()
    await world.begun()
    world.redis.fates.always |= dict.fromkeys(("read", "read_many", "write"), failing(REDIS_DOWN))
    await asyncio.sleep(SETTLES / 2)
    world.redis.fates.always.clear()
    await asyncio.sleep(60)
    assert world.phones.topics(ONCALL) == RISE
    world.redis.fates.always |= dict.fromkeys(("read", "read_many", "write"), failing(REDIS_DOWN))
    await asyncio.sleep(60)
    assert world.phones.topics(ONCALL) == [*RISE, "TrafficUnconfirmed"]


@virtual
async def test_routes_send_each_topic_where_it_belongs() -> None:
    world = world_with(
        "routes:",
        "- {receivers: [oncall], severities: [critical], labels: {team: dispatch}}",
        "- {receivers: [audit], reasons: [GuardrailBreached, StageAdvanced], namespaces: ['disp*']}",
        names=("oncall", "audit"),
    )
    await world.begun()
    await broken(world)
    await asyncio.sleep(5)
    assert world.phones.topics(AUDIT) == ["StageAdvanced", "RolledBack"]
    assert world.phones.topics(ONCALL) == []


@virtual
async def test_a_broken_template_costs_its_words_and_says_so() -> None:
    world = world_with("templates: {RolledBack: {title: a, text: b}, StageAdvanced: {title: a}}")
    world.phones.templates = {"a": "a short title", "b": WordingError("line 1: unexpected end")}
    await world.begun()
    await broken(world)
    await asyncio.sleep(5)
    _, advanced, rolled = world.phones.at(ONCALL)
    assert advanced.title == "a short title"
    assert rolled.title == "dispatch/ml-dispatch ROLLED BACK 10 % → 0 %"
    assert "The template for RolledBack can't be used: line 1: unexpected end" in rolled.text


@virtual
async def test_an_object_that_goes_takes_no_news_with_it() -> None:
    world = world_with()
    await world.begun()
    world.phones.away[ONCALL] = AWAY
    await broken(world)
    await asyncio.sleep(5)
    world.api.delete()
    await asyncio.sleep(600)
    assert REF not in world.api.objects
    world.phones.away.clear()
    await asyncio.sleep(LONGEST_WAIT + 5)
    assert world.phones.topics(ONCALL) == [*RISE, "RolledBack"]


@virtual
async def test_a_key_that_nobody_could_zero_is_told_though_its_object_is_gone() -> None:
    world = world_with(names=("oncall", "audit"))
    await world.begun()
    world.phones.away[AUDIT] = AWAY
    world.redis.fates.always |= dict.fromkeys(("read", "read_many", "write"), failing(REDIS_DOWN))
    world.api.delete()
    await world.until(lambda: REF not in world.api.objects, within=300)
    await asyncio.sleep(5)
    last = world.phones.at(ONCALL)[-1]
    assert (last.notice.reason, last.notice.topic) == ("TrafficNotZeroed", "TrafficUnconfirmed")
    assert last.wording.command == f"redis-cli SET {KEY} 0"
    world.phones.away.clear()
    await asyncio.sleep(LONGEST_WAIT + 5)
    assert [message.notice.reason for message in world.phones.at(AUDIT)].count("TrafficNotZeroed") == 1
    assert [message.notice.reason for message in world.phones.at(ONCALL)].count("TrafficNotZeroed") == 1


@virtual
async def test_a_status_that_was_wiped_is_not_told_again_nor_written_without_end() -> None:
    world = world_with()
    place = await world.begun()
    world.api.edit_status({})
    await asyncio.sleep(30)
    assert world.phones.topics(ONCALL) == RISE
    await place.end()
    world.api.edit_status({})
    place = world.start()
    await asyncio.sleep(30)
    assert world.phones.topics(ONCALL) == [*RISE, "Alert"], "what Redis holds was taken over"
    tracked = place.operator.tracked_objects[REF]
    assert not tracked.notified.is_unsaved(tracked.resource.status)


@virtual
async def test_nothing_is_told_that_was_not_saved() -> None:
    world = world_with()
    place: Place = await world.begun()
    world.api.be_down()
    await broken(world)
    await asyncio.sleep(60)
    assert world.phones.topics(ONCALL) == RISE
    world.api.fates.always.clear()
    await asyncio.sleep(60)
    assert world.phones.topics(ONCALL) == [*RISE, "RolledBack"]
    assert place.operator.outbox.under_way == set()


def test_the_api_server_s_error_is_a_double_s() -> None:
    assert "does not answer" in str(API_DOWN)
