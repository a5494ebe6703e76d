"""What happens in the demo, in two acts."""

import json
import os
import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from mlrollout.api.spec import Spec

from devstack.cluster import Cluster
from devstack.errors import DevstackError
from devstack.operator_process import Operator

from .application import EXAMPLE, DispatchApp
from .chronicle import SETTLED, Scene, spells
from .observer import NAME, NAMESPACE, Observer
from .promises import Promise, earned, taken_back
from .tellers import Teller

ROLLOUT = EXAMPLE / "rollout.yaml"
BAD = "ranker-2026-11-17"
# So long after a rollback it can be seen that nobody is in treatment.
AFTERMATH = SETTLED + 2.0
_TAIL = 40


class BrokenPromiseError(DevstackError):
    """The demo did not show what it is there to show; carries the end of the operator's log."""

    def __init__(self, happened: str, operator: Operator) -> None:
        super().__init__(happened, meaning=f"{operator.log} ends with:\n{operator.child.tail(_TAIL)}")


def rollout(file: Path = ROLLOUT) -> Spec:
    """What the example asks for."""
    return Spec.model_validate(yaml.safe_load(file.read_text())["spec"])


@dataclass(frozen=True)
class Cast:
    """Who takes part.

    Attributes:
        cluster: Where the object lives.
        operator: What is shown.
        app: What is rolled out in.
        observer: Sees it all.
        teller: Tells it.
    """

    cluster: Cluster
    operator: Operator
    app: DispatchApp
    observer: Observer
    teller: Teller


class Story:
    """Makes things happen and watches.

    Args:
        cast: Who takes part.
        deadline: By `time.monotonic`, when all must be over.
    """

    def __init__(self, cast: Cast, deadline: float) -> None:
        self._cast = cast
        self._say = cast.teller.say
        self._deadline = deadline
        self._spec = rollout()
        self._scenes: list[Scene] = []

    def good_revision(self) -> list[Promise]:
        """Act one: every stage is earned."""
        self._say(f"{self._spec.revision} is deployed beside the legacy path; nobody gets it yet.")
        self._cast.cluster.kubectl("create", "namespace", NAMESPACE)
        self._kubectl("apply", "-f", os.path.relpath(ROLLOUT))
        for stage in self._spec.stages:
            self._until(_holds(stage.percentage), f"{stage.percentage} % in Redis", spoilt_by=_latched)
            self._say(f"Stage {stage.name}: {stage.percentage} % of the users get the ML path.")
        self._until(lambda scene: scene.is_true("Ready"), "Ready", spoilt_by=_latched)
        self._say("All stages are earned. The guardrails go on looking.")
        return list(earned(self._spec, self._scenes))

    def bad_revision(self) -> list[Promise]:
        """Act two: a fault is found while few have it, and taken from them."""
        self._say(f"{BAD} is deployed. The application serves control until the rollout names it.")
        self._cast.app.deploy(BAD)
        patch = json.dumps({"spec": {"revision": BAD}})
        self._kubectl("patch", "mlrollout", NAME, "-n", NAMESPACE, "--type=merge", "-p", patch)
        before = self._scenes[-1].attempt
        first = self._spec.stages[0].percentage
        self._until(lambda scene: scene.attempt > before and scene.percentage == first, f"{first} % in Redis again")
        self._say(f"{first} % of the users get {BAD}, and it divides by zero for some of them.")
        self._until(_latched, "a rollback in Redis", spoilt_by=lambda scene: scene.percentage > first)
        self._say("0 %: the breach took everybody back to the legacy path.")
        self._until(lambda scene: scene.is_true("Stalled") and bool(scene.warnings), "Stalled, and the Events")
        end = time.time() + AFTERMATH
        self._until(lambda scene: scene.at >= end, "some seconds more")
        return list(taken_back(self._spec, self._scenes, self.describe()))

    def describe(self) -> str:
        """What a user sees."""
        return self._cast.cluster.kubectl("describe", "mlrollout", NAME, "-n", NAMESPACE)

    def measured(self) -> list[str]:
        """How long it took from the first failed request, in lines."""
        began = self._cast.app.model()["first_failure"]
        visible = next(scene.at for scene in self._scenes if scene.at >= began and scene.error_rate)
        zero = spells(self._scenes)[-1].begin
        failures = self._scenes[-1].requests.failures
        return [
            f"{visible - began:6.2f} s after the first failed request Prometheus showed that there are failures",
            f"{zero - began:6.2f} s after it the percentage in Redis was 0",
            f"{failures:6.0f} requests had failed on the ML path; the legacy path served each of them",
        ]

    def check(self, promises: Sequence[Promise]) -> None:
        """Fail where a promise was broken."""
        broken = [promise for promise in promises if not promise.kept]
        if broken:
            raise BrokenPromiseError("\n".join(map(str, broken)), self._cast.operator)

    def _kubectl(self, *arguments: str) -> None:
        self._say(f"$ kubectl {shlex.join(arguments)}")
        self._cast.cluster.kubectl(*arguments)

    def _until(
        self,
        come: Callable[[Scene], bool],
        what: str,
        *,
        spoilt_by: Callable[[Scene], bool] = lambda _: False,
    ) -> None:
        """Watch until it has come; it never will where the operator ended or something spoilt it."""
        while True:
            scene = self._cast.observer.look()
            self._scenes.append(scene)
            self._cast.teller.show(self._scenes)
            if come(scene):
                return
            if spoilt_by(scene):
                told = scene.events[-1].message if scene.events else "and no Event says why"
                happened = f"Instead of {what} there are {scene.percentage} %: {told}"
                raise BrokenPromiseError(happened, self._cast.operator)
            if not self._cast.operator.child.alive:
                raise BrokenPromiseError(f"The operator ended before this: {what}.", self._cast.operator)
            if time.monotonic() > self._deadline:
                raise BrokenPromiseError(f"The time was over before this: {what}.", self._cast.operator)
            self._cast.observer.wait()


def _holds(percentage: int) -> Callable[[Scene], bool]:
    return lambda scene: scene.percentage == percentage


def _latched(scene: Scene) -> bool:
    return scene.latched
