"""What happens in the demo, in four acts."""

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

from . import quiet
from .application import EXAMPLE, DispatchApp
from .chronicle import SETTLED, Scene, spells
from .observer import NAME, NAMESPACE, Observer
from .phone import Phone, told
from .promises import Promise, earned, left_alone, taken_back, would_have_been_taken_back
from .tellers import Teller

ROLLOUT = EXAMPLE / "rollout.yaml"
BAD = "ranker-2026-11-17"
LATE = "ranker-2026-12-01"
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
        quiet_manifest: The second rollout, where few requests come.
        phone: Is told of rollbacks.
    """

    cluster: Cluster
    operator: Operator
    app: DispatchApp
    observer: Observer
    teller: Teller
    quiet_manifest: Path
    phone: Phone


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
        self._measured: list[str] = []

    def good_revision(self) -> list[Promise]:
        """Act one: every stage is earned."""
        self._say(f"{self._spec.revision} is deployed beside the legacy path; nobody gets it yet.")
        self._cast.cluster.kubectl("create", "namespace", NAMESPACE)
        self._kubectl("apply", "-f", os.path.relpath(ROLLOUT))
        self._say(f"The quiet one has {quiet.RATE:g} requests per second: 1250 an hour, were a minute an hour.")
        self._kubectl("apply", "-n", NAMESPACE, "-f", str(self._cast.quiet_manifest))
        for stage in self._spec.stages:
            self._until(_holds(stage.percentage), f"{stage.percentage} % in Redis", spoilt_by=_latched)
            self._say(f"Stage {stage.name}: {stage.percentage} % of the users get the ML path.")
        self._until(lambda scene: scene.is_true("Ready"), "Ready", spoilt_by=_latched)
        self._say("All stages are earned. The guardrails go on looking.")
        return list(earned(self._spec, self._scenes))

    def bad_revision(self) -> list[Promise]:
        """Act two: a fault is found while few have it, and taken from them."""
        first = self._spec.stages[0].percentage
        self._begin(BAD, "it divides by zero for some of them")
        self._until(_latched, "a rollback in Redis", spoilt_by=lambda scene: scene.percentage > first)
        return self._fallen([first])

    def late_revision(self) -> list[Promise]:
        """Act three: a model that was good for a while, and is no more."""
        self._begin(LATE, "all is well, for now")
        second = self._spec.stages[1].percentage
        self._until(_holds(second), f"{second} % in Redis", spoilt_by=_latched)
        self._say(f"{second} %: it has earned its first stage. Then a table of it is full.")
        self._until(_latched, "a rollback in Redis")
        return self._fallen([stage.percentage for stage in self._spec.stages[:2]])

    def quiet_revision(self) -> list[Promise]:
        """Act four, under way since the first: few requests, and the rule that the comparison replaced."""
        self._say("And the quiet one? The rule of before (errors above 5 % at three of five looks) only tells there.")
        self._until(would_have_been_taken_back, "the old rule's verdict")
        return list(left_alone(self._scenes))

    def _begin(self, revision: str, how: str) -> None:
        """Deploy a model and roll it out, up to its first stage."""
        self._say(f"{revision} is deployed. The application serves control until the rollout names it.")
        self._cast.app.deploy(revision)
        patch = json.dumps({"spec": {"revision": revision}})
        self._kubectl("patch", "mlrollout", NAME, "-n", NAMESPACE, "--type=merge", "-p", patch)
        before, first = self._scenes[-1].attempt, self._spec.stages[0].percentage
        self._until(lambda scene: scene.attempt > before and scene.percentage == first, f"{first} % in Redis again")
        self._say(f"{first} % of the users get {revision}: {how}.")

    def _fallen(self, stages: Sequence[int]) -> list[Promise]:
        """A while after a rollback: what can be promised of it, and how long it took."""
        self._say("0 %: the breach took everybody back to the legacy path.")
        self._until(lambda scene: scene.is_true("Stalled") and bool(scene.warnings), "Stalled, and the Events")
        revision = self._scenes[-1].status.revision
        self._until(lambda _: self._cast.phone.of(revision) is not None, "a notification of it")
        rang = self._cast.phone.of(revision)
        for line in rang.lines if rang is not None else ():
            self._say(f"Phone      {line}")
        end = time.time() + AFTERMATH
        self._until(lambda scene: scene.at >= end, "some seconds more")
        self._measured += self._measure()
        zero = spells(self._scenes)[-1].begin
        promises = taken_back(self._spec, self._scenes, self.describe(), stages)
        return [*promises, told(self._cast.phone, revision, zero)]

    def describe(self) -> str:
        """What a user sees."""
        return self._cast.cluster.kubectl("describe", "mlrollout", NAME, "-n", NAMESPACE)

    def why(self) -> str:
        """What the message on the phone says to look at first."""
        return self._cast.cluster.kubectl("mlrollout", "why", NAME, "-n", NAMESPACE)

    def measured(self) -> list[str]:
        """How long each rollback took from the first failed request, in lines."""
        return self._measured

    def _measure(self) -> list[str]:
        model = self._cast.app.model()
        began, held = model["first_failure"], spells(self._scenes)
        visible = next(scene.at for scene in self._scenes if scene.at >= began and scene.error_rate)
        failures = self._scenes[-1].requests.failures - held[-2].scenes[0].requests.failures
        return [
            f"{model['revision']}:",
            f"{visible - began:6.2f} s after its first failed request Prometheus showed that there are failures",
            f"{held[-1].begin - began:6.2f} s after it the percentage in Redis was 0",
            f"{failures:6.0f} requests had failed on the ML path in its last stage; the legacy path took them over",
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
