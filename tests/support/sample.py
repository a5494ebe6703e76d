"""A sample: the minimal object with one value changed; and samples at the bounds of a value."""

import copy
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from mlrollout.api.duration import PATTERN

ABSENT: Final = object()
"""A value that takes its field away."""

MINIMAL: dict[str, Any] = {
    "apiVersion": "mlrollout.dev/v1alpha1",
    "kind": "MLRollout",
    "metadata": {"name": "minimal"},
    "spec": {
        "revision": "ranker-1",
        "traffic": {"key": "ml_dispatch:rollout_percentage"},
        "guardrails": [{"name": "errors", "query": "up", "max": 0.05}],
    },
}

REDIS = {"secretRef": {"name": "redis", "key": "url"}}
TENANT = {"address": "http://prometheus:9090", "secretRef": {"name": "tenant"}}
RECEIVER = {"name": "team", "secretRef": {"name": "slack", "key": "url"}}
REQUIRED = {"guardrail": "errors", "min": 1}
STAGE = {"name": "pilot", "percentage": 10, "duration": "1h"}
SAMPLES = {"count": 1, "query": "up"}
RATE: dict[str, Any] = {"name": "errors", "rate": {"bad": "bad_total", "all": "all_total", "max": 0.05}}
ABOVE = {"histogram": "seconds_bucket", "above": "2", "max": 0.05}
COMPARE: dict[str, Any] = {"name": "worse", "compare": {"bad": "bad_total", "all": "all_total", "ratio": 1.5}}
MEANS = {"sum": "score_sum", "count": "score_count", "worse": "Lower", "difference": 5}
BALANCE: dict[str, Any] = {"name": "split", "balance": {"users": "users_total"}}
# A guardrail of each kind, by the field that marks it, with every field that only some kinds have.
GUARDRAILS: Mapping[str, dict[str, Any]] = {
    "query": {"name": "errors", "query": "up", "min": 0, "max": 1, "minSamples": SAMPLES},
    "rate": RATE | {"falseAlarm": 0.001, "minSamples": {"count": 1}},
    "compare": COMPARE | {"falseAlarm": 0.001, "minSamples": {"count": 1}},
    "balance": BALANCE | {"falseAlarm": 0.001, "minSamples": {"count": 1}},
}
REGISTRY: dict[str, Any] = {"mlflow": {"address": "http://mlflow", "model": "dispatch"}}
DOCUMENT: dict[str, Any] = {"http": {"address": "http://models/candidate.json"}}
NAMED: dict[str, Any] = {
    **{name: value for name, value in MINIMAL["spec"].items() if name != "revision"},
    "revisionFrom": DOCUMENT,
}
"""A spec whose revision a source names."""
# What must stand there first, for a path to lead anywhere or its ends to be allowed.
_FIRST = {
    "spec.stages[": ("spec.stages", [STAGE | {"require": [REQUIRED]}]),
    "spec.notifications[": ("spec.notifications", [RECEIVER]),
    "spec.notifications[0].topics[": ("spec.notifications[0].topics", ["Alert"]),
    "spec.traffic.redis.": ("spec.traffic.redis", REDIS),
    "spec.prometheus.secretRef": ("spec.prometheus", TENANT),
    "spec.revisionFrom": ("spec", NAMED),
    "spec.revisionFrom.mlflow": ("spec.revisionFrom", REGISTRY),
    "spec.revisionFrom.mlflow.secretRef.": ("spec.revisionFrom.mlflow.secretRef", {"name": "mlflow"}),
    "spec.revisionFrom.configMap.": ("spec.revisionFrom", {"configMap": {"name": "models", "key": "dispatch"}}),
    "spec.revisionFrom.http.secretRef.": ("spec.revisionFrom.http.secretRef", {"name": "models"}),
    "spec.guardrails[0].minSamples.": ("spec.guardrails[0].minSamples", SAMPLES),
    "spec.guardrails[0].rate.": ("spec.guardrails[0]", RATE),
    "spec.guardrails[0].rate.histogram": ("spec.guardrails[0].rate", ABOVE),
    "spec.guardrails[0].rate.above": ("spec.guardrails[0].rate", ABOVE),
    "spec.guardrails[0].compare": ("spec.guardrails[0]", COMPARE),
    "spec.guardrails[0].compare.histogram": (
        "spec.guardrails[0].compare",
        {"histogram": "seconds_bucket", "above": "2", "ratio": 1.5},
    ),
    "spec.guardrails[0].compare.above": (
        "spec.guardrails[0].compare",
        {"histogram": "seconds_bucket", "above": "2", "ratio": 1.5},
    ),
    "spec.guardrails[0].compare.sum": ("spec.guardrails[0].compare", MEANS),
    "spec.guardrails[0].compare.count": ("spec.guardrails[0].compare", MEANS),
    "spec.guardrails[0].compare.worse": ("spec.guardrails[0].compare", MEANS),
    "spec.guardrails[0].balance.": ("spec.guardrails[0]", BALANCE),
    "spec.guardrails[0].falseAlarm": ("spec.guardrails[0]", RATE),
    "spec.stages[0].early": ("spec.guardrails", [RATE, {"name": "up", "query": "up", "min": 1}]),
    "spec.stages[0].require[0].proven": ("spec.guardrails", [RATE, {"name": "up", "query": "up", "min": 1}]),
    "spec.guardrails[0].breachAfter.": ("spec.guardrails[0].breachAfter", {"failures": 1, "of": 100}),
    "spec.guardrails[0].interval": ("spec.guardrails[0].maxAge", "720h"),
    "spec.guardrails[0].maxAge": ("spec.guardrails[0].interval", "250ms"),
}


