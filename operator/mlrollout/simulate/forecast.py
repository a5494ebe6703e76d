"""Many rollouts: how often a healthy model is taken back, how soon a bad one is found, when everybody has it."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from statistics import median

from mlrollout.api.guardrail import Guardrail
from mlrollout.api.sequential import SequentialGuardrail
from mlrollout.api.spec import Approval, Requirement, Spec, Stage
from mlrollout.api.threshold import ThresholdGuardrail

from . import recognised
from .load import Load
from .promql import UnknownError
from .rollout import End, Guards, Try
from .tested import Tested, block_of
from .watched import AlwaysPasses, Watched

TIMES = (1.5, 2.0, 5.0, 20.0)
"""How many times worse than the healthy model a bad one is."""
WEEK, DAY, HOUR = 604_800.0, 86_400.0, 3600.0
ALLOWED = 0.01
"""The chance of a rollback for nothing from which on people are warned."""
_LONGEST_AGE = 720 * HOUR
_LONGEST = 8760 * HOUR
_SLACK = 1.2
_BLOCKS, _FEW, _TOGETHER = 256, 64, 6
_LONGEST_BLOCK, _SHORTEST_BLOCK = 3 * HOUR, 15.0
_SHARP, _EACH, _PILOTS = 20, 3, 9

Tick = Callable[[], None]
"""Told after each try."""


@dataclass(frozen=True, slots=True)
class SimulationParameters:
    """What a simulation starts from.

    Attributes:
        load: The traffic of a healthy model.
        tries: Healthy rollouts; of a bad model there are a tenth for each stage and badness.
        scrape: Seconds between two scrapes.
        seed: Where chance begins.
    """

    load: Load
    tries: int = 1000
    scrape: float = 15.0
    seed: int = 1

    @property
    def bad_tries(self) -> int:
        """Rollouts of each bad model in each stage."""
        return max(1, self.tries // 10)


@dataclass(frozen=True, slots=True)
class Covered:
    """Whether a guardrail is simulated.

    Attributes:
        name: The guardrail.
        why_not: Why it is taken as always passing; empty where it is simulated.
    """

    name: str
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Healthy:
    """What became of the rollouts of a healthy model. Times are seconds.

    Attributes:
        tries: How many there were.
        taken_back: How many were rolled back.
        by: By which guardrails.
        after: After how long, in the median; `None` where none was.
        arrived: How many reached the last stage.
        arrival: After how long, in the median.
        completed: How many served its time as well.
        completion: After how long, in the median.
        waits: What those wait for that neither were rolled back nor completed.
    """

    tries: int
    taken_back: int
    by: Mapping[str, int]
    after: float | None
    arrived: int
    arrival: float | None
    completed: int
    completion: float | None
    waits: str = ""

    @property
    def chance(self) -> float:
        """The share that was rolled back for nothing."""
        return self.taken_back / self.tries


@dataclass(frozen=True, slots=True)
class Detection:
    """How a bad model is detected in one stage. Times are seconds since the stage began.

    Attributes:
        stage: The stage.
        times: How many times worse it is.
        share: Of its events that are bad.
        tries: How many rollouts there were.
        found: How many were rolled back within `within`.
        within: The stage's duration; for the last one at least a week, since guardrails go on looking.
        after: After how long, in the median over all; `None` where not even half were found.
        users: How many requests had been treated by then.
    """

    stage: str
    times: float
    share: float
    tries: int
    found: int
    within: float
    after: float | None
    users: float | None


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a simulation comes to."""

    parameters: SimulationParameters
    covered: Sequence[Covered]
    healthy: Healthy
    detections: Sequence[Detection]

    @property
    def well(self) -> bool:
        """Whether a healthy model is left alone."""
        return self.healthy.chance <= ALLOWED


