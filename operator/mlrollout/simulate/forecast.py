"""Many rollouts: how often a healthy model is taken back, how soon a bad one is found, when everybody has it."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random
from statistics import median
from typing import Protocol

from mlrollout.api.approval import Approval
from mlrollout.api.guardrail import Guardrail
from mlrollout.api.sequential import SequentialGuardrail
from mlrollout.api.spec import AfterCompletion, Requirement, Spec, Stage
from mlrollout.api.threshold import ThresholdGuardrail

from . import recognised
from .load import Load
from .outcome import TIMES, Covered, Detection, Forecast, Healthy, SimulationParameters
from .promql import UnknownError
from .rollout import End, Guards, Try
from .tested import Tested, block_of
from .watched import AlwaysPasses, Watched

WEEK, DAY, HOUR = 604_800.0, 86_400.0, 3600.0
_LONGEST_AGE = 720 * HOUR
_LONGEST = 8760 * HOUR
_SLACK = 1.2
_BLOCKS, _FEW, _TOGETHER = 256, 64, 6
_LONGEST_BLOCK, _SHORTEST_BLOCK = 3 * HOUR, 15.0
_SHARP, _EACH, _PILOTS = 20, 3, 9

_EACH_PART = 10

Tick = Callable[[], None]
"""Told after each try."""


@dataclass(frozen=True, slots=True)
class Case:
    """What is simulated many times.

    Attributes:
        stage: The stage in which a bad model is looked for; empty for a healthy model in the whole rollout.
        times: How many times worse than the healthy one it is.
    """

    stage: str = ""
    times: float = 1.0


@dataclass(frozen=True, slots=True)
class Fitting:
    """How finely a case is looked at.

    Attributes:
        block: Seconds of a block.
        together: How many blocks are read together.
        pilots: Tries that it took to find that.
    """

    block: float
    together: int
    pilots: int = 0


@dataclass(frozen=True, slots=True)
class Tries:
    """Some tries of a case, by their numbers. Each has a seed of its own, so any process may make any of them."""

    case: Case
    fitting: Fitting
    numbers: range


class Workers(Protocol):
    """Whoever makes the parts of a simulation."""

    def fit(self, cases: Sequence[Case]) -> Iterable[Fitting]:
        """How finely each of these is looked at, in their order."""
        ...

    def make(self, parts: Sequence[Tries]) -> Iterable[list[End]]:
        """How the tries of these end, in their order."""
        ...


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

    def run(self, tick: Tick = lambda: None, workers: Workers | None = None) -> Forecast:
        """All of it; by processes of their own where there are any, which changes nothing of what it comes to."""
        workers = workers or _Here(self)
        bad = [Case(stage.name, times) for stage in self._spec.stages for times in TIMES]
        cases = {Case(): self._of_all}
        for case, fitting in zip(bad, workers.fit(bad), strict=True):
            cases[case] = fitting
            _told(fitting.pilots, tick)
        parts = [part for case, fitting in cases.items() for part in self._parts(case, fitting)]
        ends: dict[Case, list[End]] = {case: [] for case in cases}
        for part, made in zip(parts, workers.make(parts), strict=True):
            ends[part.case] += made
            _told(len(made), tick)
        detections = [self._detection(case, ends[case]) for case in bad]
        return Forecast(self._parameters, self.covered, self._healthy(ends[Case()]), detections)

    @property
    def passing(self) -> float:
        """The share of looks that stand on enough samples, in the stage in which it is lowest."""
        return min((self._passing(self._load, stage) for stage in self._spec.stages if stage.percentage), default=1.0)

    def healthy(self, tick: Tick) -> Healthy:
        """What becomes of a healthy model."""
        return self._healthy(self._all_of(Case(), self._of_all, tick))

    def detection(self, stage: Stage, times: float, tick: Tick) -> Detection:
        """How a model that is so many times worse is detected in one stage."""
        case = Case(stage.name, times)
        fitting = self.fitting(case)
        _told(fitting.pilots, tick)
        return self._detection(case, self._all_of(case, fitting, tick))

    def fitting(self, case: Case) -> Fitting:
        """Blocks short enough to tell when a bad model is found, and how many are read together, as a few show."""
        found = Fitting(min(_LONGEST_BLOCK, self._runs(case).horizon / _FEW), _TOGETHER)
        for pilots in range(_EACH, _PILOTS + 1, _EACH) if self._guards.tested else ():
            half = _afters(self.ends(Tries(case, found, range(_EACH))))[_EACH // 2]
            found = replace(found, pilots=pilots)
            if math.isinf(half):
                return found
            if half / found.block > _SHARP:
                return replace(found, together=1)
            found = Fitting(max(_SHORTEST_BLOCK, half / _SHARP / 2), 1, pilots)
        return found

    def ends(self, part: Tries) -> list[End]:
        """How these tries end."""
        runs = self._runs(part.case)
        spec, guards = self._in_blocks(runs.spec, part.fitting.block, part.fitting.together)
        # A seed of its own for each, so that one rollout can be looked at by itself.
        chances = (Random(f"{runs.seed} {number}") for number in part.numbers)  # noqa: S311 - no secret
        return [Try(spec, guards, runs.load, chance).run(runs.horizon) for chance in chances]

    @property
    def _of_all(self) -> Fitting:
        whole = sum(stage.duration for stage in self._spec.stages)
        return Fitting(min(_LONGEST_BLOCK, whole / _BLOCKS), _TOGETHER)

    def _parts(self, case: Case, fitting: Fitting) -> list[Tries]:
        tries = self._parameters.bad_tries if case.stage else self._parameters.tries
        begins = range(0, tries, _EACH_PART)
        return [Tries(case, fitting, range(begin, min(begin + _EACH_PART, tries))) for begin in begins]

    def _all_of(self, case: Case, fitting: Fitting, tick: Tick) -> list[End]:
        ends = []
        for part in self._parts(case, fitting):
            ends += self.ends(part)
            _told(len(part.numbers), tick)
        return ends

    def _runs(self, case: Case) -> "_Runs":
        load, seed = self._load, self._parameters.seed
        if not case.stage:
            whole, spec = sum(stage.duration for stage in self._spec.stages), self._stretched(load)
            longest = sum(stage.duration for stage in spec.stages)
            return _Runs(spec, load, min(longest * _SLACK + HOUR, 2 * whole + DAY), f"{seed} healthy")
        stage, within = self._stage(case.stage), self._within(case.stage)
        alone = stage.model_copy(update={"duration": 2 * within, "require": (), "early": None})
        spec = self._spec.model_copy(update={"stages": (alone,)})
        return _Runs(spec, self._worse(case.times), within, f"{seed} {stage.name} {case.times}")

    def _stage(self, name: str) -> Stage:
        return next(stage for stage in self._spec.stages if stage.name == name)

    def _within(self, name: str) -> float:
        """For how many seconds of a stage a bad model is looked for: all; guardrails may look on after the last one."""
        duration = self._stage(name).duration
        looks_on = name == self._spec.stages[-1].name and self._spec.after_completion is AfterCompletion.GUARD
        return max(duration, WEEK) if looks_on else duration

    def _worse(self, times: float) -> Load:
        return replace(self._load, bad=min(1.0, self._load.bad * times))

    def _healthy(self, ends: Sequence[End]) -> Healthy:
        return _summed(ends, self._spec.stages[-1].name)

    def _detection(self, case: Case, ends: Sequence[End]) -> Detection:
        after = _afters(ends)
        half, pace = after[(len(after) - 1) // 2], self._load.pace(self._stage(case.stage).percentage)
        users = half * (pace.bad + pace.good)
        return Detection(
            stage=case.stage,
            times=case.times,
            share=self._worse(case.times).bad,
            tries=len(after),
            found=sum(one < math.inf for one in after),
            within=self._within(case.stage),
            after=half if half < math.inf else None,
            users=users if half < math.inf else None,
        )

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
class _Here:
    """This very process."""

    simulation: Simulation

    def fit(self, cases: Sequence[Case]) -> Iterator[Fitting]:
        return map(self.simulation.fitting, cases)

    def make(self, parts: Sequence[Tries]) -> Iterator[list[End]]:
        return map(self.simulation.ends, parts)


def _told(tries: int, tick: Tick) -> None:
    for _ in range(tries):
        tick()


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
