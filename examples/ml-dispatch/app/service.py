"""One dispatch: the model's recommendation for who is in treatment, the nearest vehicle for all others."""

import asyncio
import logging
from dataclasses import dataclass
from random import Random
from time import time

from mlrollout import Feature, Group, Metrics, Rollout

from . import fleet
from .fleet import Order, Vehicle
from .ranking import MODELS, fit, nearest, recommend

CANDIDATES = 8
TIMEOUT = 2.0
# What a real service spends most of its time on: asking a map, or a feature store.
LEGACY_SECONDS = 0.015
ML_SECONDS = 0.040
MAP_FAILS = 0.03
"""How often the map does not answer, whichever path asks."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Dispatch:
    """What a user gets.

    Attributes:
        path: `legacy` or `ml`; for a user in treatment it is `legacy` where the ML path failed.
        vehicles: Codes of the vehicles, best first.
        fit: How well the best one fits. Both paths are measured with the same yardstick.
    """

    path: str
    vehicles: tuple[str, ...]
    fit: float


class MapError(Exception):
    """The map did not answer."""


class Service:
    """Dispatches orders with the deployed model.

    Args:
        rollout: Who gets the ML path.
        metrics: Where outcomes go.
        map_fails: How often the map does not answer.

    Attributes:
        revision: The deployed model.
        first_failure: When it first failed by its own fault, seconds since the epoch; `None` where it has not.
    """

    def __init__(self, rollout: Rollout, metrics: Metrics, map_fails: float = MAP_FAILS) -> None:
        self._rollout = rollout
        self._map_fails = map_fails
        self._rng = Random(0)  # noqa: S311 - synthetic orders
        self._fleet = fleet.fleet()
        feature = Feature(rollout, metrics, timeout=TIMEOUT)
        self._dispatch = feature(legacy=self._nearest, score=lambda dispatch: dispatch.fit)(self._fittest)
        self.deploy(next(iter(MODELS)))

    def deploy(self, revision: str) -> None:
        """Serve this model from now on; a `KeyError` where there is none of that name."""
        self._model = MODELS[revision]()
        self._rollout.revision = self.revision = revision
        self.first_failure: float | None = None

    @property
    def percentage(self) -> int:
        """The share of users that get the deployed model now, 0 to 100."""
        return self._rollout.percentage

    def group(self, user: str) -> Group:
        """The group that this user is in now."""
        return self._rollout.group(user)

    async def dispatch(self, user: str) -> Dispatch:
        """Vehicles for a new order of this user.

        Raises:
            MapError: The legacy path can't answer either.
        """
        return await self._dispatch(user, fleet.order(self._rng), self._rng.sample(self._fleet, CANDIDATES))

    async def _fittest(self, user: str, order: Order, vehicles: list[Vehicle]) -> Dispatch:  # noqa: ARG002 - the rollout's
        model = self._model
        await self._ask_map(ML_SECONDS)
        try:
            best = recommend(model, order, vehicles)
        except Exception:
            self.first_failure = self.first_failure or time()
            raise
        return Dispatch("ml", tuple(vehicle.code for vehicle in best), fit(order, best[0]))

    async def _nearest(self, user: str, order: Order, vehicles: list[Vehicle]) -> Dispatch:  # noqa: ARG002 - likewise
        await self._ask_map(LEGACY_SECONDS)
        chosen = nearest(order, vehicles)
        return Dispatch("legacy", (chosen.code,), fit(order, chosen))

    async def _ask_map(self, mean: float) -> None:
        await asyncio.sleep(self._rng.expovariate(1 / mean))
        if self._rng.random() < self._map_fails:
            raise MapError("the map did not answer")
