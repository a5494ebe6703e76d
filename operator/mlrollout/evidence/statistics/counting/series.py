"""Series as a range selector answers them, told apart by group, cohort and bucket."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from operator import sub

from .uncountable import UncountableError, UncountableReason

SHOWN = 8
"""Edges that a message names."""


@dataclass(frozen=True)
class Series:
    """One series. What follows from its samples is found once, for each is asked several things in a block.

    Attributes:
        labels: Its labels, its name among them.
        samples: Times (seconds since the epoch) and values.
        native: Whether it has samples that are native histograms.
    """

    labels: Mapping[str, str]
    samples: tuple[tuple[float, float], ...]
    native: bool = False

    @cached_property
    def times(self) -> tuple[float, ...]:
        """When its samples were taken, the earliest first."""
        return self._columns[0]

    @cached_property
    def values(self) -> tuple[float, ...]:
        """What they are, in the same order."""
        return tuple(map(float, self._columns[1]))

    @cached_property
    def grown(self) -> tuple[float, ...]:
        """By how much each but the first is above the one before."""
        return tuple(map(sub, self.values[1:], self.values))

    @cached_property
    def falls(self) -> bool:
        """Whether it ever fell."""
        return min(self.grown, default=0.0) < 0

    @cached_property
    def _columns(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        times, values = zip(*sorted(self.samples), strict=True) if self.samples else ((), ())
        return times, values

    def __str__(self) -> str:
        labels = ", ".join(f'{name}="{value}"' for name, value in sorted(self.labels.items()) if name != "__name__")
        return f"{self.labels.get('__name__', '')}{{{labels}}}"


def by_label(series: Iterable[Series], label: str) -> dict[str, list[Series]]:
    """Series by a label's value; refused where one has no such label."""
    found = defaultdict(list)
    for one in series:
        if not one.labels.get(label):
            raise UncountableError(UncountableReason.NO_LABEL, f"{one} has no label `{label}`")
        found[one.labels[label]].append(one)
    return found


def bucket(series: Iterable[Series], edge: float) -> list[Series]:
    """The buckets with that upper edge, however it is written (`1`, `1.0`)."""
    edges = defaultdict(list)
    for one in series:
        if one.native:
            raise UncountableError(
                UncountableReason.NATIVE,
                f"{one} is a native histogram: have Prometheus keep its classic buckets too "
                "(`always_scrape_classic_histograms: true`)",
            )
        edges[_edge(one)].append(one)
    if edges and edge not in edges:
        raise UncountableError(
            UncountableReason.NO_EDGE, f"no bucket has the edge {edge:.15g}: {_nearest(edges, edge)}"
        )
    return edges[edge]


def _edge(one: Series) -> float:
    try:
        return float(one.labels["le"])
    except (KeyError, ValueError):
        raise UncountableError(
            UncountableReason.NO_EDGE, f"{one} is no bucket of a histogram: it has no edge `le`"
        ) from None


def _nearest(edges: Iterable[float], edge: float) -> str:
    finite = sorted((one for one in edges if math.isfinite(one)), key=lambda one: abs(one - edge))[:SHOWN]
    return f"the nearest are {', '.join(f'{one:.15g}' for one in sorted(finite))}" if finite else "there are none"
