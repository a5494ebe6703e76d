"""What is going to happen in one schedule, drawn from its seed before it begins."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from . import receivers, words
from .faults import Fate, Rates
from .receivers import Absence
from .specs import CHANGES, NEWER, Spec, draw, sick
from .step import Step

LAST_STEP = 42.0
"""Seconds after which nobody begins anything new."""
SHORTEST = 20.0
"""Seconds in which calls may fail, at least."""
AFTERMATH = 6.0
"""Seconds after the last step until all is calm."""


class Leading(StrEnum):
    """Who believes that it leads."""

    ALONE = "alone"
    """There is one instance."""
    STANDBY = "standby"
    """One of two, changing hands, sometimes with a moment of both or of none."""
    BOTH = "both"
    """Both of two, for a while."""


@dataclass(frozen=True, slots=True)
class Flavour:
    """A kind of schedule: some troubles, so that each gets deep enough.

    Attributes:
        acts: What may happen, by weight.
        faulty: The ports whose calls may meet a fault.
        leading: Who may lead.
        crashes: Whether instances may crash in the middle of a call.
        most: How many steps there are at most.
        models: What is rolled out.
    """

    acts: Mapping[str, int]
    faulty: tuple[str, ...] = ()
    leading: tuple[Leading, ...] = (Leading.ALONE,)
    crashes: bool = False
    most: int = 5
    models: tuple[str, ...] = ("good", "good", "good", "bad", "bad-at-30", "late")


_SICKENING = ("good", "bad", "bad-at-30", "late", "late", "late")
_USE = {"revise": 4, "verb": 4, "edit": 3}
FLAVOURS: Mapping[str, Flavour] = {
    "calm": Flavour(_USE, most=3),
    "crashes": Flavour(_USE | {"crash": 4, "freeze": 1}, ("redis", "api"), tuple(Leading), crashes=True),
    "hands": Flavour({"revise": 1, "verb": 6, "edit": 6, "delete": 3, "set_key": 4, "rewind": 1}),
    "losses": Flavour(
        {"revise": 1, "verb": 1, "flush": 3, "fail_over": 4, "crash": 3, "set_key": 1}, ("redis",), models=_SICKENING
    ),
    "api": Flavour(
        _USE | {"outage": 2, "nonsense": 3, "end_watch": 2, "deafen": 3, "rewind": 2, "delete": 1},
        ("api",),
        (Leading.ALONE, Leading.STANDBY),
    ),
    "evidence": Flavour({"revise": 2, "stale": 4, "silence": 5, "outage": 3, "skew": 1, "verb": 1}, ("prometheus",)),
    "leaders": Flavour(_USE | {"hand_over": 5, "freeze": 2, "crash": 1}, ("api", "redis"), tuple(Leading)[1:]),
    "neighbours": Flavour({"revise": 3, "verb": 1, "outage": 1, "cut": 2}, ("redis",)),
    "clients": Flavour({"revise": 3, "verb": 2, "cut": 5, "fail_over": 1, "set_key": 2}, ("redis",)),
    "everything": Flavour(
        {
            **dict.fromkeys(("revise", "verb", "edit", "crash", "outage"), 3),
            **dict.fromkeys(("delete", "set_key", "flush", "fail_over", "stale", "skew", "cut", "freeze"), 1),
            **dict.fromkeys(("deafen", "rewind", "hand_over", "nonsense", "end_watch", "newer", "silence"), 1),
        },
        ("redis", "api", "prometheus"),
        tuple(Leading),
        crashes=True,
        most=8,
    ),
}

_VERBS = ("promote", "promote", "approve", "pause", "resume", "rollback", "retry", "demote")
_SERIES = ("FAILURES", "FAILURES", "REQUESTS", "SECONDS")
_SICKNESSES = ("redis", "conflict", "invalid", "query", "hangs")


@dataclass(frozen=True, slots=True)
class Plan:
    """One schedule before it begins.

    Attributes:
        seed: What all of it was drawn from.
        flavour: Its kind.
        leading: Who leads.
        specs: The objects that are applied at the start, by name.
        sickness: What is wrong with the object `sick`; empty where there is none.
        steps: What happens.
        rates: How likely faults are.
        lost_pushes: The share of pushes that get lost or come late.
        notifies: Whether there are receivers of notifications.
        absences: When these are away.
        fates: What befalls single calls, by their number in the order of all calls of all instances.
        shortest: Seconds in which calls may fail, at least.
        tested: Whether guardrails test at every look (`tested.py`).
        untold: Whether the API server tells a standby nothing for a while (`untold.py`).
        names: What the source of each object's revision names at first (`named.py`); none where the specs say it.
    """

    seed: int
    flavour: str
    leading: Leading
    specs: Mapping[str, Spec]
    sickness: str
    steps: tuple[Step, ...]
    rates: Rates = field(default_factory=dict)
    lost_pushes: float = 0.0
    notifies: bool = True
    absences: tuple[Absence, ...] = ()
    fates: Mapping[int, Fate] = field(default_factory=dict)
    shortest: float = SHORTEST
    tested: bool = False
    untold: bool = False
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def calm_at(self) -> float:
        """When people and faults have done their worst."""
        return max((self.shortest, *(step.at + AFTERMATH for step in self.steps)))

    @property
    def again(self) -> str:
        """The command that runs it once more."""
        if not self.fates:
            return f"pytest tests/simulation/test_schedules.py --simulation-seed={self.seed}{self._only}"
        told = ",".join(f"{number}:{fate.name}" for number, fate in self.fates.items())
        return f"python -m tests.simulation.fates {self.flavour} {told}"

    @property
    def _only(self) -> str:
        if self.untold:
            return " -k told_nothing"
        return " -k tested" if self.tested else " -k source_names" if self.names else ""

    def __str__(self) -> str:
        head = f"seed {self.seed}: {self.flavour}, {self.leading} leading, objects {', '.join(self.specs)}"
        return "\n".join((f"{head} {self.sickness}".rstrip(), *(f"  {step}" for step in self.steps)))


def make(seed: int) -> Plan:
    """The schedule of a seed."""
    chance = random.Random(f"{seed}/plan")  # noqa: S311 - no secret
    name = list(FLAVOURS)[seed % len(FLAVOURS)]
    flavour = FLAVOURS[name]
    specs = {"a": draw(chance, "a", f"{chance.choice(flavour.models)}-0")}
    sickness = ""
    if name == "neighbours":
        sickness = chance.choice(_SICKNESSES)
        specs["sick"] = sick(chance, "sick", sickness, specs["a"]["traffic"]["key"])
    elif chance.random() < 0.1:
        specs["b"] = draw(chance, "b", f"{chance.choice(flavour.models)}-0")
    leading = chance.choice(flavour.leading)
    absences, told = receivers.draw(random.Random(f"{seed}/receivers"), crashes=flavour.crashes)  # noqa: S311
    return Plan(
        seed=seed,
        flavour=name,
        leading=leading,
        specs=specs,
        sickness=sickness,
        steps=words.dress(random.Random(f"{seed}/words"), _steps(chance, flavour, leading, tuple(specs))),  # noqa: S311
        rates={**_rates(chance, flavour), **told},
        absences=absences,
        lost_pushes=chance.choice((0.0, 0.3)) if name != "calm" else 0.0,
    )


def _steps(chance: random.Random, flavour: Flavour, leading: Leading, names: tuple[str, ...]) -> tuple[Step, ...]:
    number = chance.randint(1, flavour.most)
    acts = chance.choices(list(flavour.acts), list(flavour.acts.values()), k=number)
    slots = "a" if leading is Leading.ALONE else "ab"
    steps = []
    for count, act in enumerate(acts, start=1):
        target, value = _DRAWS[act](chance, _Scene(count, names, slots, flavour.models))
        steps.append(Step(round(chance.uniform(2.0, LAST_STEP), 2), act, target, value))
    return tuple(sorted(steps, key=lambda step: step.at))


def _rates(chance: random.Random, flavour: Flavour) -> Rates:
    """Each port is hit by some kinds of fault and not by others."""
    rates: dict[tuple[str, Fate], float] = {}
    for port in flavour.faulty:
        for fate in (Fate.SLOW, Fate.FAIL, Fate.LOST, Fate.LATE):
            if chance.random() < 0.5:
                rates[port, fate] = chance.choice((0.03, 0.1, 0.2))
        if flavour.crashes and port != "prometheus":
            rates[port, chance.choice((Fate.CRASH_BEFORE, Fate.CRASH_AFTER))] = chance.choice((0.003, 0.01, 0.02))
    return rates


@dataclass(frozen=True, slots=True)
class _Scene:
    """What a step can be about."""

    count: int
    names: tuple[str, ...]
    slots: str
    models: tuple[str, ...]


def _said(chance: random.Random, why: str) -> tuple[str, str]:
    """A verb and its value, which ends in a word of its own."""
    verb = chance.choice(_VERBS)
    return verb, f"{chance.choice((10, 30))} {why}" if verb == "demote" else why


def _on_object(values: Callable[[random.Random, _Scene], object]) -> "_Draw":
    return lambda chance, scene: (chance.choice(scene.names), values(chance, scene))


def _on_slot(shortest: float, longest: float) -> "_Draw":
    return lambda chance, scene: (chance.choice(scene.slots), round(chance.uniform(shortest, longest), 1))


def _anywhere(shortest: float, longest: float) -> "_Draw":
    return lambda chance, _: ("", round(chance.uniform(shortest, longest), 1))


def _outage(chance: random.Random, scene: _Scene) -> tuple[str, object]:
    ports = ["redis", "api", "prometheus", *(f"api of {slot}" for slot in scene.slots)]
    return chance.choice(ports), round(chance.uniform(2.0, 40.0), 1)


def _nonsense(chance: random.Random, scene: _Scene) -> tuple[str, object]:
    return chance.choice(("api", *(f"api of {slot}" for slot in scene.slots))), round(chance.uniform(1.0, 40.0), 1)


_Draw = Callable[[random.Random, _Scene], tuple[str, object]]
"""Draws the target and the value of a step."""

_DRAWS: Mapping[str, _Draw] = {
    "revise": _on_object(lambda chance, scene: f"{chance.choice(scene.models)}-{scene.count}"),
    "verb": _on_object(lambda chance, scene: _said(chance, f"because-{scene.count}")),
    "edit": _on_object(lambda chance, _: chance.choice(tuple(CHANGES))),
    "newer": _on_object(lambda chance, _: (chance.choice(tuple(NEWER)), round(chance.uniform(1.0, 15.0), 1))),
    "delete": _on_object(lambda chance, _: round(chance.uniform(0.0, 20.0), 1)),
    "set_key": _on_object(lambda chance, _: chance.choice((None, "0", "0", "3", "50", "100", "on"))),
    "rewind": _on_slot(0.0, 20.0),
    "flush": _anywhere(0.0, 0.0),
    "fail_over": _anywhere(0.1, 20.0),
    "crash": _on_slot(0.5, 30.0),
    "freeze": _on_slot(0.5, 15.0),
    "skew": _on_slot(-10.0, 10.0),
    "deafen": _on_slot(2.0, 40.0),
    "hand_over": _on_slot(-3.0, 6.0),
    "outage": _outage,
    "nonsense": _nonsense,
    "end_watch": _on_slot(0.0, 0.0),
    "stale": _on_object(lambda chance, _: round(chance.uniform(5.0, 40.0), 1)),
    "silence": _on_object(lambda chance, _: (chance.choice(_SERIES), round(chance.uniform(5.0, 40.0), 1))),
    "cut": lambda chance, _: (chance.choice(("x", "y")), round(chance.uniform(2.0, 40.0), 1)),
}
