"""Which status is worth a write: what changes it at once, what now and then, and what never does.

Measurements are metrics: a value that changes at every look must not make every look a write.
"""

from mlrollout.api.status import Status

from .conditions import CONTESTED
from .wording import without_numbers

CHECKPOINT = 60.0
"""Seconds of healthy time that a crash may cost."""
CHECKPOINT_SHARE = 20
"""The same as a part of what is saved already, so that a short stage is saved often."""
COUNTED = 300.0
"""Seconds between two writes for the sake of evidence that grows, while no healthy time does: as while samples are
missing, or once all users have it. So far back somebody who takes over has to count, and so old is what people read."""
REWORDED = 10.0
"""Seconds between two writes of a status for the sake of its wording: why something fails may change at every look."""


def is_due(saved: Status, status: Status, written_ago: float) -> bool:
    """Whether a status is worth writing.

    Args:
        saved: The one that stands.
        status: The one that might be written.
        written_ago: How many seconds ago this process last tried to write it.
    """
    return (
        _essence(saved) != _essence(status)
        or _has_served(saved, status)
        or (written_ago >= COUNTED and _checkpoints(saved) != _checkpoints(status))
        or (written_ago >= REWORDED and _wording(saved) != _wording(status))
    )


def _essence(status: Status) -> tuple[object, ...]:
    """What is written at once."""
    progress = None if status.progress is None else status.progress.model_dump_json(exclude={"healthy_seconds"})
    return (
        status.observed_generation,
        tuple(
            (condition.type, condition.status, condition.reason)
            for condition in status.conditions
            if condition.type != CONTESTED  # of two writers the one would put back at once what the other leaves out
        ),
        status.record,
        progress,
        tuple((guardrail.name, guardrail.finding) for guardrail in status.guardrails),
        status.verbs,
        status.serial,
        len(status.stages),
        status.next,
        status.waiting,
        status.ongoing,
    )


def _has_served(saved: Status, status: Status) -> bool:
    """Whether so much healthy time was gained that a crash should not cost it."""
    if saved.progress is None or status.progress is None:
        return False
    healthy = status.progress.healthy_seconds or 0.0
    gained = healthy - (saved.progress.healthy_seconds or 0.0)
    return gained >= min(CHECKPOINT, max(1.0, healthy / CHECKPOINT_SHARE))


def _checkpoints(status: Status) -> list[str]:
    """Up to where the guardrails have counted, and what they came to."""
    return [guardrail.checkpoint for guardrail in status.guardrails]


def _wording(status: Status) -> list[str]:
    """What a person reads in a status, whatever the numbers are."""
    messages = [condition.message for condition in status.conditions]
    messages += [guardrail.message for guardrail in status.guardrails]
    return [without_numbers(message) for message in messages]
