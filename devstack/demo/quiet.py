"""A second rollout of the same model, where few requests come: guarded as the first one, and by the rule of before.

The demo's clock runs sixty times as fast as that of the design document: a minute stands for an hour, and five seconds
for its window of five minutes. So 1250 requests an hour are 21 a second here.
"""

import json
from typing import Any

import yaml

from .application import EXAMPLE, FEATURE

NAME = "quiet-dispatch"
QUIET_FEATURE = "quiet_dispatch"
RATE = 21.0
"""Requests per second of all users."""
OLD = "old-threshold"
"""The guardrail that only tells what the old rule would have done."""
LIMIT = 0.05
_FAILURES, _REQUESTS = (
    f'sum(rate({QUIET_FEATURE}_total{{group="treatment"{status}}}[5s]))' for status in (',status="failure"', "")
)


def manifest() -> str:
    """The object: that of the example, under another name, and one guardrail more."""
    text = (EXAMPLE / "rollout.yaml").read_text().replace(FEATURE, QUIET_FEATURE)
    found: dict[str, Any] = yaml.safe_load(text)
    found["metadata"]["name"] = NAME
    found["spec"]["guardrails"].append(old_threshold())
    return json.dumps(found)


def old_threshold() -> dict[str, Any]:
    """The error rate of the last five seconds, above 5 % at three of five looks: told, and otherwise without effect."""
    return {
        "name": OLD,
        "query": f"{_FAILURES} / {_REQUESTS}",
        "max": LIMIT,
        "window": "5s",
        "interval": "1s",
        "breachAfter": {"failures": 3, "of": 5},
        "action": "Alert",
    }
