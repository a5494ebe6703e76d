"""Drift: 0 where nothing has changed, much where it has, unknown where there is too little."""

from random import Random

from dispatch.model import FEATURES
from hypothesis import given
from hypothesis import strategies as st
from learner.drift import NEEDED, psi, spread

from tests.dispatch.learner.made import chance_inputs

VALUES = st.lists(st.tuples(*[st.floats(0, 1)] * 5), min_size=1, max_size=10).map(lambda few: few * NEEDED)


@given(VALUES, VALUES)
def test_it_is_never_below_nothing_and_nothing_of_the_same(
    then: list[tuple[float, ...]], now: list[tuple[float, ...]]
) -> None:
    assert all(value >= 0 for value in psi(spread(then), spread(now)).values())
    assert all(value == 0 for value in psi(spread(then), spread(then)).values())


def test_a_change_of_one_feature_is_told_of_that_one() -> None:
    rng = Random(1)  # noqa: S311 - the same each time
    then = [chance_inputs(rng) for _ in range(1000)]
    now = [(one[0] / 2, *one[1:]) for one in (chance_inputs(rng) for _ in range(500))]

    found = psi(spread(then), spread(now))

    assert found["near"] > 0.25
    assert all(found[name] < 0.05 for name in FEATURES[1:])


def test_few_values_say_nothing_nor_does_a_model_that_knows_nothing_of_then() -> None:
    rng = Random(1)  # noqa: S311 - the same each time
    many = [chance_inputs(rng) for _ in range(NEEDED)]

    assert spread(many[1:]) == {}
    assert psi({}, spread(many)) == {}
    assert psi(spread(many), {}) == {}
    assert psi({name: [0.5, 0.5] for name in FEATURES}, spread(many)) == {}  # other bins: an older model's
