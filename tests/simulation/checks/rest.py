"""When the faults are over everything agrees, and nobody writes any more."""

from collections.abc import Iterator

from mlrollout.api.duration import parse

from tests.simulation.world.history import Stored, Unexpected
from tests.simulation.world.settled import open_ends
from tests.simulation.world.world import REST, World

from .evidence import skews
from .violation import Violation

_AT_ONCE = 0.001
"""Seconds that are one moment: what is written in the one in which rest begins is no writing at rest."""


def all_agree_in_the_end(world: World) -> Iterator[Violation]:
    """Status, Redis and clients agree, and every rollout has come to where it waits for a person or is done."""
    for text in open_ends(world):
        yield Violation(world.now(), text)


def writing_stops(world: World) -> Iterator[Violation]:
    """At rest nothing is written but checkpoints of healthy time.

    By a clock that is ahead by more than a guardrail's `maxAge`, its samples are too old until the next ones have come:
    the verdict changes with the looks, and an Event says that the clocks are apart.
    """
    ahead = skews(world.history)
    for entry in reversed(world.history):
        if entry.at <= world.now() - REST + _AT_ONCE:
            break
        if entry.stirs and not (ahead and isinstance(entry, Stored) and _is_late(entry, ahead)):
            yield Violation(entry.at, f"this long after the last fault: {entry}")
            return


def _is_late(entry: Stored, ahead: float) -> bool:
    """Whether a status tells of a verdict that a clock that is ahead may change with the looks."""
    ages = (parse(one.get("maxAge", "2m")) for one in entry.object["spec"]["guardrails"] if "query" not in one)
    return entry.what == "status" and any(age < ahead for age in ages)


def nothing_unexpected(world: World) -> Iterator[Violation]:
    """No task of the operator ends by itself, nothing is logged that never should be, and nobody spins."""
    for entry in world.history.of(Unexpected):
        yield Violation(entry.at, f"{entry.by}: {entry.text}")