@dataclass(frozen=True)
class Sample:
    """The minimal object with one value changed, and a part of the API server's complaint; empty for none."""

    path: str
    value: Any
    complaint: str = ""

    def __str__(self) -> str:
        return f"{self.path}={str(self.value)[:24]!r}" if self.value is not ABSENT else f"{self.path} left out"

    @property
    def object(self) -> dict[str, Any]:
        """The object with the value in its place."""
        whole = copy.deepcopy(MINIMAL)
        for start, (path, value) in _FIRST.items():
            if self.path.startswith(start):
                put(whole, path, copy.deepcopy(value))
        put(whole, self.path, self.value)
        return whole


def steps(path: str) -> list[str | int]:
    """`spec.stages[0].name` as keys and indices."""
    return [int(part) if part.isdigit() else part for part in re.findall(r"[^.\[\]]+", path)]


def put(whole: dict[str, Any], path: str, value: object) -> None:
    *way, last = steps(path)
    place: Any = whole
    for step in way:
        place = place[step] if isinstance(step, int) else place.setdefault(step, {})
    if value is ABSENT:
        del place[last]
    else:
        place[last] = value


def guardrails(count: int) -> list[dict[str, Any]]:
    return [{"name": f"g{number}", "query": "up", "max": 1} for number in range(count)]


def texts(path: str, *, shortest: int, longest: int, start: str = "") -> Iterator[Sample]:
    """Both ends of a string's length, and a step beyond each."""
    yield Sample(path, (start + "a" * longest)[:longest])
    yield Sample(
        path, (start + "a" * longest)[:longest] + "a", f"{path}: Too long: may not be more than {longest} bytes"
    )
    if not start:
        yield Sample(path, "a" * shortest)
        yield Sample(path, "", f"{path} in body should be at least {shortest} chars long")


def names(path: str) -> Iterator[Sample]:
    yield from texts(path, shortest=1, longest=63)
    for bad in ("Pilot", "-pilot", "pilot-", "pi lot"):
        yield Sample(path, bad, f"{path} in body should match '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$'")


def numbers(path: str, low: int, high: int) -> Iterator[Sample]:
    yield Sample(path, low)
    yield Sample(path, high)
    yield Sample(path, low - 1, f"{path} in body should be greater than or equal to {low}")
    yield Sample(path, high + 1, f"{path} in body should be less than or equal to {high}")
    yield Sample(path, str(low), f"{path} in body must be of type integer")
    yield Sample(path, low + 0.5, f"{path} in body must be of type integer")


HINT = "is not a duration: write a number of at most five digits and a unit (ms, s, m, h; or d, w alone), as 30s or 14d"


def durations(path: str, low: str, high: str, below: str = "", above: str = "") -> Iterator[Sample]:
    yield Sample(path, low)
    yield Sample(path, high)
    yield Sample(path, "00005.000s" + "00000.000s" * 2 + "0s")
    for beyond in filter(None, (below, above)):
        yield Sample(path, beyond, f"must be from {low} to {high}")
    for bad in ("soon", "5", "-5s", "5 s", "1.5d", "1d12h", "10000d", "1000w", "1y", "100000h"):
        yield Sample(path, bad, HINT)
    yield Sample(path, "soon", f"{path} in body should match '{PATTERN}'")
    yield Sample(path, "00000.001ms" * 3, f"{path}: Too long: may not be more than 32 bytes")
    yield Sample(path, 15, f"{path} in body must be of type string")


def choices(path: str, *words: str) -> Iterator[Sample]:
    supported = ", ".join(f'"{word}"' for word in words)
    for word in words:
        yield Sample(path, word)
    yield Sample(
        path, words[0].lower(), f'{path}: Unsupported value: "{words[0].lower()}": supported values: {supported}'
    )


def required(path: str) -> Iterator[Sample]:
    yield Sample(path, ABSENT, f"{path}: Required value")


def missing(path: str) -> Iterator[Sample]:
    yield from choices(f"{path}.action", "Hold", "Rollback")
    yield from durations(f"{path}.after", "0s", "720h", above="720h1ms")
