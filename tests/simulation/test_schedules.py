"""The whole operator in simulated worlds, each drawn from a seed: the invariants of the design hold in all of them."""

from collections.abc import Sequence

from tests.simulation.checks.all import violations
from tests.simulation.checks.violation import Check, Violation, report
from tests.simulation.world.plan import make
from tests.simulation.world.world import World, simulate


def test_every_invariant_holds(seeds: range) -> None:
    broken: list[tuple[World, Check, Violation]] = []
    for seed in seeds:
        world = simulate(make(seed))
        broken += [(world, *found) for found in violations(world)][:1]

    assert not broken, "\n\n".join(report(*first) for first in broken[:1]) + _others(broken[1:])


def _others(broken: Sequence[tuple[World, Check, Violation]]) -> str:
    seeds = ", ".join(str(world.plan.seed) for world, _, _ in broken)
    return f"\n\nbroken as well: seeds {seeds}" if broken else ""
