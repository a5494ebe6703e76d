"""A short name for what guardrails demand, the same in every version that reads the same demand.

Healthy time counts only under the guardrails that it was earned under. So the name must not change with a new version's
optional field or another default: that would cost every running rollout up to two weeks of healthy time at an upgrade.
"""

import hashlib
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from pydantic_core import to_json

if TYPE_CHECKING:
    from .guardrail import Guardrail

PLAIN: Final[dict[str, Any]] = {
    "action": "Rollback",
    "interval": "15s",
    "deadline": "5s",
    "window": "5m",
    "breachAfter": {"failures": 1, "of": 1},
    "maxAge": "2m",
    "onNoData": {"action": "Hold", "after": "10m"},
    "onError": {"action": "Hold", "after": "10m"},
}
"""The value of each field with a default that is left out of the name: what its absence meant when it was new.

Never changed, also where a default changes. A new field is added with the value under which everything is as before,
unless that is to be absent: what is absent is never in the name.
"""

_PLAIN_SAMPLES: Final[dict[str, Any]] = {"holdsBack": "Both"}
"""The same of the fields inside `minSamples`."""

_FIRST_FIELDS = (
    *("name", "query", "max", "min", "action", "interval", "deadline", "window"),
    *("breachAfter", "minSamples", "maxAge", "onNoData", "onError"),
)
_FIRST_SAMPLES = ("count", "query")


def fingerprint(guardrails: Iterable["Guardrail"]) -> str:
    """The name of what these guardrails demand together, whatever their order."""
    demands = sorted((_demand(guardrail) for guardrail in guardrails), key=lambda demand: str(demand["name"]))
    return _short(json.dumps(demands, sort_keys=True, separators=(",", ":")))


def _demand(guardrail: "Guardrail") -> dict[str, Any]:
    written = guardrail.model_dump(mode="json", by_alias=True, exclude_none=True)
    if isinstance(samples := written.get("minSamples"), dict):
        written["minSamples"] = _without(_PLAIN_SAMPLES, samples)
    return _without(PLAIN, written)


def _without(plain: dict[str, Any], written: dict[str, Any]) -> dict[str, Any]:
    return {field: value for field, value in written.items() if field not in plain or plain[field] != value}


def first_fingerprint(guardrails: Iterable["Guardrail"]) -> str:
    """The name that version 0.1 gave them, which may still stand in a status."""
    dumps = [one.model_dump(mode="json", by_alias=True) for one in guardrails]
    for dump in dumps:
        if isinstance(samples := dump.get("minSamples"), dict):
            dump["minSamples"] = {field: samples[field] for field in _FIRST_SAMPLES}
    # Its order was that of the fields in its model; numbers are written as that wrote them.
    first = (to_json({field: dump[field] for field in _FIRST_FIELDS if field in dump}) for dump in dumps)
    return _short("\n".join(one.decode() for one in first))


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
