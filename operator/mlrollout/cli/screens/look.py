"""What words and signs look like: one table for colours, one for the signs that a terminal may lack."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.text import Text

from mlrollout.api.duration import brief
from mlrollout.api.recent import PastLook
from mlrollout.glance.rollout import Tone
from mlrollout.glance.stages import StagePlace

HEAD = "bold"
FAINT = "dim"
BAD = "red"
TONES: Mapping[Tone, str] = {Tone.WELL: "green", Tone.WAITING: "yellow", Tone.BAD: "bold red"}
FINDINGS: Mapping[str, str] = {"Pass": "green", "Breach": "bold red", "Error": "red", "NoData": "yellow"}
OTHERWISE = "yellow"
PLACES: Mapping[StagePlace, str] = {
    StagePlace.BEHIND: "green",
    StagePlace.HERE: "bold cyan",
    StagePlace.FAILED: "bold red",
}


@dataclass(frozen=True, slots=True)
class Signs:
    """The signs that are drawn with.

    Attributes:
        done: How much of a bar is done.
        rest: How much is not.
        sparks: From low to high.
        gap: Where there is no value.
        places: Before the name of a stage.
        then: Between two stages.
        dot: Between two facts.
        cut: Where text was cut.
    """

    done: str
    rest: str
    sparks: str
    gap: str
    places: Mapping[StagePlace, str]
    then: str
    dot: str
    cut: str

    def bar(self, share: float, width: int) -> str:
        """A bar of that many cells; what is begun shows, and what is not over is not full."""
        done = round(share * width)
        if 0 < share < 1:
            done = min(max(done, 1), width - 1)
        return self.done * done + self.rest * (width - done)

    def sparkline(self, looks: Sequence[PastLook]) -> Text:
        """Looks as a line of small bars, from the lowest value to the highest; breaches in their colour."""
        values = [one.value for one in looks if one.value is not None]
        low, high = min(values, default=0.0), max(values, default=0.0)
        return Text.assemble(*(self._spark(one, low, high - low) for one in looks))

    def _spark(self, look: PastLook, low: float, span: float) -> tuple[str, str]:
        style = FINDINGS["Breach"] if look.breached else ""
        if look.value is None:
            return self.gap, style or FAINT
        return self.sparks[round((look.value - low) / span * (len(self.sparks) - 1)) if span else 0], style


DRAWN = Signs(
    done="█",
    rest="░",
    sparks="▁▂▃▄▅▆▇█",
    gap="·",
    places={StagePlace.BEHIND: "✔", StagePlace.HERE: "▶", StagePlace.AHEAD: "○", StagePlace.FAILED: "✘"},
    then="▸",
    dot="·",
    cut="…",
)
PLAIN = Signs(
    done="#",
    rest=".",
    sparks="_.-=^",
    gap="?",
    places={StagePlace.BEHIND: "+", StagePlace.HERE: ">", StagePlace.AHEAD: "o", StagePlace.FAILED: "x"},
    then=">",
    dot="-",
    cut="~",
)
"""For a terminal that knows nothing but ASCII."""


def signs(encoding: str) -> Signs:
    """The signs that can be written in an encoding."""
    try:
        "".join((DRAWN.done, DRAWN.rest, DRAWN.sparks, *DRAWN.places.values(), DRAWN.then)).encode(encoding)
    except (LookupError, UnicodeEncodeError):
        return PLAIN
    return DRAWN


def age(now: float, at: float | None) -> str:
    """How long ago something was, for a column."""
    return "" if at is None else brief(max(0.0, now - at))


def number(value: float | None, digits: int = 4) -> str:
    """A number in so many significant digits."""
    if value is None:
        return ""
    whole = value == int(value) and abs(value) < 1e6  # noqa: PLR2004 - where digits are no longer read one by one
    return f"{value:.0f}" if whole else f"{value:.{digits}g}"


def percent(percentage: int) -> str:
    """A percentage."""
    return f"{percentage} %"


def finding(said: str) -> Text:
    """What a guardrail said, in its colour."""
    return Text(said or "not yet", FINDINGS.get(said, OTHERWISE))
