"""The simulation finds bugs: each that is planted breaks the very invariant that it should."""

from collections.abc import Callable

import pytest

from .mutants import MUTANTS, NAMED, TESTED, Mutant
from .world import named, plan, tested
from .world.plan import FLAVOURS, Plan
from .world.world import simulate

BUDGET = 100
"""Schedules in which a bug must show."""


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.plant.__name__)
def test_a_planted_bug_is_found(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant.plant(monkeypatch)
    assert found_at(mutant, plan.make) is not None


@pytest.mark.parametrize("mutant", TESTED, ids=lambda mutant: mutant.plant.__name__)
def test_a_bug_planted_in_a_test_is_found(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant.plant(monkeypatch)
    assert found_at(mutant, tested.make) is not None


@pytest.mark.parametrize("mutant", NAMED, ids=lambda mutant: mutant.plant.__name__)
def test_a_bug_planted_in_the_asking_for_revisions_is_found(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant.plant(monkeypatch)
    assert found_at(mutant, named.make) is not None


def found_at(mutant: Mutant, make: Callable[[int], Plan]) -> int | None:
    """In which of the schedules, counted from where the search begins, the bug breaks what it should."""
    first, step = list(FLAVOURS).index(mutant.flavour), len(FLAVOURS)
    for count in range(BUDGET):
        drawn = mutant.adjust(make(first + step * ((mutant.near + count) % BUDGET)))
        if any(True for _ in mutant.check(simulate(drawn))):
            return count
    return None
