"""A state as JSON and back, without the loss of a bit: Python writes the shortest number that reads as the same one."""

import dataclasses
import sys
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

State = TypeVar("State")


def dump(state: Any) -> dict[str, Any]:  # noqa: ANN401  # any state, and what it holds
    """A state as plain dictionaries, lists and numbers."""
    return {field.name: _plain(getattr(state, field.name)) for field in dataclasses.fields(state)}


def load(kind: type[State], plain: object) -> State:
    """The state of that kind that was written so; `ValueError` where it is none, or has been cut or mended."""
    if not isinstance(plain, Mapping):
        raise ValueError(f"the checkpoint of a {kind.__name__} is no object")  # noqa: TRY004  # it was read, not passed
    hints = typing.get_type_hints(kind)
    if set(plain) != set(hints):
        raise ValueError(f"the checkpoint of a {kind.__name__} has {sorted(hints)}, not {sorted(plain)}")
    return kind(**{name: _read(hint, plain[name]) for name, hint in hints.items()})


def numbers(plain: object, count: int) -> tuple[float, ...]:
    """So many numbers of a list; `ValueError` where it is none."""
    if not isinstance(plain, list) or len(plain) != count:
        raise ValueError(f"{plain!r:.40} is no list of {count} numbers")
    return tuple(map(_number, plain))


def _plain(value: Any) -> Any:  # noqa: ANN401  # JSON
    if dataclasses.is_dataclass(value):
        return dump(value)
    return list(value) if isinstance(value, tuple) else value


def _read(hint: Any, plain: Any) -> Any:  # noqa: ANN401  # JSON, and a type as Python tells it
    if dataclasses.is_dataclass(hint):
        return load(typing.cast("type[Any]", hint), plain)
    if hint is float:
        return _number(plain)
    if not isinstance(plain, list):
        raise ValueError(f"{plain!r:.40} is no list of numbers")  # noqa: TRY004  # likewise
    return tuple(map(_number, plain))


def _number(plain: object) -> float:
    # A JSON writer on the way may have made 3 of 3.0. NaN is no evidence, and would never be a breach again.
    if isinstance(plain, bool) or not isinstance(plain, int | float) or not abs(plain) <= sys.float_info.max:
        raise ValueError(f"{plain!r:.40} is no number")
    return float(plain)
