"""A logistic regression that learns from single outcomes: a Kalman filter, which is Newton's method step by step.

Each outcome adds what it says of the weights to the `precision`, and moves them by as much as it can move what is
known already. Source: de Vilmarest and Wintenberger, "Stochastic online optimization using Kalman recursion", 2021.
Plain gradient descent needs many more outcomes, since the features hang together: vehicles that are near come in time.

A few lines of our own, and no library: outcomes of the same second have no order, so they are learned together, by
their exact sums. Libraries for streams learn one after the other, and what they have learned depends on the order.
"""

from collections.abc import Sequence
from math import exp, fsum, log
from typing import TypeAlias

import numpy as np
from dispatch.model import FEATURES, Model
from pydantic import BaseModel, ConfigDict

from .outcome import Inputs, Outcome

TRUST = 1.0
"""How firmly it begins by the weights that it starts from: 4 outcomes for each weight are worth 1 at most."""
MEMORY = 20_000
"""After so many further outcomes, one counts a third: what held a year ago need not hold now."""
LEAST = 0.05
"""What an outcome says at least, also where the model was sure: or many that went otherwise would throw it far off."""
WIDEST = 100.0
"""No weight grows beyond it; a model's file holds none above 1000."""
SURE = 0.05
"""No prediction counts as surer than this: one outcome that nobody expected is a mistake, and not a catastrophe."""

Row: TypeAlias = tuple[float, ...]
_SIZE = len(FEATURES) + 1
_BEGIN = tuple(tuple(TRUST * (i == j) for j in range(_SIZE)) for i in range(_SIZE))


class Online(BaseModel):
    """What has been learned so far.

    Attributes:
        weights: One for each of the features, and the intercept at the end.
        precision: How firmly they stand: the inverse of their covariance.
        learned: From how many outcomes.
    """

    model_config = ConfigDict(frozen=True)

    weights: Row = (0.0,) * _SIZE
    precision: tuple[Row, ...] = _BEGIN
    learned: int = 0

    @classmethod
    def of(cls, model: Model) -> "Online":
        """What goes on from this model."""
        return cls(weights=(*model.weights, model.intercept))

    def predict(self, inputs: Inputs) -> float:
        """How likely it goes well, 0 to 1."""
        odds = fsum(weight * value for weight, value in zip(self.weights, (*inputs, 1.0), strict=True))
        return 1 / (1 + exp(-odds)) if odds >= 0 else exp(odds) / (1 + exp(odds))

    def learn(self, together: Sequence[Outcome]) -> "Online":
        """The model after these, none of which was known before another. Their order matters to no bit."""
        if not together:
            return self
        told = [((*one.inputs, 1.0), self.predict(one.inputs), one.well) for one in together]
        kept = (1 - 1 / MEMORY) ** len(together)
        precision = tuple(
            tuple(
                kept * self.precision[i][j]
                + (1 - kept) * _BEGIN[i][j]  # what is never asked about is not forgotten without end
                + fsum(max(p * (1 - p), LEAST) * x[i] * x[j] for x, p, _ in told)
                for j in range(_SIZE)
            )
            for i in range(_SIZE)
        )
        pull = [fsum((well - p) * x[i] for x, p, well in told) for i in range(_SIZE)]
        moved = np.linalg.solve(np.array(precision), np.array(pull))
        weights = tuple(
            min(max(weight + float(by), -WIDEST), WIDEST) for weight, by in zip(self.weights, moved, strict=True)
        )
        return Online(weights=weights, precision=precision, learned=self.learned + len(together))


def log_loss(predicted: float, *, well: bool) -> float:
    """How wrong a prediction was; none counts as surer than `SURE`."""
    bounded = min(max(predicted, SURE), 1 - SURE)
    return -log(bounded if well else 1 - bounded)
