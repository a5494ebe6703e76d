"""The simulation finds bugs: each that is planted breaks the very invariant that it should."""

import pytest

from .mutants import MUTANTS, Mutant
from .world.plan import FLAVOURS, make
from .world.world import simulate

BUDGET = 100
"""Schedules in which a bug must show."""


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.plant.__name__)
def test_a_planted_bug_is_found(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant.plant(monkeypatch)

    first, step = list(FLAVOURS).index(mutant.flavour), len(FLAVOURS)
    places = ((mutant.near + place) % BUDGET for place in range(BUDGET))
    plans = (mutant.adjust(make(first + step * place)) for place in places)

    assert any(True for plan in plans for _ in mutant.check(simulate(plan)))
