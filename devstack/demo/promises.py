"""What the demo promises, held against what was seen. Pure, so that a test can break each promise."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import dropwhile, groupby, takewhile

from mlrollout.api.compare import CompareGuardrail
from mlrollout.api.spec import Spec

from .chronicle import Scene, Spell, spells
from .quiet import OLD

# Five standard deviations of a share of a few thousand users in some seconds of requests are less.
NEAR = 6.0
_BAD_NEWS = ("GuardrailBreached", "RolledBack")
_FAILS = r"guardrail (?P<name>[-a-z0-9]+): treatment fails (?P<treatment>[\d.]+) % \(\d+ of \d+\)(?: since \S+)?"
_WORSE = re.compile(rf"{_FAILS}, legacy (?P<legacy>[\d.]+) %[;,] .*?; tolerated is (?P<tolerated>[\d.]+)")
_ALONE = re.compile(rf"{_FAILS} without a control.*?; max (?P<limit>[\d.]+) %")


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


def taken_back(spec: Spec, scenes: Sequence[Scene], describe: str, stages: Sequence[int]) -> Iterator[Promise]:
    """A revision went through these stages and perhaps further, breached a guardrail and lost its users."""
    held = [spell for spell in spells(scenes) if spell.attempt == scenes[-1].attempt]
    order = list(dropwhile(lambda percentage: percentage == 0, (spell.percentage for spell in held)))
    following = [stage.percentage for stage in spec.stages[len(stages) :]] if len(stages) > 1 else []
    wanted = [[*stages, *following[:more], 0] for more in range(len(following) + 1)]
    yield Promise(
        f"Redis held {_list(stages)} and then 0, latched (seen: {_list(order)})",
        order in wanted and scenes[-1].latched,
    )
    served = held[-1].served
    yield Promise(
        "after that the application served control only "
        f"(seen: {served.control:.0f} requests in control, {served.treatment:.0f} in treatment)",
        served.treatment == 0 and served.control > 0,
    )
    told = takewhile(lambda event: event.reason != "AttemptStarted", reversed(scenes[-1].events))
    evident = [event.message for event in told if event.reason in _BAD_NEWS and _evident(spec, event.message)]
    yield Promise(
        f"a Warning Event says by how much the treatment is too bad (seen: {_list(evident[:1])})",
        bool(evident),
    )
    yield Promise(
        "the object became Stalled, and is no longer Ready",
        scenes[-1].is_true("Stalled") and not scenes[-1].is_true("Ready"),
    )
    yield Promise("kubectl describe tells all of it", all(word in describe for word in ("Stalled", *_BAD_NEWS)))


def would_have_been_taken_back(scene: Scene) -> bool:
    """Whether the old rule has said of the second rollout, where few requests come, that it is to be taken back."""
    return bool(_old_rule(scene))


def left_alone(scenes: Sequence[Scene]) -> Iterator[Promise]:
    """Where few requests come, the good model kept its users, which the old rule would have taken from it."""
    quiet = [scene.quiet for scene in scenes if scene.quiet is not None]
    held = [percentage for percentage, _ in groupby(one.percentage for one in quiet)]
    held = held[1:] if held[0] == 0 else held  # before its first stage
    requests, told = quiet[-1].requests, [message for scene in scenes[-1:] for message in _old_rule(scene)]
    yield Promise(
        f"where few requests come the old rule would have taken the good model back (seen: {_list(told[:1])})",
        bool(told),
    )
    yield Promise(
        f"the comparison left it its users (seen: {_list(held)} %, and {requests.failures:.0f} of "
        f"{requests.treatment:.0f} requests failed)",
        held != [] and held == sorted(held) and held[0] > 0 and not quiet[-1].latched,
    )


def _old_rule(scene: Scene) -> list[str]:
    """What the old rule has told of the second rollout."""
    events = scene.quiet.warnings if scene.quiet else ()
    return [event.message for event in events if event.message.startswith(f"guardrail {OLD} ")]


def _near(spell: Spell) -> Promise:
    share = spell.served.share
    seen = "no requests" if share is None else f"seen: {share:.1f} %"
    return Promise(
        f"the application gave treatment about {spell.percentage} % of the requests ({seen})",
        share is not None and abs(share - spell.percentage) <= NEAR,
    )


def _evident(spec: Spec, message: str) -> bool:
    """Whether the message names a comparison, the shares of failures, and what is allowed of them."""
    for guardrail in spec.guardrails:
        if isinstance(guardrail, CompareGuardrail):
            ratio, limit = guardrail.compare.ratio or 0.0, 100 * (guardrail.compare.max or 0.0)
            worse, alone = (pattern.search(message) for pattern in (_WORSE, _ALONE))
            if worse and (worse["name"], float(worse["tolerated"])) == (guardrail.name, ratio):
                return float(worse["treatment"]) > ratio * float(worse["legacy"])
            if alone and (alone["name"], float(alone["limit"])) == (guardrail.name, limit):
                return float(alone["treatment"]) > limit
    return False


def _list(items: Iterable[object]) -> str:
    return ", ".join(map(str, items)) or "nothing"
