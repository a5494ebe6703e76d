"""Schedules whose guardrails test at every look: ordinary ones, with other guardrails, over a longer time.

Drawn apart from the ordinary ones, so that those stay as they are.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from . import plan
from .counters import PODS
from .plan import Plan
from .specs import Spec
from .step import Step

SLOWER = 1.5
"""How many times as long people and weather take: no stage is left without a block that lies in it."""

_SETS = (
    ("rate",),
    ("rate", "threshold"),
    ("rate", "balance"),
    ("compare",),
    ("compare", "balance"),
    ("compare", "rate"),
    ("compare", "rate", "balance"),
)
_MAX = 0.05
_PROVABLE = 10
"""Per cent of the users with whom it is soon proven that a good model keeps twice that."""


def make(seed: int) -> Plan:
    """The schedule of a seed."""
    ordinary = plan.make(seed)
    chance = random.Random(f"{seed}/tested")  # noqa: S311 - no secret
    specs = {name: _tested(chance, name, spec) for name, spec in ordinary.specs.items()}
    slower = [replace(step, at=round(SLOWER * step.at, 2)) for step in ordinary.steps]
    return replace(
        ordinary,
        specs=specs,
        steps=tuple(sorted((*slower, *_weather(chance, specs)), key=lambda step: step.at)),
        shortest=SLOWER * ordinary.shortest,
        tested=True,
    )


def rate(app: str, group: str = "treatment") -> Mapping[str, Any]:
    """What a rate asks of an application."""
    series = f'app_total{{app="{app}",group="{group}"'
    return {"bad": f'{series},status="failure"}}', "all": f"{series}}}", "max": _MAX}


def compare(app: str) -> Mapping[str, Any]:
    """What a comparison asks of an application."""
    return {"bad": f'app_total{{app="{app}",status="failure"}}', "all": f'app_total{{app="{app}"}}'}


def balance(app: str) -> Mapping[str, Any]:
    """What a guardrail on the split asks of an application."""
    return {"users": f'app_users_total{{app="{app}"}}'}


def _tested(chance: random.Random, name: str, spec: Spec) -> Spec:
    """The same object with guardrails that test at every look, where its own can be understood at all."""
    first, *others = spec["guardrails"]
    if "vector(0)" not in first["query"] or not spec["stages"]:
        return spec
    kinds = chance.choice(_SETS)
    found = [_DRAWS[kind](chance, name) for kind in kinds if kind in _DRAWS]
    found[0]["name"] = "errors"
    made: dict[str, Any] = dict(spec) | {"guardrails": found + (others if "threshold" in kinds else [])}
    if "compare" in kinds and "max" not in found[0]["compare"]:
        made["traffic"] = spec["traffic"] | {"holdback": 5}
    elif chance.random() < 0.2:
        made["traffic"] = spec["traffic"] | {"holdback": 10}
    made["stages"] = [dict(stage) for stage in spec["stages"]]
    if made["stages"][0].pop("require", None) and kinds[0] == "rate" and made["stages"][0]["percentage"] >= _PROVABLE:
        found[0]["rate"] = {**found[0]["rate"], "max": 2 * _MAX}
        made["stages"][0]["require"] = [{"guardrail": "errors", "proven": "Safe"}]
    return made


def _common(chance: random.Random, name: str) -> dict[str, Any]:
    interval = chance.choice((3, 4, 5))
    found: dict[str, Any] = {"name": name, "interval": f"{interval}s", "deadline": "1s"}
    found["maxAge"] = f"{interval * chance.choice((1, 2, 6))}s"
    if chance.random() < 0.3:
        found["falseAlarm"] = 0.001
    if chance.random() < 0.3:
        found["minSamples"] = {"count": 20}
    if chance.random() < 0.15:
        found[chance.choice(("onNoData", "onError"))] = {"action": "Rollback", "after": "60s"}
    return found


def _rate(chance: random.Random, app: str) -> dict[str, Any]:
    return _common(chance, "rate") | {"rate": rate(app)}


def _compare(chance: random.Random, app: str) -> dict[str, Any]:
    tolerated = chance.choice(({"ratio": 1.5}, {"ratio": 2}, {"difference": 0.02}))
    alone = chance.choice(({}, {"max": 0.1}))
    return _common(chance, "compare") | {"compare": {**compare(app), **tolerated, **alone}}


def _balance(chance: random.Random, app: str) -> dict[str, Any]:
    action = chance.choice(({}, {}, {"action": "Alert"}))
    return _common(chance, "balance") | {"balance": balance(app)} | action


_DRAWS = {"rate": _rate, "compare": _compare, "balance": _balance}


def _weather(chance: random.Random, specs: Mapping[str, Spec]) -> Iterator[Step]:
    last = SLOWER * plan.LAST_STEP

    def moment() -> float:
        return round(chance.uniform(5.0, last), 2)

    for _ in range(chance.choice((0, 0, 1, 2, 3))):
        yield Step(moment(), "restart_pod", "a", chance.choice(PODS))
    if _is_compared(specs["a"]["guardrails"]) and chance.random() < 0.4:
        yield Step(moment(), "bad_hour", "a", round(chance.uniform(5.0, 60.0), 1))
    if chance.random() < 0.1:
        yield Step(moment(), "break_split", "a", round(chance.uniform(30.0, 60.0), 1))


def _is_compared(guardrails: Sequence[Mapping[str, Any]]) -> bool:
    """Whether whatever takes the object back is a comparison that never goes on alone."""
    return all("balance" in one or ("compare" in one and "max" not in one["compare"]) for one in guardrails)
