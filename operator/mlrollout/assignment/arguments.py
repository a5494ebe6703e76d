"""What an application writes, checked where it is written: a mistake there must not become control for ever."""

from collections.abc import Collection, Iterable
from math import inf
from typing import TypeVar

from .ids import text_of, trouble_with

T = TypeVar("T")


def text(what: str, value: object, example: str) -> str:
    """A text that is not empty.

    Raises:
        TypeError: It is no text.
        ValueError: It is empty, or can't be written in UTF-8.
    """
    if not isinstance(value, str):
        raise TypeError(f'{what} must be a text such as "{example}", and not {_kind(value)}')
    if not value:
        raise ValueError(f'{what} must not be empty: write {what}="{example}"')
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{what} holds half a surrogate pair, which is no text") from None
    return value


def optional(what: str, value: object, example: str) -> str | None:
    """A text that is not empty, or `None`.

    Raises:
        TypeError: It is no text.
        ValueError: It is empty, or can't be written in UTF-8.
    """
    return None if value is None else text(what, value, example)


def texts(what: str, values: Collection[str]) -> frozenset[str]:
    """Several texts, none of them empty.

    Raises:
        TypeError: It is one text, which is a collection of its letters as well, or holds something else than texts.
    """
    if isinstance(values, str | bytes):
        raise TypeError(f"{what} must hold several texts, and is one: write {what}=[{values!r}]")
    return frozenset(text(what, one, "kim") for one in values)


def ids(what: str, values: Collection[object]) -> frozenset[str]:
    """The canonical texts of several users' ids.

    Raises:
        TypeError: It is one text, which is a collection of its letters as well.
        ValueError: It holds what is nobody's id.
    """
    if isinstance(values, str | bytes):
        raise TypeError(f"{what} must hold several ids, and is one text: write {what}=[{values!r}]")
    if not isinstance(values, Iterable):
        raise TypeError(f'{what} must hold several ids, such as ["kim", 1042], and not {_kind(values)}')
    found = {one: text_of(one) for one in values}
    for one, canonical in found.items():
        if canonical is None:
            raise ValueError(f"{what} holds an id that is nobody's: {trouble_with(one)}")
    return frozenset(canonical for canonical in found.values() if canonical is not None)


def instance(what: str, value: T | None, kind: type[T]) -> T | None:
    """Something of a type, or `None`.

    Raises:
        TypeError: It is of another kind.
    """
    if value is not None and not isinstance(value, kind):
        raise TypeError(f"{what} must be {kind.__name__}(…), and not {_kind(value)}")
    return value


def having(method: str, what: str, value: T, example: str) -> T:
    """Something that has a method, whatever its type.

    Raises:
        TypeError: It has none, or is a class.
    """
    if isinstance(value, type) or not callable(getattr(value, method, None)):
        given = f"the class {value.__name__}" if isinstance(value, type) else _kind(value)
        raise TypeError(f"{what} must be {example}, or something else with a method {method}(), and not {given}")
    return value


def function(what: str, value: T) -> T:
    """Something that can be called.

    Raises:
        TypeError: It can't.
    """
    if not callable(value):
        raise TypeError(f"{what} must be a function, and not {_kind(value)}")
    return value


def seconds(what: str, value: float, least: float = 0.0) -> float:
    """A number of seconds above another one, and finite.

    Raises:
        TypeError: It is no number.
        ValueError: It makes no sense.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{what} must be a number of seconds, and not {_kind(value)}")
    if not least < value < inf:
        raise ValueError(f"{what} ({value:g} s) must be above {least:g} s, and have an end")
    return value


def _kind(value: object) -> str:
    return "None" if value is None else f"of type {type(value).__name__}"
