"""A short name for what guardrails demand, the same in every version that reads the same demand.

Healthy time counts only under the guardrails that it was earned under. So the name must not change with a new version's
optional field or another default: that would cost every running rollout up to two weeks of healthy time at an upgrade.
"""

import hashlib
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from .spec import Guardrail

PLAIN: Final[dict[str, Any]] = {
    "min": None,
    "max": None,
    "action": "Rollback",
    "interval": "15s",
    "deadline": "5s",
    "window": "5m",
    "breachAfter": {"failures": 1, "of": 1},
    "minSamples": None,
    "maxAge": "2m",
    "onNoData": {"action": "Hold", "after": "10m"},
    "onError": {"action": "Hold", "after": "10m"},
}
"""The value of each field that is left out of the name: what the field's absence meant when it was new.

Never changed, also where a default changes. A new field is added with the value under which everything is as before.
"""

_FIRST_FIELDS = frozenset({"name", "query", "max", "min", "action", "interval", "deadline", "window"}) | frozenset(
    {"breach_after", "min_samples", "max_age", "on_no_data", "on_error"}
)


def fingerprint(guardrails: Iterable["Guardrail"]) -> str:
    """The name of what these guardrails demand together, whatever their order."""
    demands = sorted((_demand(guardrail) for guardrail in guardrails), key=lambda demand: str(demand["name"]))
    return _short(json.dumps(demands, sort_keys=True, separators=(",", ":")))


def _demand(guardrail: "Guardrail") -> dict[str, Any]:
    written = guardrail.model_dump(mode="json", by_alias=True)
    return {field: value for field, value in written.items() if field not in PLAIN or PLAIN[field] != value}


def first_fingerprint(guardrails: Iterable["Guardrail"]) -> str:
    """The name that version 0.1 gave them, which may still stand in a status."""
    return _short("\n".join(one.model_dump_json(by_alias=True, include=set(_FIRST_FIELDS)) for one in guardrails))


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
