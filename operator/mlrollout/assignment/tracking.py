"""What users did after a decision, counted by group: business figures that a guardrail can query."""

import logging
from collections.abc import Collection
from itertools import product
from math import isfinite, nan

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Summary

from mlrollout.seldom import seldom

from .arguments import texts
from .bucket import Group

log = logging.getLogger("mlrollout")

_LABELS = ("flag", "event", "group")


class Tracked:
    """Counters of the events that were named beforehand; all of them stand at 0 from the start.

    `mlrollout_tracked_total` counts events, and `mlrollout_tracked_value_sum` and `_count` the values of those that
    had one: their quotient is the average.

    Args:
        flags: The flag keys.
        events: The names of the events.
        registry: Where the counters stand; left out, in Prometheus's own.

    Raises:
        TypeError: The events are one text instead of several.
        ValueError: They stand in the registry already.
    """

    def __init__(self, flags: Collection[str], events: Collection[str], registry: CollectorRegistry | None) -> None:
        self._events = texts("events", events)
        registry = REGISTRY if registry is None else registry
        count = Counter("mlrollout_tracked", "Events that were tracked, by group.", _LABELS, registry=registry)
        value = Summary("mlrollout_tracked_value", "Values of tracked events, by group.", _LABELS, registry=registry)
        self._series = {
            labels: (count.labels(*labels), value.labels(*labels)) for labels in product(flags, self._events, Group)
        }
        self._refusals = 0

    def knows(self, event: str) -> bool:
        """Whether the event was named beforehand; one that was not is logged, though not each time."""
        if event in self._events:
            return True
        self.refuse(event, "it is none of those that the provider was given, and names are bounded")
        return False

    def count(self, flag: str, event: str, group: Group, value: object) -> None:
        """Count one event; `value` is added where it is a finite number that is not negative.

        A negative value would look like a restart to Prometheus, and one that is no number spoil the sum for good.
        """
        events, values = self._series[flag, event, group]
        events.inc()
        if value is None:
            return
        number = _number(value)
        if isfinite(number) and number >= 0:
            values.observe(number)
        else:
            self.refuse(event, "its value is not a finite number from 0 up; the event itself is counted")

    def refuse(self, event: str, why: str) -> None:
        """Tell that something is not counted: the first, second, fourth, eighth … time."""
        self._refusals += 1
        if seldom(self._refusals):
            log.warning("Not counted of the tracked event %.100r: %s", event, why)


def _number(value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]  # which is asked here
    except (TypeError, ValueError, OverflowError):
        return nan
