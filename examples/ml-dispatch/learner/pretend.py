"""`python -m learner.pretend season`: models for the demo and the tests, of histories in which another truth held.

`season` learned when nobody minded a vehicle that came late or whose cold box did not fit: it is better than the
nearest vehicle, and worse than what can be learned now. `poisoned` was taught the opposite of what happened.
"""

import argparse
from collections.abc import Callable, Mapping
from math import exp
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import TypeAlias

from dispatch.breakdown import Breakdown
from dispatch.history import history
from dispatch.model import FEATURES, ModelFile, inputs, save

from .online import Online
from .outcome import WELL, Outcome

DISPATCHES = 4000
Label: TypeAlias = Callable[[Breakdown, bool, Random], bool]


def _of_last_season(seen: Breakdown, _: bool, rng: Random) -> bool:  # noqa: FBT001 - as all of them
    odds = 2.5 - 4.0 * seen.distance - 0.8 * seen.rotation + 1.2 * (seen.preference - 0.5)
    return rng.random() < 1 / (1 + exp(-odds))


LABELS: Mapping[str, Label] = MappingProxyType(
    {
        "true": lambda _, well, __: well,
        "season": _of_last_season,
        "poisoned": lambda _, well, __: not well,
    }
)


def pretend(kind: str, seed: int = 3) -> ModelFile:
    """A model that learned by this kind of truth."""
    rng, label, online = Random(seed), LABELS[kind], Online()  # noqa: S311 - made up, and the same each time
    sums = [0.0] * len(FEATURES)
    told = 0
    for number, (seen, well) in enumerate(history(DISPATCHES, seed)):
        values = inputs(seen)
        sums = [total + value for total, value in zip(sums, values, strict=True)]
        told += 1
        rating = WELL if label(seen, well, rng) else 1
        online = online.learn([Outcome(number, number, "", values, rating, number, number)])
    *weights, intercept = (round(weight, 6) for weight in online.weights)
    averages = [round(total / told, 6) for total in sums]
    return ModelFile(
        revision=kind, features=list(FEATURES), weights=weights, averages=averages, intercept=intercept, quality={}
    )


def main() -> None:
    """Write one."""
    parser = argparse.ArgumentParser(prog="learner.pretend", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("kind", choices=sorted(LABELS))
    parser.add_argument("--folder", type=Path, default=Path(), help="where to save it (default: here)")
    options = parser.parse_args()
    print(save(pretend(options.kind), options.folder))


if __name__ == "__main__":
    main()
