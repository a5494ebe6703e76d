"""Receivers are told each piece of news at least once, in order, under one id; and nobody waits for any of them."""

import asyncio
from typing import Any

import pytest
from mlrollout.domain.notices import KEPT
from mlrollout.domain.state import HISTORY
from mlrollout.notify.config import NotificationConfig, parse
from mlrollout.notify.message import OutgoingMessage
from mlrollout.ports import MessageRefusedError, ReceiverError, Ref, WordingError
from mlrollout.runtime.notifying.lanes import TRIES
from mlrollout.runtime.notifying.pace import LONGEST_RETRY_AFTER, LONGEST_WAIT
from mlrollout.runtime.sinks.notifications import COMES_BACK, FAILING_AFTER, SETTLES

from tests.pure.runtime.small_world import (
    API_DOWN,
    GUARDRAIL,
    KEY,
    REDIS_DOWN,
    REF,
    Held,
    Place,
    SmallWorld,
    failing,
    for_ever,
    spec,
    stage,
)
from tests.support.virtual_time import virtual

ONCALL, AUDIT = "https://oncall.example.com", "https://audit.example.com"
AWAY = ReceiverError("answered with HTTP 500")
RISE = ["AttemptStarted", "StageAdvanced"]
SELDOM = {**GUARDRAIL, "interval": "20s", "maxAge": "60s"}
"""Looks that leave a test time for hours."""
ALERTING = [SELDOM | {"name": "score", "action": "Alert"}, SELDOM | {"max": 0.9}]


def config(*more: str, names: tuple[str, ...] = ("oncall",)) -> NotificationConfig:
    receivers = ", ".join(f"{{name: {name}, url: 'https://{name}.example.com'}}" for name in names)
    return parse("\n".join((f"receivers: [{receivers}]", *more)))


def world_with(*more: str, names: tuple[str, ...] = ("oncall",)) -> SmallWorld:
    world = SmallWorld()
    world.notifications = config(*more, names=names)
    return world


async def broken(world: SmallWorld) -> None:
    """The model turns bad, and is taken back."""
    world.prometheus.value = 0.5
    await world.until(lambda: world.redis.percentage == "0")


def ids(messages: list[OutgoingMessage]) -> list[str]:
    return [message.id for message in messages]


def kept(world: SmallWorld) -> Any:
    return {one["name"]: one for one in world.status.get("receivers", ())}


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


OWN = {"name": "team", "secretRef": {"name": "slack", "key": "url"}, "topics": ["RolledBack"]}
TEAM = "https://team.example.com/hook"


def with_secret(world: SmallWorld, text: str = TEAM) -> None:
    world.secrets.held["dispatch", "slack", "url"] = text


@virtual
async def test_an_object_has_receivers_of_its_own() -> None:
    world = SmallWorld()
    world.allowed_receivers = ("https://*.example.com",)
    with_secret(world)
    await world.begun(notifications=[OWN])
    await broken(world)
    await asyncio.sleep(5)
    assert world.phones.topics(TEAM) == ["RolledBack"]
    assert list(kept(world)) == ["own/team"]


@virtual
async def test_an_address_that_is_not_allowed_is_told_at_once_and_nothing_is_sent_there() -> None:
    world = SmallWorld()
    with_secret(world)
    await world.begun(notifications=[OWN])
    await broken(world)
    await world.until(lambda: world.told("NotificationFailing"))
    (event, *_) = world.told("NotificationFailing")
    assert "own/team" in event.message
    assert "https://team.example.com, which is not allowed" in event.message
    assert "/hook" not in event.message
    assert world.phones.arrived == []


@pytest.mark.parametrize(
    ("text", "why"),
    [(None, "it has no key url"), ("hook", "neither a URL nor YAML"), ("url: 5", "neither a URL nor YAML")],
)
def test_a_secret_that_can_not_be_used_is_told_once_it_lasts_and_works_when_it_is_mended(
    text: str | None, why: str
) -> None:
    @virtual
    async def lives() -> None:
        world = SmallWorld()
        world.allowed_receivers = ("https://*.example.com",)
        if text is not None:
            with_secret(world, text)
        await world.begun(notifications=[OWN])
        await broken(world)
        await asyncio.sleep(FAILING_AFTER / 2)
        assert not world.told("NotificationFailing")
        await asyncio.sleep(FAILING_AFTER)
        assert why in world.told("NotificationFailing")[0].message
        with_secret(world)
        await asyncio.sleep(LONGEST_WAIT + 10)
        assert world.phones.topics(TEAM) == ["RolledBack"]
        told = len(world.told("NotificationFailing"))
        await asyncio.sleep(3600)
        assert len(world.told("NotificationFailing")) == told

    lives()


@virtual
async def test_what_a_secret_held_serves_while_the_api_server_is_away() -> None:
    world = SmallWorld()
    world.allowed_receivers = ("https://*.example.com",)
    with_secret(world)
    await world.begun(notifications=[OWN | {"topics": ["StageAdvanced", "RolledBack"]}])
    world.secrets.down = True
    await broken(world)
    await asyncio.sleep(30)
    assert world.phones.topics(TEAM) == ["StageAdvanced", "RolledBack"]


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
