"""Values of an object that anybody may have written: what is not there, or of another type, is nothing."""

import math
from collections.abc import Mapping
from typing import Any

from mlrollout.api import duration, moment
from mlrollout.domain.request import one_line


class Fields:
    """A part of an object. Text comes on one line, fit for a terminal."""

    __slots__ = ("_found",)

    def __init__(self, found: object) -> None:
        self._found: Mapping[str, Any] = found if isinstance(found, Mapping) else {}

    def text(self, name: str) -> str:
        """Text; empty for none."""
        value = self._found.get(name)
        return one_line(value) if isinstance(value, str) else ""

    def number(self, name: str) -> float | None:
        """A number that is finite."""
        value = self._found.get(name)
        return (
            float(value) if isinstance(value, int | float) and not isinstance(value, bool) and _finite(value) else None
        )

    def whole(self, name: str) -> int:
        """A number without its fraction; 0 for none."""
        return math.trunc(self.number(name) or 0)

    def flag(self, name: str) -> bool:
        """Whether it is true, and nothing else."""
        return self._found.get(name) is True

    def moment(self, name: str) -> float | None:
        """A point in time, seconds since the epoch; none where the calendar has none of it in UTC."""
        value = self._found.get(name)
        if not isinstance(value, str):
            return None
        try:
            found = moment.parse(value)
            moment.render(found)  # an offset leads out of the calendar from its first and its last day
        except (ValueError, OverflowError):
            return None
        return found

    def seconds(self, name: str) -> float | None:
        """A duration, in seconds."""
        value = self._found.get(name)
        try:
            return duration.parse(value) if isinstance(value, str) else None
        except ValueError:
            return None

    def part(self, name: str) -> "Fields":
        """What lies below it."""
        return Fields(self._found.get(name))

    def mapping(self, name: str) -> Mapping[str, Any]:
        """All that lies below it, as it is."""
        value = self._found.get(name)
        return value if isinstance(value, Mapping) else {}

    def parts(self, name: str) -> tuple["Fields", ...]:
        """Each item of a list."""
        items = self._found.get(name)
        return tuple(map(Fields, items)) if isinstance(items, list | tuple) else ()

    def __contains__(self, name: str) -> bool:
        return self._found.get(name) is not None


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond all floats
        return False
