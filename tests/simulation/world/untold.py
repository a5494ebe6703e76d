"""Schedules in which the API server tells a standby nothing for a while, and who leads goes meanwhile, or stands still.

Made of all the others, and drawn apart, so that those stay as they are.
"""

import random
from collections.abc import Iterator
from dataclasses import replace

from . import named, plan, tested
from .plan import Leading, Plan
from .step import Step

_EARLY = (2.0, 9.0)
"""Seconds in which the first stage begins, mostly."""
_LATER = (9.0, 30.0)


def make(seed: int) -> Plan:
    """The schedule of a seed."""
    chance = random.Random(f"{seed}/untold")  # noqa: S311 - no secret
    other = chance.choice((plan.make, tested.make, named.make))(seed)
    steps = tuple(sorted((*other.steps, *_weather(chance)), key=lambda step: step.at))
    return replace(other, leading=Leading.STANDBY, steps=steps, untold=True)


def _weather(chance: random.Random) -> Iterator[Step]:
    untold, gone = chance.sample("ab", 2)
    begin, lasts = chance.uniform(*(_EARLY if chance.random() < 0.6 else _LATER)), round(chance.uniform(15.0, 40.0), 1)
    if chance.random() < 0.5:
        yield Step(round(begin, 2), "deafen", untold, lasts)
    else:
        yield Step(round(begin, 2), "nonsense", f"api of {untold}", lasts)
    goes, away = round(begin + chance.uniform(3.0, 25.0), 2), round(chance.uniform(3.0, 15.0), 1)
    yield chance.choice(
        (Step(goes, "crash", gone, away), Step(goes, "freeze", gone, away), Step(goes, "hand_over", "", -away))
    )
    if chance.random() < 0.4:
        yield Step(round(begin + chance.uniform(0.0, 10.0), 2), "verb", "a", ("retry", "because-80"))
