"""Durations as people write them in Kubernetes objects: `2w`, `14d`, `336h`, `10m`, `1h30m`, `250ms`."""

import math
import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import (
    BeforeValidator,
    PlainSerializer,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue

from .model import Constraint, rules

# Five digits and four parts at most, so that none is longer than CEL's `duration` can hold. Days and weeks stand alone:
# the API server refuses a rule that would have to take such a text apart.
PATTERN = "^(([0-9]{1,5}([.][0-9]{1,3})?(ms|s|m|h)){1,4}|[0-9]{1,4}d|[0-9]{1,3}w)$"
MAX_LENGTH = 32

_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d|w)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_HINT = (
    "is not a duration: write a number of at most five digits and a unit (ms, s, m, h; or d, w alone), as 30s or 14d"
)


def parse(text: object) -> float:
    """Seconds of a duration such as `1h30m`; a `ValueError` says what was expected."""
    if isinstance(text, int | float) and not isinstance(text, bool):
        return float(text)
    if not isinstance(text, str) or len(text) > MAX_LENGTH or not re.fullmatch(PATTERN, text):
        raise ValueError(f"{text!r} {_HINT}")
    return sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))


def _read(value: object, info: ValidationInfo) -> float:
    """Like `parse`, but where a user wrote the object, a number without a unit is refused, as the API server does."""
    return parse(value if info.mode == "python" or isinstance(value, str) else repr(value))


def render(seconds: float) -> str:
    """The shortest exact way to write so many seconds, to the millisecond: `90.5` is `1m30s500ms`."""
    rest = round(seconds * 1000)
    parts = []
    for unit, size in (("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def rough(seconds: float) -> str:
    """The same for people, who need no fractions of a second: `15.98` is `15s`."""
    return render(math.floor(seconds) if seconds >= 1 else seconds)


def brief(seconds: float) -> str:
    """The same in at most two units, rounded down, for a column: `6d2h`."""
    rest, parts = math.floor(seconds), []
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)):
        count, rest = divmod(rest, size)
        parts.append(f"{count}{unit}" if count else "")
    first = next((place for place, part in enumerate(parts) if part), len(parts))
    return "".join(parts[first : first + 2]) or "0s"


def in_days(path: str) -> str:
    """CEL for "the duration at this path is written in days or weeks", which CEL's own `duration` does not know."""
    return f"{path}.matches('[dw]$')"


def written(path: str) -> str:
    """CEL for "a duration stands at this path"; CEL's own `duration` fails on a bad one, with no message of ours."""
    return f"{path}.matches('{PATTERN}')"


@dataclass(frozen=True, slots=True)
class Between(Constraint[float]):
    """The shortest and the longest duration allowed; checked here and, by a CEL rule, at `kubectl apply`."""

    low: str
    high: str

    @property
    def message(self) -> str:
        """What the user is told."""
        return f"must be from {self.low} to {self.high}"

    def _schema(self, found: JsonSchemaValue) -> JsonSchemaValue:
        hours = "int(self.substring(0, self.size() - 1)) * (self.endsWith('d') ? 24 : 168)"
        low, high = math.ceil(parse(self.low) / 3600), math.floor(parse(self.high) / 3600)
        within = (
            f"{in_days('self')} ? {hours} >= {low} && {hours} <= {high} "
            f": duration(self) >= duration('{self.low}') && duration(self) <= duration('{self.high}')"
        )
        return found | rules(
            (written("self"), _HINT),
            (f"!{written('self')} || ({within})", self.message),
        )

    def _check(self, value: float) -> float:
        if not parse(self.low) <= value <= parse(self.high):
            raise ValueError(self.message)
        return value


Duration = Annotated[
    float,
    BeforeValidator(_read),
    PlainSerializer(render, return_type=str),
    WithJsonSchema({"type": "string", "pattern": PATTERN, "maxLength": MAX_LENGTH}),
]
"""Seconds in Python, a string with units in the object."""