class Simulation:
    """The simulation of one object.

    Args:
        spec: As the user wrote it.
        parameters: Its traffic, and how often and how finely it is simulated.

    Raises:
        UnknownError: None of its guardrails can be simulated.
    """

    def __init__(self, spec: Spec, parameters: SimulationParameters) -> None:
        self._parameters = parameters
        load = parameters.load
        self._load = replace(load, legacy=load.bad, holdback=spec.traffic.holdback or 0)
        self._spec = _prepared(spec)
        requirements = tuple(one for stage in spec.stages for one in stage.require)
        self._guards, self.covered = _cover(
            self._spec.guardrails, requirements, parameters.scrape, steady=load.past is None
        )
        if not self._guards.watched and not self._guards.tested:
            reasons = "; ".join(f"{one.name}: {one.why_not}" for one in self.covered)
            raise UnknownError(f"none of its guardrails is about counters that can be simulated ({reasons})")

    @property
    def tries(self) -> int:
        """How many rollouts there are to be simulated, at most."""
        bad = self._parameters.bad_tries + (_PILOTS if self._guards.tested else 0)
        return self._parameters.tries + len(TIMES) * len(self._spec.stages) * bad

    def run(self, tick: Tick = lambda: None) -> Forecast:
        """All of it."""
        healthy = self.healthy(tick)
        detections = [self.detection(stage, times, tick) for stage in self._spec.stages for times in TIMES]
        return Forecast(self._parameters, self.covered, healthy, detections)

    @property
    def passing(self) -> float:
        """The share of looks that stand on enough samples, in the stage in which it is lowest."""
        return min((self._passing(self._load, stage) for stage in self._spec.stages if stage.percentage), default=1.0)

    def healthy(self, tick: Tick) -> Healthy:
        """What becomes of a healthy model."""
        load, whole = self._load, sum(stage.duration for stage in self._spec.stages)
        spec = self._stretched(load)
        longest = sum(stage.duration for stage in spec.stages)
        horizon = min(longest * _SLACK + HOUR, 2 * whole + DAY)
        block = min(_LONGEST_BLOCK, whole / _BLOCKS)
        runs = _Runs(spec, load, horizon, f"{self._parameters.seed} healthy")
        return _summed(list(self._ends(runs, block, _TOGETHER, self._parameters.tries, tick)), spec.stages[-1].name)

    def detection(self, stage: Stage, times: float, tick: Tick) -> Detection:
        """How a model that is so many times worse is detected in one stage."""
        load = self._load
        worse = replace(load, bad=min(1.0, load.bad * times))
        last = stage.name == self._spec.stages[-1].name
        within = max(stage.duration, WEEK) if last else stage.duration
        alone = stage.model_copy(update={"duration": 2 * within, "require": (), "early": None})
        spec = self._spec.model_copy(update={"stages": (alone,)})
        runs = _Runs(spec, worse, within, f"{self._parameters.seed} {stage.name} {times}")
        block, together = self._fitting(runs, tick)
        after = _afters(self._ends(runs, block, together, self._parameters.bad_tries, tick))
        half = after[(len(after) - 1) // 2]
        pace = load.pace(stage.percentage)
        users = half * (pace.bad + pace.good)
        return Detection(
            stage=stage.name,
            times=times,
            share=worse.bad,
            tries=len(after),
            found=sum(one < math.inf for one in after),
            within=within,
            after=half if half < math.inf else None,
            users=users if half < math.inf else None,
        )

    def _fitting(self, runs: "_Runs", tick: Tick) -> tuple[float, int]:
        """Blocks short enough to tell when a bad model is found, and how many are read together, as a few show."""
        block, together = min(_LONGEST_BLOCK, runs.horizon / _FEW), _TOGETHER
        for _ in range(_PILOTS // _EACH if self._guards.tested else 0):
            half = _afters(self._ends(runs, block, together, _EACH, tick))[_EACH // 2]
            if math.isinf(half):
                return block, together
            if half / block > _SHARP:
                return block, 1
            block, together = max(_SHORTEST_BLOCK, half / _SHARP / 2), 1
        return block, together

    def _ends(self, runs: "_Runs", block: float, blocks: int, tries: int, tick: Tick) -> Iterator[End]:
        spec, guards = self._in_blocks(runs.spec, block, blocks)
        for number in range(tries):
            # A seed of its own for each, so that one rollout can be looked at by itself.
            yield Try(spec, guards, runs.load, Random(f"{runs.seed} {number}")).run(runs.horizon)  # noqa: S311 - no secret
            tick()

    def _in_blocks(self, spec: Spec, block: float, blocks: int) -> tuple[Spec, Guards]:
        """The same, with guardrails that read blocks of so many seconds."""
        tested = {one.name: _read_in(one, block) for one in self._guards.tested}
        guardrails = tuple(tested.get(one.name, one) for one in spec.guardrails)
        guards = replace(self._guards, tested=tuple(tested.values()), blocks=blocks)
        return spec.model_copy(update={"guardrails": guardrails}), guards

    def _stretched(self, load: Load) -> Spec:
        """With stages that last longer by as much as looks have too few samples to pass: that time does not count."""
        stages = tuple(
            stage.model_copy(update={"duration": min(_LONGEST, stage.duration / passing) if passing else _LONGEST})
            for stage in self._spec.stages
            for passing in [self._passing(load, stage)]
        )
        return self._spec.model_copy(update={"stages": stages})

    def _passing(self, load: Load, stage: Stage) -> float:
        gating = [one for one in self._guards.watched if one.guardrail.gates]
        return min((one.outlook(load.pace(stage.percentage)).passing for one in gating), default=1.0)


@dataclass(frozen=True, slots=True)
class _Runs:
    """Rollouts of one kind: of which spec, under which traffic, for how many seconds, from which seed."""

    spec: Spec
    load: Load
    horizon: float
    seed: str


def _afters(ends: Iterable[End]) -> list[float]:
    """After how many seconds each was rolled back, in their order; infinity where it was not."""
    return sorted(math.inf if one.taken_back is None else one.taken_back for one in ends)


def _read_in(guardrail: SequentialGuardrail, block: float) -> SequentialGuardrail:
    return guardrail.model_copy(update={"interval": block_of(guardrail, block)})


def _prepared(spec: Spec) -> Spec:
    """The spec as it is simulated: nobody pauses it, who approves does so at once, and looks are never too old."""
    guardrails = tuple(one.model_copy(update={"max_age": _LONGEST_AGE}) for one in spec.guardrails)
    stages = tuple(one.model_copy(update={"approval": Approval.AUTOMATIC}) for one in spec.stages)
    return spec.model_copy(update={"guardrails": guardrails, "stages": stages, "paused": False})


def _cover(
    guardrails: Sequence[Guardrail], requirements: tuple[Requirement, ...], scrape: float, *, steady: bool
) -> tuple[Guards, list[Covered]]:
    roles = recognised.roles(guardrails)
    watched: list[Watched] = []
    tested: list[SequentialGuardrail] = []
    others: list[AlwaysPasses] = []
    covered: list[Covered] = []
    for guardrail in guardrails:
        try:
            if isinstance(guardrail, SequentialGuardrail):
                Tested(guardrail)
                tested.append(guardrail)
            elif isinstance(guardrail, ThresholdGuardrail) and not steady:
                raise UnknownError("a look at one number is simulated at steady traffic alone (--traffic)")  # noqa: TRY301 - told below
            elif isinstance(guardrail, ThresholdGuardrail):
                watched.append(Watched(guardrail, roles, scrape))
            else:
                raise UnknownError(f"the kind `{guardrail.MARK}` is not simulated")  # noqa: TRY301 - told below
            covered.append(Covered(guardrail.name))
        except UnknownError as error:
            others.append(AlwaysPasses(guardrail, requirements))
            covered.append(Covered(guardrail.name, str(error)))
    return Guards(watched, tested, others, scrape), covered


def _summed(ends: Sequence[End], last: str) -> Healthy:
    taken = [one.taken_back for one in ends if one.taken_back is not None]
    arrivals = [one.entered[last] for one in ends if last in one.entered]
    completions = [one.completed for one in ends if one.completed is not None]
    waits = Counter(one.waits for one in ends if one.waits)
    return Healthy(
        tries=len(ends),
        taken_back=len(taken),
        by=Counter(one.guardrail for one in ends if one.guardrail),
        after=median(taken) if taken else None,
        arrived=len(arrivals),
        arrival=median(arrivals) if arrivals else None,
        completed=len(completions),
        completion=median(completions) if completions else None,
        waits=waits.most_common(1)[0][0] if waits else "",
    )
