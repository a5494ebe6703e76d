"""The story: a champion, a candidate that is learned and promoted by itself, and a poisoned one that is taken back."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from devstack.console import say
from devstack.errors import DevstackError
from devstack.processes import wait_until

from . import registry
from .figures import Chosen, by_choice
from .place import Place

WITHIN = 240.0
PAUSE = 0.5
DRIFT = 'topk(1, max by (feature) (max_over_time(ml_dispatch_feature_psi{feature!="rested"}[5m])))'
"""The feature that has drifted most of all, of those that the rollout's guardrail asks about."""


@dataclass
class Story:
    """The story before a person, who need not do anything.

    Args:
        place: Where it takes place.
    """

    place: Place

    def __post_init__(self) -> None:
        self._began = time.monotonic()

    def play(self) -> None:
        """Tell all of it, and raise where something does not happen as promised."""
        first = self.place.learner.enrol(self.place.learner.pretend("season"), "candidate")
        self._say(f"Version {first} is registered by hand: it learned last season, when nobody minded who came late.")
        self.place.begin()
        self._rolls_out(first)
        second = self._learns(first)
        self._rolls_out(second)
        self._compares(first, second)
        self._is_poisoned(second)

    def _learns(self, champion: str) -> str:
        self._say("The learner learns from what becomes of dispatches, and compares on a third that it holds back.")
        version: str = self._until(self._other_than(champion), "a candidate to be better by more than chance")
        told = registry.tags(self.place.registry, version)
        self._say(
            f"The learner registers version {version}, learned from {told['learned']:.0f} outcomes. Offline, on "
            f"{told['held_back']:.0f} held back: log loss {told['log_loss']:.3f}, the champion's "
            f"{told['log_loss_of_champion']:.3f}; evidence {told['e_value']:.0f}, needed are 20."
        )
        return version

    def _other_than(self, champion: str) -> Callable[[], str | None]:
        return lambda: found if (found := self._alias("candidate")) != champion else None

    def _rolls_out(self, version: str) -> None:
        """Until the registry calls it the champion."""
        began, stood = time.monotonic(), -1

        def promoted() -> bool:
            nonlocal stood
            record = self._record()
            if record.get("revision") == version:
                if record.get("latched"):
                    raise DevstackError(f"Version {version} was taken back: {self._why()}")
                if record["percentage"] != stood:
                    stood = record["percentage"]
                    self._say(f"Version {version}: {stood} % of the users.")
            return self._alias("champion") == version

        self._until(promoted, f"version {version} to be promoted")
        self._say(f"Version {version} is the champion, {time.monotonic() - began:.0f} s after it was registered.")

    def _compares(self, first: str, second: str) -> None:
        time.sleep(5)  # for the second to have as many dispatches as can be told of
        for name, chosen in sorted(self._chosen().items(), reverse=True):
            words = {"legacy": "the nearest vehicle", first: f"version {first}", second: f"version {second}"}
            self._say(f"Online, {words.get(name, name)}: {chosen}.")
        self._say(f"Inputs have drifted most of all in {self._drift()} (PSI); above 0.25 no stage begins.")

    def _is_poisoned(self, champion: str) -> None:
        version = self.place.learner.enrol(self.place.learner.pretend("poisoned"), "candidate")
        began = time.monotonic()
        self._say(f"Version {version} is registered by hand: it was taught the opposite of what happened.")
        self._until(lambda: self._record().get("revision") == version, f"version {version} to begin")
        self._say(f"Version {version} begins {time.monotonic() - began:.1f} s later.")
        self._until(lambda: self._record().get("latched"), f"version {version} to be taken back")
        self._say(f"Taken back {time.monotonic() - began:.0f} s after it was registered: {self._why()}")
        chosen = self._chosen()
        cost, before = chosen.get(version, Chosen()), chosen.get(champion, Chosen())
        more = cost.known * (before.share - cost.share)
        self._say(f"It cost {cost.dispatches} dispatches: {cost}, some {more:.0f} fewer than by version {champion}.")
        if self._alias("champion") != champion:
            raise DevstackError(f"The champion is no longer version {champion}.")
        self._say(f"The champion is still version {champion}; nobody had to do anything.")

    def _chosen(self) -> dict[str, Chosen]:
        return by_choice(self.place.house.service.database)

    def _drift(self) -> str:
        prometheus = self.place.house.stack.prometheus
        found = prometheus.query(DRIFT) if prometheus else []
        if not found:
            raise DevstackError("The learner does not say how far the inputs have drifted.")
        return f"`{found[0]['metric']['feature']}`, by {float(found[0]['value'][1]):.2f}"

    def _alias(self, name: str) -> str:
        return registry.alias(self.place.registry, name)

    def _record(self) -> dict[str, Any]:
        record: dict[str, Any] = self._status().get("record") or {}
        return record

    def _why(self) -> str:
        progress: dict[str, Any] = self._status().get("progress") or {}
        return str(progress.get("message", ""))

    def _status(self) -> dict[str, Any]:
        found: dict[str, Any] = self.place.house.stack.cluster.get("mlr", "ml-dispatch", "-n", "dispatch").get(
            "status", {}
        )
        return found

    def _until(self, condition: Callable[[], Any], what: str) -> Any:  # noqa: ANN401 - whatever it waits for
        def now_and_then() -> Any:  # noqa: ANN401 - likewise
            time.sleep(PAUSE)
            return condition() or None

        return wait_until(now_and_then, within=WITHIN, what=what)

    def _say(self, line: str) -> None:
        say(f"{time.monotonic() - self._began:5.1f} s  {line}")
