"""The model as it is served: a logistic regression, which says how likely a dispatch goes well.

Its file is JSON with a handful of numbers. Unlike a pickle it can't run code when it is read, and whoever reviews a new
model reads it. Serving needs no scikit-learn; see `train.py` for how it is made.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import exp
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .breakdown import Breakdown

FEATURES = ("near", "rested", "in_time", "liked", "voltage")
"""What the model is given, each from 0, bad, to 1, good."""
LARGEST_FILE = 64 * 1024


class ModelError(Exception):
    """There is no model to ask, and why."""


Number = Annotated[float, Field(allow_inf_nan=False, ge=-1000, le=1000)]
Shares = Annotated[list[Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]], Field(min_length=2, max_length=100)]
Numbers = Annotated[list[Number], Field(min_length=len(FEATURES), max_length=len(FEATURES))]


class ModelFile(BaseModel):
    """What a file must hold."""

    model_config = ConfigDict(extra="forbid", strict=True)

    revision: Annotated[str, Field(min_length=1, max_length=63)]
    features: list[str]
    weights: Numbers
    averages: Numbers
    intercept: Number
    quality: dict[str, float]
    reference: dict[str, Shares] | None = None
    """How the values of each feature were spread when it was registered: see `learner/drift.py`."""


@dataclass(frozen=True, slots=True)
class Model:
    """A trained model.

    Attributes:
        revision: What the rollout calls it.
        weights: One for each of `FEATURES`.
        averages: What each of them was on average in the history.
        intercept: The log-odds where all of them are 0.
        reference: How the values of each feature were spread when it was registered; empty where nobody knows.
    """

    revision: str
    weights: Sequence[float]
    averages: Sequence[float]
    intercept: float
    reference: Mapping[str, Sequence[float]] = field(default_factory=dict)

    def score(self, seen: Breakdown) -> float:
        """How likely it goes well, 0 to 1."""
        odds = self.intercept + sum(w * x for w, x in zip(self.weights, inputs(seen), strict=True))
        return 1 / (1 + exp(-odds)) if odds >= 0 else exp(odds) / (1 + exp(odds))

    def merits(self, seen: Breakdown) -> dict[str, float]:
        """What each of `FEATURES` adds to the log-odds of an average dispatch: the reasons for a score."""
        told = zip(FEATURES, self.weights, inputs(seen), self.averages, strict=True)
        return {name: weight * (value - average) for name, weight, value, average in told}


def inputs(seen: Breakdown) -> tuple[float, ...]:
    """What the model is given, in the order of `FEATURES`."""
    return (1 - seen.distance, 1 - seen.rotation, seen.time_window, seen.preference, float(seen.voltage))


def load(file: Path) -> Model:
    """Read a model.

    Raises:
        ModelError: The file is absent, too large, no model of ours, or another revision's than its name says.
    """
    try:
        with file.open("rb") as opened:
            text = opened.read(LARGEST_FILE + 1)
        if len(text) > LARGEST_FILE:
            raise ModelError(f"the model {file.name} is above {LARGEST_FILE} bytes: it is none of ours")
        held = ModelFile.model_validate(json.loads(text))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"the model {file.name} can't be loaded: {_why(error)}") from error
    if tuple(held.features) != FEATURES:
        raise ModelError(f"the model {file.name} was trained on {held.features}, and is given {list(FEATURES)}")
    if held.revision != file.stem:
        raise ModelError(f"the model {file.name} says it is {held.revision!r}: a file is named after its revision")
    return Model(held.revision, held.weights, held.averages, held.intercept, held.reference or {})


def save(model: ModelFile, folder: Path) -> Path:
    """Write it under its revision's name, in one piece: a process that starts meanwhile reads the old or the new."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{model.revision}.json"
    half = file.with_suffix(".json.new")
    half.write_text(json.dumps(model.model_dump(exclude_none=True), indent=2) + "\n")
    return half.replace(file)


def _why(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first: Any = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return str(error)
