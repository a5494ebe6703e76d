"""Events about objects, as the administrator and with the operator's rights."""

import json
import re
from typing import Any

import pytest
from mlrollout.adapters.kubernetes import Client, KubernetesObjects, events
from mlrollout.ports import EventToPost, ObjectsError

from tests.support.clocks import HandClock
from tests.support.places import Place

ADVANCED = EventToPost("StageAdvanced", "pilot (10 %) to expansion (30 %): every guardrail passed", unique="1/2")


def missing(seen: int) -> EventToPost:
    return EventToPost("EvidenceMissing", f"error-rate: {seen} samples of 50 in the last 5m", warning=True)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def objects(client: Client, clock: HandClock) -> KubernetesObjects:
    return KubernetesObjects(client, clock, "operator-1")


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is held back."""
    monkeypatch.setattr(events, "QUIET", 0)


@pytest.fixture
async def uid(admin: Client, place: Place) -> str:
    return str((await place.create(admin))["metadata"]["uid"])


def standing(place: Place) -> list[dict[str, Any]]:
    return list(json.loads(place.kubectl("get", "events", "-o", "json"))["items"])


async def test_a_transition_is_told_once_by_whoever_and_however_often(
    objects: KubernetesObjects, client: Client, place: Place, uid: str
) -> None:
    after_a_restart = KubernetesObjects(client, HandClock(), "operator-2")
    for sender in (objects, objects, after_a_restart):
        await sender.post_event(place.ref(), uid, ADVANCED)

    (event,) = standing(place)
    assert event["count"] == 1
    assert event["type"] == "Normal"
    assert event["reason"] == "StageAdvanced"
    assert event["message"] == ADVANCED.message
    assert event["firstTimestamp"] == event["lastTimestamp"] == "2023-11-14T22:13:20Z"
    assert event["source"] == {"component": "mlrollout"}
    assert (event["reportingComponent"], event["reportingInstance"]) == ("mlrollout", "operator-1")


async def test_one_transition_may_be_told_under_several_reasons(
    objects: KubernetesObjects, place: Place, uid: str
) -> None:
    await objects.post_event(
        place.ref(), uid, EventToPost("GuardrailBreached", "0.07 is over 0.05", warning=True, unique="1/3")
    )
    await objects.post_event(place.ref(), uid, EventToPost("RolledBack", "to 0 %", warning=True, unique="1/3"))

    assert {event["reason"] for event in standing(place)} == {"GuardrailBreached", "RolledBack"}


@pytest.mark.usefixtures("at_once")
async def test_kubectl_describe_shows_how_often_and_for_how_long(
    objects: KubernetesObjects, clock: HandClock, place: Place, uid: str
) -> None:
    started = clock.seconds
    for number in range(5):
        clock.seconds = started + 30 * number
        await objects.post_event(place.ref(), uid, missing(number))
    await objects.post_event(place.ref(), uid, ADVANCED)

    told = place.kubectl("describe", "mlr", "ml-dispatch")

    assert re.search(r"Warning +EvidenceMissing .*\(x5 over .*\) +mlrollout +error-rate: 4 samples of 50", told)
    assert re.search(r"Normal +StageAdvanced .* mlrollout +pilot", told)
    (counted,) = (event for event in standing(place) if event["count"] > 1)
    assert counted["firstTimestamp"] == "2023-11-14T22:13:20Z"
    assert counted["lastTimestamp"] == "2023-11-14T22:15:20Z"


@pytest.mark.usefixtures("at_once")
async def test_counting_goes_on_after_a_restart(
    objects: KubernetesObjects, client: Client, place: Place, uid: str
) -> None:
    for number in range(3):
        await objects.post_event(place.ref(), uid, missing(number))
    after_a_restart = KubernetesObjects(client, HandClock(), "operator-2")
    for number in range(2):
        await after_a_restart.post_event(place.ref(), uid, missing(number))

    assert [event["count"] for event in standing(place)] == [5]


@pytest.mark.usefixtures("at_once")
async def test_an_event_that_has_expired_is_begun_again(objects: KubernetesObjects, place: Place, uid: str) -> None:
    for number in range(3):
        await objects.post_event(place.ref(), uid, missing(number))
    place.kubectl("delete", "events", "--all")
    for number in range(2):
        await objects.post_event(place.ref(), uid, missing(number))

    assert [event["count"] for event in standing(place)] == [2]


async def test_what_is_held_back_is_counted_in_with_the_next(
    objects: KubernetesObjects, place: Place, uid: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        await objects.post_event(place.ref(), uid, missing(number))
    held = [(event["count"], event["message"]) for event in standing(place)]
    monkeypatch.setattr(events, "QUIET", 0)
    await objects.post_event(place.ref(), uid, missing(4))

    assert held == [(1, missing(0).message)]
    assert [(event["count"], event["message"]) for event in standing(place)] == [(5, missing(4).message)]


async def test_what_could_not_be_sent_is_sent_again_at_once_and_counts_as_one(
    place: Place, uid: str, admin: Client, connecting: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = await connecting(place.account("nobody", []))
    poster = events.EventPoster(nobody, HandClock(), "operator-1")
    for _ in range(3):
        with pytest.raises(ObjectsError, match=r"post the Event EvidenceMissing about .* 403"):
            await poster.post(place.ref(), uid, missing(1))
    monkeypatch.setattr(poster, "_client", admin)

    await poster.post(place.ref(), uid, missing(1))

    assert [(event["count"], event["message"]) for event in standing(place)] == [(1, missing(1).message)]


@pytest.mark.usefixtures("at_once")
async def test_a_forgotten_event_is_found_again(
    client: Client, place: Place, uid: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "_REMEMBERED", 1)
    poster = events.EventPoster(client, HandClock(), "operator-1")
    for _ in range(2):
        await poster.post(place.ref(), uid, missing(1))
        await poster.post(place.ref(), uid, EventToPost("TrafficUnconfirmed", "Redis is down"))

    assert sorted(event["count"] for event in standing(place)) == [2, 2]
    assert len(poster._repeats) == 1


async def test_a_long_message_is_cut(objects: KubernetesObjects, place: Place, uid: str) -> None:
    await objects.post_event(place.ref(), uid, EventToPost("EvidenceMissing", "배차 " * 1000))

    (event,) = standing(place)
    assert event["message"].endswith("…")
    assert len(event["message"].encode()) <= 1024


async def test_in_a_namespace_that_ends_an_event_is_an_error_and_nothing_else(
    objects: KubernetesObjects, place: Place, uid: str
) -> None:
    place.control_plane.kubectl("delete", "namespace", place.namespace, "--wait=false")

    for event in (ADVANCED, missing(1)):
        with pytest.raises(ObjectsError, match="being terminated"):
            await objects.post_event(place.ref(), uid, event)
