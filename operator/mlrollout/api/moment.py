"""Points in time as the object holds them: RFC 3339 in UTC, to the millisecond, `2026-11-03T09:30:00.250Z`."""

import math
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse(moment: object) -> float:
    """Seconds since the epoch of an RFC 3339 time; a number is taken for that already."""
    if isinstance(moment, int | float) and not isinstance(moment, bool):
        return float(moment)
    if not isinstance(moment, str):
        raise ValueError(f"{moment!r} is not a time such as 2026-11-03T09:30:00.250Z")  # noqa: TRY004 - pydantic reports a ValueError
    return _parse(moment)


# A status holds its history, so the same times are read and written again with each new one.
@lru_cache(maxsize=4096)
def _parse(moment: str) -> float:
    time = datetime.fromisoformat(moment)
    return (time.replace(tzinfo=time.tzinfo or UTC) - _EPOCH).total_seconds()


@lru_cache(maxsize=4096)
def render(seconds: float) -> str:
    """The nearest whole millisecond to so many seconds since the epoch."""
    time = _EPOCH + timedelta(milliseconds=round(seconds * 1000))
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def to_second(seconds: float) -> str:
    """The same to the second, for people."""
    return render(math.floor(seconds)).replace(".000", "")


Moment = Annotated[
    float,
    BeforeValidator(parse),
    PlainSerializer(render, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""Seconds since the epoch in Python, a time in UTC in the object."""
