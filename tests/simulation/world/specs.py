"""The specs that simulated people write, and how they change them."""

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from . import prometheus

Spec = Mapping[str, Any]

SICK_REDIS = "sick-redis"
"""A Redis of an object's own that never answers."""

_STAGES = (
    (("pilot", 10), ("expansion", 30), ("full", 100)),
    (("pilot", 10), ("full", 100)),
    (("pilot", 5), ("quarter", 25), ("half", 50), ("full", 100)),
)


def draw(chance: random.Random, name: str, revision: str, *, key: str = "") -> Spec:
    """A spec for the object of this name.

    Args:
        chance: Decides.
        name: Also the name of the application whose metrics it looks at.
        revision: The model.
        key: The Redis key; its own where left out.
    """
    traffic: dict[str, Any] = {"key": key or f"{name}:percentage"}
    if chance.random() < 0.1:
        traffic["lease"] = "60s"
    spec: dict[str, Any] = {
        "revision": revision,
        "traffic": traffic,
        "stages": _stages(chance),
        "guardrails": [_errors(chance, name)],
    }
    if chance.random() < 0.3:
        spec["guardrails"].append(_seconds(chance, name))
    if chance.random() < 0.1:
        spec["onDelete"] = "Retain"
    if chance.random() < 0.15:
        spec["afterCompletion"] = "Stop"
    return spec


def sick(chance: random.Random, name: str, kind: str, key: str) -> Spec:
    """A spec that there is something wrong with: `redis`, `conflict` (with `key`), `invalid`, `query` or `hangs`."""
    spec = dict(draw(chance, name, f"bad-{name}", key=key if kind == "conflict" else ""))
    if kind == "redis":
        spec["traffic"] = spec["traffic"] | {"redis": {"secretRef": {"name": SICK_REDIS, "key": "url"}}}
    if kind == "invalid":
        spec["stages"] = []
    if kind == "query":
        spec["guardrails"] = [spec["guardrails"][0] | {"query": prometheus.UNREADABLE}]
    return spec


def _stages(chance: random.Random) -> Sequence[Spec]:
    stages: list[dict[str, Any]] = [
        {"name": name, "percentage": percentage, "duration": f"{chance.choice((4, 6, 10))}s"}
        for name, percentage in chance.choice(_STAGES)
    ]
    if chance.random() < 0.2:
        stages[-1]["approval"] = "Manual"
    if chance.random() < 0.2:
        stages[0]["require"] = [{"guardrail": "errors", "max": 0.02}]
    return stages


def _errors(chance: random.Random, name: str) -> Spec:
    interval = chance.choice((3, 4, 5))
    window = chance.choice(("$window", "$window", "7s"))
    guardrail: dict[str, Any] = {
        "name": "errors",
        "query": prometheus.error_rate(name, window),
        "max": 0.05,
        "interval": f"{interval}s",
        "window": f"{chance.choice((6, 10))}s",
        "deadline": "1s",
        "maxAge": f"{interval * chance.choice((1, 2))}s",
    }
    if chance.random() < 0.3:
        guardrail["breachAfter"] = {"failures": 2, "of": 3}
    if chance.random() < 0.3:
        guardrail["minSamples"] = {"count": 40, "query": prometheus.requests(name, window)}
    if chance.random() < 0.15:
        guardrail[chance.choice(("onNoData", "onError"))] = {"action": "Rollback", "after": "20s"}
    return guardrail


def _seconds(chance: random.Random, name: str) -> Spec:
    return {
        "name": "response-time",
        "query": prometheus.response_time(name),
        "max": 1,
        "action": chance.choice(("Rollback", "Hold", "Alert")),
        "interval": "5s",
        "window": "8s",
        "deadline": "1s",
        "maxAge": "10s",
    }


# --- changes -------------------------------------------------------------------------------------


def drop_stage(spec: Spec) -> Spec:
    """The same without its last stage."""
    return dict(spec) | {"stages": spec["stages"][:-1] or spec["stages"]}


def lower_stages(spec: Spec) -> Spec:
    """The same with every percentage a little lower, but never so low that there is too little traffic to judge."""
    if spec["stages"][0]["percentage"] < 6:
        return spec
    return dict(spec) | {"stages": [stage | {"percentage": stage["percentage"] - 2} for stage in spec["stages"]]}


def insert_stage(spec: Spec) -> Spec:
    """The same with one stage more, before the last."""
    names = {stage["name"] for stage in spec["stages"]}
    percentage = spec["stages"][-1]["percentage"] - 1
    taken = percentage in {stage["percentage"] for stage in spec["stages"]}
    if "penultimate" in names or taken or percentage < 1:
        return spec
    stage = {"name": "penultimate", "percentage": percentage, "duration": "12s"}
    return dict(spec) | {"stages": [*spec["stages"][:-1], stage, spec["stages"][-1]]}


def raise_first(spec: Spec) -> Spec:
    """The same with a higher percentage in the first stage."""
    first, *rest = spec["stages"]
    percentage = first["percentage"] + 3
    if rest and percentage >= rest[0]["percentage"]:
        return spec
    return dict(spec) | {"stages": [first | {"percentage": min(percentage, 100)}, *rest]}


def tighten(spec: Spec) -> Spec:
    """The same with another limit that a healthy model still meets."""
    first, *rest = spec["guardrails"]
    kind = next((kind for kind in ("rate", "compare") if kind in first), None)
    if kind is not None:
        return dict(spec) | {"guardrails": [first | {kind: _tightened(first[kind])}, *rest]}
    return dict(spec) | {"guardrails": [_tightened(first), *rest]}


def _tightened(limits: Mapping[str, Any]) -> Mapping[str, Any]:
    name = next(name for name in ("ratio", "difference", "max") if name in limits)
    return dict(limits) | {name: round(limits[name] - 0.001, 3)}


def pause(spec: Spec) -> Spec:
    """The spec, paused."""
    return dict(spec) | {"paused": True}


def go_on(spec: Spec) -> Spec:
    """The spec, not paused."""
    return {name: value for name, value in spec.items() if name != "paused"}


CHANGES: Mapping[str, Callable[[Spec], Spec]] = {
    change.__name__: change for change in (drop_stage, lower_stages, insert_stage, raise_first, tighten, pause, go_on)
}


# --- words of a newer version -------------------------------------------------------------------

_WORD = "Quarantine"
"""An action that this version does not know."""


def newer_beside(spec: Spec) -> Spec:
    """The same with a guardrail more, of an action that nobody here knows."""
    more = dict(spec["guardrails"][0]) | {"name": "newer", "action": _WORD}
    return dict(spec) | {"guardrails": [*older(spec)["guardrails"], more]}


def newer_stage(spec: Spec) -> Spec:
    """The same with a stage that can't be read, for a reason that is not known here."""
    return dict(spec) | {"stages": [*older(spec)["stages"], {"name": "newer", "share": "all"}]}


def older(spec: Spec) -> Spec:
    """The spec without what a newer version put into it."""
    return dict(spec) | {
        part: [one for one in spec[part] if one["name"] != "newer"] for part in ("stages", "guardrails")
    }


NEWER: Mapping[str, Callable[[Spec], Spec]] = {change.__name__: change for change in (newer_beside, newer_stage)}
