"""Schedules whose objects have their revision from a source: ordinary ones, with a registry for each.

Drawn apart from the ordinary ones, so that those stay as they are.
"""

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from . import plan
from .plan import Plan
from .specs import Spec
from .step import Step

_BAD = ("name_nothing", "registry_away", "registry_lags", "go_back")


def make(seed: int) -> Plan:
    """The schedule of a seed."""
    ordinary = plan.make(seed)
    chance = random.Random(f"{seed}/named")  # noqa: S311 - no secret
    specs = {name: _named(chance, spec) for name, spec in ordinary.specs.items()}
    steps = [replace(step, act="name") if step.act == "revise" else step for step in ordinary.steps]
    steps += _weather(chance, tuple(specs))
    return replace(
        ordinary,
        specs=specs,
        names={name: spec["revision"] for name, spec in ordinary.specs.items()},
        steps=tuple(sorted(steps, key=lambda step: step.at)),
    )


def _named(chance: random.Random, spec: Spec) -> Spec:
    source: dict[str, Any] = {"interval": f"{chance.choice((5, 6))}s"}
    if chance.random() < 0.5:
        source["http"] = {"address": "http://registry/model.json"}
    else:
        source["mlflow"] = {"address": "http://registry", "model": "dispatch", "onCompletion": "champion"}
    if chance.random() < 0.25:
        source["approval"] = "Manual"
    return {name: value for name, value in spec.items() if name != "revision"} | {"revisionFrom": source}


def _weather(chance: random.Random, names: tuple[str, ...]) -> Iterator[Step]:
    for count in range(chance.choice((0, 1, 1, 2, 3))):
        act, at = chance.choice((*_BAD, "name", "name")), round(chance.uniform(2.0, plan.LAST_STEP), 2)
        value: object = round(chance.uniform(2.0, 30.0), 1)
        if act == "name":
            value = f"{chance.choice(('good', 'bad', 'late'))}-w{count}"
        yield Step(at, act, chance.choice(names), value)
    if chance.random() < 0.3:
        for count in range(3):
            at = round(chance.uniform(5.0, plan.LAST_STEP), 2)
            yield Step(at, "verb", chance.choice(names), ("approve", f"because-{90 + count}"))
