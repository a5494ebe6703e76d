"""What each kind of guardrail counts in a block."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from mlrollout.evidence.statistics.blocks import Counts, Pair, Sums

from .copies import REPLICA, once
from .increments import Span, increase, newest_in, seen
from .series import Series, bucket, by_label
from .uncountable import UncountableError, UncountableReason

Content = TypeVar("Content")


@dataclass(frozen=True, slots=True)
class CounterPair:
    """Two counters, as their selectors answer them.

    Attributes:
        part: The bad events; or what is summed up.
        all: All events.
    """

    part: Sequence[Series]
    all: Sequence[Series]

    @classmethod
    def read(cls, part: Iterable[Series], every: Iterable[Series], replica: Sequence[str] = REPLICA) -> "CounterPair":
        """As Prometheus answered, with each series once."""
        return cls(*once(part, every, replica=replica))

    def span(self, begin: float, end: float, since: float = -math.inf, changes: Sequence[float] = ()) -> Span:
        """The block, as these series tell of it; what may have come before `since` does not belong to it."""
        return Span.of([*self.part, *self.all], begin, end, since, changes)


def counts(counters: CounterPair, span: Span) -> Counts:
    """Bad events and all events. A bad event that was never seen is none, as long as the events are."""
    events = _events(counters, span)
    bad = increase(counters.part, span)
    if bad > events:
        raise UncountableError(
            UncountableReason.MORE_BAD_THAN_ALL,
            f"{bad:.15g} bad events of {events:.15g}: the selector of the bad ones has to be a part of the other",
        )
    return Counts(events, bad)


def above(buckets: Sequence[Series], edge: float, span: Span) -> Counts:
    """Events above a bucket's edge, and all events, of a classic histogram."""
    below, every = bucket(buckets, edge), bucket(buckets, math.inf)
    _together(below, every, edge, span)
    events, good = _events(CounterPair(below, every), span), increase(below, span)
    if good > events:
        raise UncountableError(
            UncountableReason.MORE_BAD_THAN_ALL,
            f"{good:.15g} events below the edge of {events:.15g}: buckets are cumulative",
        )
    return Counts(events, events - good)


def _together(below: Sequence[Series], every: Sequence[Series], edge: float, span: Span) -> None:
    """Refuse a histogram whose bucket is not exported any more, or not by all: its events would all lie above."""
    newest = {_but_le(one): newest_in(one, span) for one in below}
    for one in every:
        at = newest_in(one, span)
        if at is not None and newest.get(_but_le(one)) != at:
            raise UncountableError(
                UncountableReason.NO_EDGE, f"{one} was scraped without a bucket that has the edge {edge:.15g}"
            )


def _but_le(one: Series) -> frozenset[tuple[str, str]]:
    return frozenset((name, value) for name, value in one.labels.items() if name != "le")


def sums(counters: CounterPair, span: Span) -> Sums:
    """Values and what they add up to, of a histogram's or summary's `_sum` and `_count`."""
    return Sums(_events(counters, span), increase(counters.part, span, whole=False))


def of_groups(
    counters: CounterPair, label: str, names: Pair[str], count: Callable[[CounterPair], Content]
) -> Pair[Content]:
    """The same of both groups; refused where one of them was not scraped."""
    return Pair(of_group(counters, label, names.treatment, count), of_group(counters, label, names.control, count))


def of_group(counters: CounterPair, label: str, name: str, count: Callable[[CounterPair], Content]) -> Content:
    """What is counted of one group; refused where it was not scraped. Series of others are left out."""
    found = CounterPair(*(by_label(series, label).get(name, ()) for series in (counters.part, counters.all)))
    try:
        return count(found)
    except UncountableError as error:
        if error.reason is UncountableReason.NO_SAMPLES:
            raise UncountableError(UncountableReason.GROUP_MISSING, f"group {name}: {error.words}") from None
        raise


def of_cohorts(
    counters: CounterPair, label: str, names: Sequence[str], span: Span, count: Callable[[CounterPair], Counts]
) -> tuple[Counts, ...]:
    """The counts of each of these cohorts of users, in their order; none where nobody of a cohort was there."""
    _events(counters, span)
    part, every = by_label(counters.part, label), by_label(counters.all, label)
    found = [CounterPair(part.get(name, ()), every.get(name, ())) for name in names]
    return tuple(count(one) if seen(one.all, span) else Counts() for one in found)


def _events(counters: CounterPair, span: Span) -> float:
    events = increase(counters.all, span)
    if not seen(counters.all, span):
        raise UncountableError(UncountableReason.NO_SAMPLES, _silence(counters.all, span))
    return events


def _silence(series: Sequence[Series], span: Span) -> str:
    if not series:
        return "no series of the events"
    newest = max((at for one in series for at, _ in one.samples if at <= span.begin), default=None)
    ago = "at all" if newest is None else f"in the {span.end - newest:.15g} s before the block's end"
    return f"no sample of {series[0]} and its like {ago}, for a block of {span.end - span.begin:.15g} s"
