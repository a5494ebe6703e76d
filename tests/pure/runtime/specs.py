"""A rollout of two stages, as the tests of the runtime ask for it."""

from collections.abc import Mapping
from typing import Any

from mlrollout.ports import (
    Ref,
)

EPOCH = 1_800_000_000.0
REF = Ref("dispatch", "ml-dispatch")
KEY = "ml_dispatch:rollout_percentage"
LEASED = {"key": KEY, "lease": "6s"}
OWN_REDIS = {"key": KEY, "redis": {"secretRef": {"name": "redis", "key": "url"}}}
GUARDRAIL: Mapping[str, Any] = {"name": "errors", "query": "up", "max": 0.05, "interval": "1s", "maxAge": "5s"}


def stage(name: str, percentage: int, duration: str = "1h") -> dict[str, Any]:
    return {"name": name, "percentage": percentage, "duration": duration}


def spec(**changes: Any) -> dict[str, Any]:
    """Two stages of an hour, one guardrail that looks once a second."""
    return {
        "revision": "one",
        "traffic": {"key": KEY},
        "stages": [stage("pilot", 10), stage("full", 100)],
        "guardrails": [GUARDRAIL],
        **changes,
    }
