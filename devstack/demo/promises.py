"""What the demo promises, held against what was seen. Pure, so that a test can break each promise."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import dropwhile

from mlrollout.api.spec import Spec
from mlrollout.api.threshold import ThresholdGuardrail

from .chronicle import Scene, Spell, spells

# Five standard deviations of a share of a few thousand users in some seconds of requests are less.
NEAR = 6.0
_BAD_NEWS = ("GuardrailBreached", "RolledBack")
_BREACH = re.compile(r"guardrail (?P<name>[-a-z0-9]+): [\d.]+ is (above max|below min) (?P<limit>[\d.]+)")


@dataclass(frozen=True, slots=True)
class Promise:
    """Something that should have happened.

    Attributes:
        text: What, with the figures that were measured.
        kept: Whether it did.
    """

    text: str
    kept: bool

    def __str__(self) -> str:
        return f"{'✔' if self.kept else '✘'} {self.text}"


def earned(spec: Spec, scenes: Sequence[Scene]) -> Iterator[Promise]:
    """The first revision went through all its stages, each of them earned."""
    held = [spell for spell in spells(scenes) if spell.percentage]
    wanted = [stage.percentage for stage in spec.stages]
    order = [spell.percentage for spell in held]
    yield Promise(f"Redis held {_list(wanted)}, in this order (seen: {_list(order)})", order == wanted)
    if order == wanted:
        ends = [*(spell.begin for spell in held[1:]), held[-1].end]
        for stage, spell, end in zip(spec.stages, held, ends, strict=True):
            lasted = end - spell.begin
            yield Promise(
                f"stage {stage.name} lasted at least its {stage.duration:g} s of health (seen: {lasted:.1f} s)",
                lasted >= stage.duration,
            )
            yield _near(spell)
    yield Promise("the object became Ready", scenes[-1].is_true("Ready"))


def taken_back(spec: Spec, scenes: Sequence[Scene], describe: str) -> Iterator[Promise]:
    """The second revision began, breached a guardrail in its first stage and lost its users."""
    first = spec.stages[0].percentage
    held = [spell for spell in spells(scenes) if spell.attempt == scenes[-1].attempt]
    order = list(dropwhile(lambda percentage: percentage == 0, (spell.percentage for spell in held)))
    yield Promise(
        f"Redis held {first} and then 0, latched (seen: {_list(order)})", order == [first, 0] and scenes[-1].latched
    )
    served = held[-1].served
    yield Promise(
        "after that the application served control only "
        f"(seen: {served.control:.0f} requests in control, {served.treatment:.0f} in treatment)",
        served.treatment == 0 and served.control > 0,
    )
    told = [event.reason for event in scenes[-1].events if event.warning and _evident(spec, event.message)]
    yield Promise(
        f"a Warning Event names the guardrail, its value and its limit (seen: {_list(told)})",
        any(reason in told for reason in _BAD_NEWS),
    )
    yield Promise(
        "the object became Stalled, and is no longer Ready",
        scenes[-1].is_true("Stalled") and not scenes[-1].is_true("Ready"),
    )
    yield Promise("kubectl describe tells all of it", all(word in describe for word in ("Stalled", *_BAD_NEWS)))


def _near(spell: Spell) -> Promise:
    share = spell.served.share
    seen = "no requests" if share is None else f"seen: {share:.1f} %"
    return Promise(
        f"the application gave treatment about {spell.percentage} % of the requests ({seen})",
        share is not None and abs(share - spell.percentage) <= NEAR,
    )


def _evident(spec: Spec, message: str) -> bool:
    """Whether the message names a guardrail, a value beyond its limit, and the limit."""
    thresholds = [guardrail for guardrail in spec.guardrails if isinstance(guardrail, ThresholdGuardrail)]
    limits = {guardrail.name: (guardrail.min, guardrail.max) for guardrail in thresholds}
    found = _BREACH.search(message)
    return found is not None and float(found["limit"]) in limits.get(found["name"], ())


def _list(items: Iterable[object]) -> str:
    return ", ".join(map(str, items)) or "nothing"
