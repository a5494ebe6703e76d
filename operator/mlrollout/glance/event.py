"""A Kubernetes Event about a rollout."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .fields import Fields


@dataclass(frozen=True, slots=True)
class EventGlance:
    """One Event.

    Attributes:
        at: When it was last seen, seconds since the epoch; `None` where it does not say so.
        type: `Normal` or `Warning`.
        reason: What it is about, in one word.
        message: For people.
        times: How often it was seen.
    """

    at: float | None
    type: str
    reason: str
    message: str
    times: int


def events(found: Iterable[Mapping[str, Any]]) -> tuple[EventGlance, ...]:
    """Events as the API server has them, the oldest first."""
    return tuple(sorted(map(_event, found), key=lambda one: one.at or 0.0))


def _event(found: Mapping[str, Any]) -> EventGlance:
    event = Fields(found)
    series, metadata = event.part("series"), event.part("metadata")
    times = (
        series.moment("lastObservedTime"),
        event.moment("lastTimestamp"),
        event.moment("eventTime"),
        metadata.moment("creationTimestamp"),
    )
    return EventGlance(
        at=next((time for time in times if time is not None), None),
        type=event.text("type"),
        reason=event.text("reason"),
        message=event.text("message"),
        times=series.whole("count") or event.whole("count") or 1,
    )
