"""Somebody is told: by the operator's own process, under its shipped permissions, also where it is killed over it."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from tests.support.inbox import Inbox, inbox
from tests.whole.house import LONG, House

SIGNING = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
RISE = ["AttemptStarted", "StageAdvanced"]


@pytest.fixture
def box() -> Iterator[Inbox]:
    with inbox() as found:
        yield found


def started(house: House, box: Inbox, file: Path, name: str = "operator", **env: str) -> Any:
    """An operator with one receiver."""
    file.write_text(f"cluster: eu-1\nreceivers: [{{name: oncall, url: '{box.url()}', secret: {SIGNING}}}]\n")
    return house.stack.start_operator(name, env={"MLROLLOUT_NOTIFICATIONS_FILE": str(file), **env})


def test_a_rollback_reaches_a_signed_webhook_with_its_reason(vacant_house: House, box: Inbox, tmp_path: Path) -> None:
    house = vacant_house
    started(house, box, tmp_path / "notifications.yaml")
    house.apply(stages=LONG)
    house.until_percentage(10)
    house.errors(0.2)
    house.until_percentage(0)
    house.until(lambda: len(box.got) == 3, "three notifications")

    assert box.topics() == [*RISE, "RolledBack"]
    event, headers = box.got[-1], box.headers[-1]
    assert event["data"]["title"] == f"[eu-1] {house.name}/ml-dispatch ROLLED BACK 10 % → 0 %"
    assert "guardrail error-rate: 0.2 is above max 0.05" in event["data"]["text"]
    assert "1000 samples" in event["data"]["text"]
    sent = json.dumps(event, separators=(",", ":"), ensure_ascii=False)
    assert Webhook(SIGNING).verify(sent, headers) == event
    house.until(lambda: house.status()["receivers"][0]["serial"] == house.status()["serial"], "the cursor")
    logs = "\n".join(operator.log.read_text() for operator in house.stack.operators)
    assert SIGNING not in logs


def test_a_leader_that_is_killed_over_it_is_followed_by_one_that_tells_it_under_the_same_id(
    vacant_house: House, box: Inbox, tmp_path: Path
) -> None:
    """As by `kill -9` between the delivery and the note of it in the status."""
    house, killed = vacant_house, threading.Event()
    leader = started(house, box, tmp_path / "notifications.yaml")

    def kill_at_the_rollback(event: dict[str, Any]) -> int:
        if event["data"]["topic"] == "RolledBack" and not killed.is_set():
            killed.set()
            leader.kill()
        return 204

    box.answer = kill_at_the_rollback
    house.apply(stages=LONG)
    house.until_percentage(10)
    house.until(lambda: len(box.got) == 2, "two notifications")
    second = started(house, box, tmp_path / "notifications.yaml", "second")
    house.until(lambda: "Another operator leads; this one stands by" in second.log.read_text(), "the word of it")
    house.errors(0.2)
    house.until(lambda: len(box.got) == 4, "the rollback, told twice", within=60)

    assert killed.is_set()
    assert box.topics() == [*RISE, "RolledBack", "RolledBack"]
    assert box.got[2]["id"] == box.got[3]["id"]
    house.until(lambda: house.status()["receivers"][0]["serial"] == house.status()["serial"], "the cursor")
    house.for_a_while(lambda: len(box.got) == 4)


def test_an_object_s_own_receiver_is_told_where_the_administrator_allows_it(
    vacant_house: House, box: Inbox, tmp_path: Path
) -> None:
    house = vacant_house
    with inbox() as team:
        started(
            house,
            box,
            tmp_path / "notifications.yaml",
            MLROLLOUT_ALLOWED_RECEIVERS=team.url(""),
            MLROLLOUT_ALLOWED_RECEIVER_NETWORKS="127.0.0.0/8",
        )
        own = {"name": "team", "secretRef": {"name": "webhook", "key": "url"}, "topics": ["RolledBack"]}
        bad = {"name": "bad", "secretRef": {"name": "webhook", "key": "elsewhere"}, "topics": ["RolledBack"]}
        house.apply(stages=LONG, notifications=[own, bad])
        house.secret("webhook", url=team.url("/s3cret"), elsewhere="https://elsewhere.example.com/s3cret")
        house.until_percentage(10)
        house.errors(0.2)
        house.until(lambda: team.got, "the team's notification", within=60)
        house.until(lambda: house.events("NotificationFailing"), "the Event of the other")

    assert team.topics() == ["RolledBack"]
    message = house.events("NotificationFailing")[0]["message"]
    assert "own/bad" in message
    assert "https://elsewhere.example.com, which is not allowed" in message
    told = json.dumps(house.read()) + "\n".join(operator.log.read_text() for operator in house.stack.operators)
    assert "s3cret" not in told
