"""Everything of the demo, started: what the dispatch demo has, a real model registry, and the learner."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from devstack.console import say
from devstack.dispatch.house import House, furnished
from devstack.dispatch.service import EXAMPLE
from devstack.mlflow_server import MlflowServer
from devstack.processes import wait_until

from .learner import LearnerProcess

MANIFEST = EXAMPLE / "rollout-learning.yaml"
ADDRESS = "http://mlflow.ml:5000"
"""The registry's in the manifest; here it is on this machine."""
RATE, ASSIGN = 22.0, 0.9
"""Looks at orders per second, and the share that ends in an assignment: outcomes are what it is about."""
PATIENCE = 3600.0
SEEN = "sum(ml_dispatch_satisfaction_count) > 250"
"""Enough dispatches for the first version to say what its inputs are like."""


@dataclass(frozen=True)
class Place:
    """What runs.

    Attributes:
        house: What the dispatch demo has.
        registry: The address of MLflow.
        learner: The learner.
    """

    house: House
    registry: str
    learner: LearnerProcess

    def begin(self) -> None:
        """Apply the rollout."""
        self.house.begin(MANIFEST.read_text().replace(ADDRESS, self.registry))


@contextmanager
def running(folder: Path) -> Iterator[Place]:
    """All of it, as long as the block; there is no model yet, and no rollout."""
    models = folder / "models"
    models.mkdir()
    with ExitStack() as parts:
        say("Starting a model registry: MLflow on SQLite.")
        registry = parts.enter_context(MlflowServer(folder / "mlflow")).url
        settings = {"MLROLLOUT_ALLOWED_REVISION_SOURCES": registry}
        house = parts.enter_context(
            furnished(folder, options={"models": models}, settings=settings, rate=RATE, assign=ASSIGN)
        )
        say("Starting the learner.")
        told = (registry, models, house.service.database, folder / "learner")
        learner = parts.enter_context(LearnerProcess(*told, patience=PATIENCE))
        prometheus = house.stack.prometheus
        assert prometheus is not None  # noqa: S101 - none was given
        prometheus.set_targets("app", [house.service.address, learner.address])
        wait_until(lambda: prometheus.query(SEEN), within=120, what="the first dispatches to be rated")
        yield Place(house, registry, learner)
