"""What was found of one thing that rollouts depend on."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class DiagnosisLevel(StrEnum):
    """How it is."""

    OK = "ok"
    WARNING = "warning"
    """It works, but not as it should, or not all of it."""
    FAILED = "failed"
    UNSEEN = "unseen"
    """Whoever asks may not see it, or it can't be seen from here: that says nothing about how it is."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One line of what is told.

    Attributes:
        about: What was looked at.
        level: How it is.
        message: The same for people.
        todo: What to do; empty for nothing.
    """

    about: str
    level: DiagnosisLevel
    message: str
    todo: str = ""


def ok(about: str, message: str) -> Diagnosis:
    """All is well with it."""
    return Diagnosis(about, DiagnosisLevel.OK, message)


def unseen(about: str, why: str, todo: str = "") -> Diagnosis:
    """Nothing is known of it."""
    return Diagnosis(about, DiagnosisLevel.UNSEEN, why, todo)


def summary(found: Iterable[Diagnosis]) -> str:
    """How many of each, in one sentence."""
    levels = [one.level for one in found]
    counted = ((levels.count(level), what) for level, what in _SUMMED.items())
    told = ", ".join(f"{count} {what}" for count, what in counted if count)
    return f"{told[:1].upper()}{told[1:]}." if told else "All is well."


_SUMMED = {
    DiagnosisLevel.FAILED: "failed",
    DiagnosisLevel.WARNING: "with a warning",
    DiagnosisLevel.UNSEEN: "could not be seen",
}
