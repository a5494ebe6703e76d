"""What was found."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is."""

    ERROR = "error"
    """The object is refused, or stalls."""
    WARNING = "warning"
    """A guardrail does not do what it seems to."""
    ADVICE = "advice"
    """It does, and there is a better way."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found.

    Attributes:
        level: How bad it is.
        where: The field, for example `guardrails[errors].max`.
        message: What is wrong, for people.
        remedy: What to write instead; may be empty.
    """

    level: Level
    where: str
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" + (f"; {self.remedy}" if self.remedy else "")
