"""When the faults are over everything agrees, and nobody writes any more."""

from collections.abc import Iterator

from tests.simulation.world.history import Stored, Unexpected
from tests.simulation.world.settled import comes_and_goes, open_ends
from tests.simulation.world.world import REST, World

from .violation import Violation

_AT_ONCE = 0.001
"""Seconds that are one moment: what is written in the one in which rest begins is no writing at rest."""


def all_agree_in_the_end(world: World) -> Iterator[Violation]:
    """Status, Redis and clients agree, and every rollout has come to where it waits for a person or is done."""
    for text in open_ends(world):
        yield Violation(world.now(), text)


def writing_stops(world: World) -> Iterator[Violation]:
    """At rest nothing is written but checkpoints of healthy time, and verdicts that come and go with the looks."""
    for entry in reversed(world.history):
        if entry.at <= world.now() - REST + _AT_ONCE:
            break
        told = isinstance(entry, Stored) and entry.what == "status" and comes_and_goes(world, entry.object["spec"])
        if entry.stirs and not told:
            yield Violation(entry.at, f"this long after the last fault: {entry}")
            return


def nothing_unexpected(world: World) -> Iterator[Violation]:
    """No task of the operator ends by itself, nothing is logged that never should be, and nobody spins."""
    for entry in world.history.of(Unexpected):
        yield Violation(entry.at, f"{entry.by}: {entry.text}")
