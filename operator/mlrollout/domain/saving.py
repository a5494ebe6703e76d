"""When a status is worth a write: what changes it at once, what now and then, and what never does.

Measurements are metrics: a value that changes at every look must not make every look a write.
"""

from collections.abc import Iterable, Mapping
from math import inf

from mlrollout.api.status import Condition, Status
from mlrollout.evidence.measurement import MeasurementHistory

from .conditions import CONTESTED
from .wording import without_numbers

CHECKPOINT = 60.0
"""Seconds of healthy time that a crash may cost."""
CHECKPOINT_SHARE = 20
"""The same as a part of what is saved already, so that a short stage is saved often."""
COUNTED = 300.0
"""Seconds between two writes for the sake of evidence that grows, while no healthy time does: as while samples are
missing, or once all users have it. So far back somebody who takes over has to count, and so old is what people read.
So seldom as well is put back who has been told, and of what, where a second installation leaves out receivers that it
has not."""
REWORDED = 10.0
"""Seconds between two writes of a status for the sake of its wording, for why something fails may change at every look;
and of what this process has written already, where somebody else has put something else in its place."""


def findings(conditions: Iterable[Condition], measurements: Mapping[str, MeasurementHistory]) -> tuple[object, ...]:
    """What a process itself has found, and another may find otherwise: conditions, and its last look at guardrails."""
    verdicts = ((name, None if found.last is None else found.last.verdict) for name, found in measurements.items())
    return (_settled(conditions), *verdicts)


def due_in(saved: Status, status: Status, *, unsaved: bool, news: bool, written_ago: float) -> float:
    """In how many seconds a status is worth writing; 0 for now, infinity where it says nothing else.

    Args:
        saved: The one that stands.
        status: The one that might be written.
        unsaved: Whether receivers have been told what it does not say.
        news: Whether this process has found something, or told somebody, since it last wrote.
        written_ago: How many seconds ago it last tried to.
    """
    if _essence(saved) != _essence(status) or _has_served(saved, status):
        return 0.0
    # Only news is written at once. Two that lead the same objects, and find different things, would each put its own
    # back as soon as the other has, as fast as the API server answers.
    found_else = _found(saved) != _found(status)
    untold = unsaved or saved.ongoing != status.ongoing
    if news and (found_else or untold):
        return 0.0
    if found_else or _wording(saved) != _wording(status):
        return max(0.0, REWORDED - written_ago)
    if untold or _checkpoints(saved) != _checkpoints(status):
        return max(0.0, COUNTED - written_ago)
    return inf


def _essence(status: Status) -> tuple[object, ...]:
    """Where the rollout stands, which is written at once."""
    progress = None if status.progress is None else status.progress.model_dump_json(exclude={"healthy_seconds"})
    return (
        status.observed_generation,
        status.record,
        progress,
        status.verbs,
        status.serial,
        len(status.stages),
        status.next,
        status.waiting,
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


def _found(status: Status) -> tuple[object, ...]:
    """What it says was found."""
    return _settled(status.conditions), tuple((guardrail.name, guardrail.finding) for guardrail in status.guardrails)


def _settled(conditions: Iterable[Condition]) -> tuple[object, ...]:
    """The conditions without their wording.

    Without the one of a second writer, too: of two the one would put back at once what the other leaves out.
    """
    return tuple((one.type, one.status, one.reason) for one in conditions if one.type != CONTESTED)


def _wording(status: Status) -> list[str]:
    """What a person reads in a status, whatever the numbers are."""
    messages = [condition.message for condition in status.conditions]
    messages += [guardrail.message for guardrail in status.guardrails]
    return [without_numbers(message) for message in messages]
