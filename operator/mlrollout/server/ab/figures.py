"""What is asked of Prometheus for the monitoring figures, and what the answers come to. Pure.

Everything is worked out from what was added to counters in a window, so that groups and windows add up. Where nothing
was counted there is no figure: neither 0 % nor 100 %. Nor is there a rate where only one of the two statuses is known:
a counter of failures that died, or that nobody exports, is not one without failures.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import isfinite

from .models import Figures

GROUPS = ("control", "treatment")
LONGEST_WINDOW = 10_080
"""Minutes: a week."""
MOST_POINTS = 120
MINUTE = 60

Labels = Mapping[str, str]
FigureCounts = Mapping[tuple[str, str], float]
"""What was added to each counter, by group and name of the figure; what Prometheus does not know is left out."""

_SUMS = {
    "success": '{prefix}_total{{status="success"}}',
    "failure": '{prefix}_total{{status="failure"}}',
    "score": "{prefix}_score_sum",
    "scores": "{prefix}_score_count",
    "seconds": "{prefix}_response_time_seconds_sum",
    "times": "{prefix}_response_time_seconds_count",
    "rating": "{prefix}_satisfaction_sum",
    "ratings": "{prefix}_satisfaction_count",
}


def query(prefix: str, seconds: int) -> str:
    """What was added to each counter in this many seconds, by group; the label `figure` says to which."""
    added = {name: f"increase({metric.format(prefix=prefix)}[{seconds}s])" for name, metric in _SUMS.items()}
    return " or ".join(
        f'label_replace(sum by (group) ({sum_}), "figure", "{name}", "", "")' for name, sum_ in added.items()
    )


@dataclass(frozen=True, slots=True)
class QueryRange:
    """A range query: the points in a window up to a moment.

    Attributes:
        first: The first point, in seconds since the epoch.
        last: The last point: the window's end.
        step: Seconds from point to point; each is about what came since the one before.
    """

    first: int
    last: int
    step: int

    @classmethod
    def until(cls, end: int, minutes: int) -> "QueryRange":
        """The last so many minutes, with at most `MOST_POINTS` points at whole minutes from each other."""
        step = MINUTE * -(-minutes // MOST_POINTS)
        points = minutes * MINUTE // step
        return cls(end - step * (points - 1), end, step)

    @property
    def points(self) -> range:
        """The time of each point, in seconds since the epoch."""
        return range(self.first, self.last + 1, self.step)


def figures(counts: FigureCounts, groups: Iterable[str] = GROUPS) -> Figures:
    """The figures of these groups together."""
    groups = tuple(groups)

    def added(name: str) -> float | None:
        known = [counts[group, name] for group in groups if (group, name) in counts]
        return sum(known) if known else None

    success, failure = added("success"), added("failure")
    total = None if success is None and failure is None else (success or 0.0) + (failure or 0.0)
    both = all(((group, "success") in counts) is ((group, "failure") in counts) for group in groups)
    return Figures(
        success_rate=_share(success if both else None, total),
        error_rate=_share(failure if both else None, total),
        average_score=_share(added("score"), added("scores")),
        average_response_time=_not_less(_share(added("seconds"), added("times"))),
        average_satisfaction=_share(added("rating"), added("ratings")),
        total_dispatches=None if total is None else round(total),
    )


def _share(part: float | None, whole: float | None) -> float | None:
    return part / whole if part is not None and whole else None


def _not_less(seconds: float | None) -> float | None:
    """No time that is less than none, which an application measures whose clock was set back."""
    return None if seconds is not None and seconds < 0 else seconds


def counts(answer: Iterable[tuple[Labels, float]]) -> FigureCounts:
    """The counts in an answer to `query`; what is no number, and what is of no group, is left out."""
    known = set(product(GROUPS, _SUMS))
    return {
        place: value
        for labels, value in answer
        if (place := (labels.get("group", ""), labels.get("figure", ""))) in known and isfinite(value)
    }


def series(
    window: QueryRange, answer: Iterable[tuple[Labels, Sequence[tuple[int, float]]]]
) -> Mapping[int, FigureCounts]:
    """The counts of every point of the window; empty where Prometheus says nothing of it."""
    found: dict[int, list[tuple[Labels, float]]] = {moment: [] for moment in window.points}
    for labels, points in answer:
        for moment, value in points:
            if moment in found:
                found[moment].append((labels, value))
    return {moment: counts(one) for moment, one in found.items()}
