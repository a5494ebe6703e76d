"""Durations as people write them in Kubernetes objects: `336h`, `10m`, `1h30m`, `250ms`."""

import re
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

PATTERN = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"
MAX_LENGTH = 32

_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def parse(text: object) -> float:
    """Seconds of a duration such as `1h30m`; a `ValueError` says what was expected."""
    if isinstance(text, int | float) and not isinstance(text, bool):
        return float(text)
    if not isinstance(text, str) or len(text) > MAX_LENGTH or not re.match(PATTERN, text):
        raise ValueError(
            f"{text!r} is not a duration: write a number and a unit (ms, s, m, h), for example 30s or 336h"
        )
    return sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))


def render(seconds: float) -> str:
    """The shortest exact way to write so many seconds, to the millisecond: `90.5` is `1m30s500ms`."""
    rest = round(seconds * 1000)
    parts = []
    for unit, size in (("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


Duration = Annotated[
    float,
    BeforeValidator(parse),
    PlainSerializer(render, return_type=str),
    WithJsonSchema({"type": "string", "pattern": PATTERN, "maxLength": MAX_LENGTH}),
]
"""Seconds in Python, a string with units in the object."""
