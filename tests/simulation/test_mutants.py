"""The simulation finds bugs: each that is planted breaks the very invariant that it should."""

import itertools

import pytest

from .mutants import MUTANTS, Mutant
from .world.plan import FLAVOURS, make
from .world.world import simulate

BUDGET = 100
"""Schedules in which a bug must show."""


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.plant.__name__)
def test_a_planted_bug_is_found(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant.plant(monkeypatch)

    seeds = itertools.count(list(FLAVOURS).index(mutant.flavour), len(FLAVOURS))
    plans = (mutant.adjust(make(seed)) for seed in itertools.islice(seeds, BUDGET))

    assert any(True for plan in plans for _ in mutant.check(simulate(plan)))
