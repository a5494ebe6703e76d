"""What a check says when an invariant does not hold."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tests.simulation.world.world import World

BEFORE = 25.0
AFTER = 3.0


@dataclass(frozen=True, slots=True)
class Violation:
    """An invariant that was broken: when, and how."""

    at: float
    message: str


Check = Callable[[World], Iterable[Violation]]


def report(world: World, check: Check, violation: Violation) -> str:
    """Everything a person needs to see what happened, and the command that makes it happen again."""
    first, last = violation.at - BEFORE, violation.at + AFTER
    slice_ = (f"  {entry.at:8.3f} {entry}" for entry in world.history if first <= entry.at <= last)
    return "\n".join(
        (
            f"{check.__name__}: at {violation.at:.3f} s: {violation.message}",
            f"again: {world.plan.again}",
            str(world.plan),
            f"from {max(first, 0):.0f} s to {last:.0f} s:",
            *slice_,
        )
    )
