"""Guardrails that can't do their work at some traffic: what a test's power is, told as what it would miss."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from mlrollout.api.balance import BalanceGuardrail
from mlrollout.api.duration import brief
from mlrollout.api.guardrail import Action, Guardrail
from mlrollout.api.sequential import SequentialGuardrail
from mlrollout.api.spec import Spec
from mlrollout.domain.subject import sharing
from mlrollout.evidence.wording import percent

from .forecast import Simulation, Tick
from .load import Load
from .outcome import ALLOWED, SimulationParameters
from .promql import UnknownError

WORST = 20.0
"""How many times worse a model is that has to be found."""
_TRIES = 100
_SELDOM = 0.01
"""The share of looks that stand on enough samples, below which a stage takes a hundred times as long."""


@dataclass(frozen=True, slots=True)
class Weakness:
    """What a guardrail can't do.

    Attributes:
        where: The field, for example `guardrails[errors].minSamples`.
        message: What it can't, and at which traffic.
        remedy: What to do about it.
    """

    where: str
    message: str
    remedy: str


def weaknesses(spec: Spec, load: Load, scrape: float, tick: Tick = lambda: None) -> Iterator[Weakness]:
    """What the guardrails of a rollout can't do at this traffic.

    Args:
        spec: The rollout, as the user wrote it.
        load: The traffic of a healthy model.
        scrape: Seconds between two scrapes.
        tick: Told after each try.
    """
    load = replace(load, holdback=spec.traffic.holdback or 0)
    for guardrail in spec.guardrails:
        if guardrail.gates and not isinstance(guardrail, BalanceGuardrail):
            yield from _never_enough(spec, guardrail, load)
            yield from _misses(spec, guardrail, load, scrape, tick)
    yield from _takes_back(spec, load, scrape, tick)


def _never_enough(spec: Spec, guardrail: Guardrail, load: Load) -> Iterator[Weakness]:
    """Stages in which fewer events come than a pass has to stand on."""
    if not isinstance(guardrail, SequentialGuardrail):
        return
    for stage in spec.stages:
        pace = load.pace(stage.percentage)
        events = (pace.bad + pace.good) * stage.duration
        if stage.percentage and events < guardrail.events:
            message = (
                f"stage {stage.name} has some {events:.0f} events of the treatment in {brief(stage.duration)} at this "
                f"traffic, and {guardrail.events} are asked for: it is not left in time"
            )
            yield Weakness(
                f"guardrails[{guardrail.name}].minSamples", message, "ask for fewer, or let stages last longer"
            )


def _misses(spec: Spec, guardrail: Guardrail, load: Load, scrape: float, tick: Tick) -> Iterator[Weakness]:
    """That a far worse model is found in no stage, or that looks have too few samples."""
    try:
        simulation = _alone(spec, guardrail, load, scrape)
    except UnknownError:
        return  # what can't be simulated, `simulate` tells
    where, passing = f"guardrails[{guardrail.name}]", simulation.passing
    if passing < _SELDOM:
        message = f"at this traffic {percent(passing)} of its looks stand on enough samples, so that a stage never ends"
        yield Weakness(f"{where}.minSamples", message, "ask for fewer, over a longer range, or write it as `rate`")
    found = [simulation.detection(stage, WORST, tick) for stage in spec.stages if stage.percentage]
    if found and not any(one.after is not None for one in found):
        message = f"a model that fails {WORST:g} times as often ({percent(found[0].share)}) is found in no stage"
        yield Weakness(where, message, "see `mlrollout simulate`; a lower limit or longer stages find more")


def _takes_back(spec: Spec, load: Load, scrape: float, tick: Tick) -> Iterator[Weakness]:
    """That a healthy model is taken back."""
    try:
        healthy = Simulation(spec, SimulationParameters(load, _TRIES, scrape)).healthy(tick)
    except UnknownError:
        return
    if healthy.chance > ALLOWED:
        worst = max(healthy.by, key=lambda name: healthy.by[name], default="")
        message = f"a healthy model is rolled back for nothing in {healthy.taken_back} of {healthy.tries} rollouts"
        yield Weakness(f"guardrails[{worst}]" if worst else "guardrails", message, "write it as `rate` or `compare`")


def _alone(spec: Spec, guardrail: Guardrail, load: Load, scrape: float) -> Simulation:
    """The rollout with this guardrail alone, which rolls back, with the chance of a false alarm that it has."""
    changed: dict[str, object] = {"action": Action.ROLLBACK}
    if isinstance(guardrail, SequentialGuardrail):
        changed["false_alarm"] = guardrail.level(sharing(spec))
    alone = spec.model_copy(update={"guardrails": (guardrail.model_copy(update=changed),)})
    return Simulation(alone, SimulationParameters(load, _TRIES, scrape))
