"""Outcomes and models for the learner's tests."""

from random import Random
from typing import Any

from dispatch.history import history
from dispatch.model import Model, inputs
from learner.lesson import State
from learner.outcome import Inputs, Outcome
from learner.pretend import pretend

NOON = 1_795_694_400
COIN = Model("1", (0.0,) * 5, (0.5,) * 5, 0.0)
"""A champion that knows nothing."""


def outcome(number: int = 1, **differs: Any) -> Outcome:
    told: dict[str, Any] = {"dispatch": number, "user": f"user-{number}", "inputs": (0.5,) * 5, "rating": 5}
    told |= {"predicted_at": NOON, "known_at": NOON}
    return Outcome(number, **(told | differs))


def stream(count: int, seed: int = 1, *, flipped: bool = False) -> list[Outcome]:
    """Outcomes of the example's history, one a second."""
    told = history(count * 2, seed)
    return [
        outcome(
            n, inputs=inputs(seen), rating=5 if well is not flipped else 2, predicted_at=NOON + n, known_at=NOON + n
        )
        for n, (seen, well) in zip(range(1, count + 1), told, strict=False)
    ]


def chance_inputs(rng: Random) -> Inputs:
    return tuple(rng.random() for _ in range(5))


def season() -> Model:
    told = pretend("season")
    return Model("1", told.weights, told.averages, told.intercept)


def facing(champion: Model) -> State:
    return State().facing(champion)
