"""One dispatch: choose the path, take it, and fall back to legacy where the ML path fails."""

import asyncio
import logging
from dataclasses import dataclass
from random import Random
from time import monotonic, time

from mlrollout.assignment.bucket import group

from . import fleet
from .fleet import Order, Vehicle
from .metrics import Metrics
from .percentage import Percentage
from .ranking import MODELS, fit, nearest, recommend

SALT = "ml_dispatch_v1"
CANDIDATES = 8
# What a real service spends most of its time on: asking a map, or a feature store.
LEGACY_SECONDS = 0.015
ML_SECONDS = 0.040

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Dispatch:
    """What a user gets.

    Attributes:
        group: `control` or `treatment`.
        path: `legacy` or `ml`; in treatment it is `legacy` where the ML path failed.
        vehicles: Codes of the vehicles, best first.
    """

    group: str
    path: str
    vehicles: tuple[str, ...]


class Service:
    """Dispatches orders with the deployed model.

    Attributes:
        revision: The deployed model.
        first_failure: When it first failed, seconds since the epoch; `None` where it has not.
    """

    def __init__(self, percentage: Percentage, metrics: Metrics) -> None:
        self._percentage = percentage
        self._metrics = metrics
        self._rng = Random(0)  # noqa: S311 - synthetic orders
        self._fleet = fleet.fleet()
        self.deploy(next(iter(MODELS)))

    def deploy(self, revision: str) -> None:
        """Serve this model from now on; a `KeyError` where there is none of that name."""
        self._model = MODELS[revision]
        self.revision = revision
        self.first_failure: float | None = None

    @property
    def percentage(self) -> int:
        """The share of users that get the deployed model now, 0 to 100."""
        return self._percentage.of(self.revision)

    async def dispatch(self, user: str) -> Dispatch:
        """Vehicles for a new order of this user."""
        order = fleet.order(self._rng)
        vehicles = self._rng.sample(self._fleet, CANDIDATES)
        if group(SALT, user, self.percentage) == "treatment":
            return await self._treatment(order, vehicles)
        return await self._control(order, vehicles)

    async def _control(self, order: Order, vehicles: list[Vehicle]) -> Dispatch:
        began = monotonic()
        chosen = await self._legacy(order, vehicles)
        # Both groups are measured with the same yardstick.
        self._metrics.success("control", fit(order, chosen), monotonic() - began)
        return Dispatch("control", "legacy", (chosen.code,))

    async def _treatment(self, order: Order, vehicles: list[Vehicle]) -> Dispatch:
        began = monotonic()
        try:
            best = await self._ml(order, vehicles)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a new model, the user is served
            self._note(error)
            chosen = await self._legacy(order, vehicles)
            self._metrics.failure("treatment", monotonic() - began)
            return Dispatch("treatment", "legacy", (chosen.code,))
        self._metrics.success("treatment", fit(order, best[0]), monotonic() - began)
        return Dispatch("treatment", "ml", tuple(vehicle.code for vehicle in best))

    async def _ml(self, order: Order, vehicles: list[Vehicle]) -> list[Vehicle]:
        model = self._model
        await self._wait(ML_SECONDS)
        return recommend(model, order, vehicles)

    async def _legacy(self, order: Order, vehicles: list[Vehicle]) -> Vehicle:
        await self._wait(LEGACY_SECONDS)
        return nearest(order, vehicles)

    async def _wait(self, mean: float) -> None:
        await asyncio.sleep(self._rng.expovariate(1 / mean))

    def _note(self, error: Exception) -> None:
        if self.first_failure is None:
            self.first_failure = time()
            log.warning("%s failed for the first time; legacy serves the user.", self.revision, exc_info=error)
