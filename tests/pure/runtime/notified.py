"""Worlds in which receivers are told, for the tests of it."""

from typing import Any

from mlrollout.notify.config import NotificationConfig, parse
from mlrollout.notify.message import OutgoingMessage
from mlrollout.ports import ReceiverError

from tests.pure.runtime.small_world import SmallWorld
from tests.pure.runtime.specs import GUARDRAIL

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
