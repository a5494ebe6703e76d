"""Prometheus' text format for families with a series for each of many things, read at the moment they are asked for.

What is kept in a client library's objects has to be taken out again when its thing goes; what is read where it stands
needs nothing of that, and is an order of magnitude faster for thousands of series.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

ShownNumber = tuple[Sequence[str], float]
"""The values of the family's own labels, and the number."""


@dataclass(frozen=True, slots=True)
class Family(Generic[T]):
    """One metric.

    Attributes:
        name: Its name.
        help: What it says; one line.
        read: What it is of one thing: one sample, several or none.
        labels: Its labels beside those of the thing.
        counter: Whether it only grows.
    """

    name: str
    help: str
    read: Callable[[T], Iterable[ShownNumber]]
    labels: tuple[str, ...] = ()
    counter: bool = False


def lines(families: Iterable[Family[T]], things: Mapping[str, T]) -> Iterator[str]:
    """Every sample of every family, in the order of the families.

    Args:
        families: What is asked.
        things: Of what, by the labels of each as `labelled` writes them.
    """
    for family in families:
        yield f"# HELP {family.name} {family.help}\n# TYPE {family.name} {'counter' if family.counter else 'gauge'}\n"
        for labels, thing in things.items():
            for values, number in family.read(thing):
                more = labelled(zip(family.labels, values, strict=True))
                both = f"{labels},{more}" if labels and more else labels or more
                yield f"{family.name}{{{both}}} {_number(number)}\n"


def labelled(labels: Iterable[tuple[str, str]]) -> str:
    """Labels as they stand between the braces."""
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in labels)


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _number(number: float) -> str:
    if math.isfinite(number):
        return repr(float(number))
    return "NaN" if math.isnan(number) else "+Inf" if number > 0 else "-Inf"
