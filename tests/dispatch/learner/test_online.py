"""What is learned: it comes near to the truth, and no burst of outcomes throws it off."""

from math import isfinite
from random import Random

import pytest
from dispatch.model import Model
from hypothesis import given
from hypothesis import strategies as st
from learner.online import WIDEST, Online, log_loss
from sklearn.linear_model import LogisticRegression

from tests.dispatch.learner.made import outcome, stream

SHARES = st.tuples(*[st.floats(0, 1)] * 5)


@given(st.lists(st.lists(st.tuples(SHARES, st.booleans()), max_size=60), max_size=5), st.floats(-50, 50))
def test_whatever_comes_it_stays_a_model(told: list[list[tuple[tuple[float, ...], bool]]], first: float) -> None:
    online = Online(weights=(first,) * 6)

    for together in told:
        online = online.learn([outcome(i, inputs=x, rating=5 if well else 1) for i, (x, well) in enumerate(together)])

    assert all(isfinite(weight) and abs(weight) <= WIDEST for weight in online.weights)
    assert 0 <= online.predict((1.0,) * 5) <= 1


def test_one_by_one_it_learns_what_a_fit_of_everything_at_once_does() -> None:
    told = stream(3000)
    online = Online()
    for one in told:
        online = online.learn([one])
    fitted = LogisticRegression().fit([one.inputs for one in told], [one.well for one in told])

    apart = [abs(online.predict(x) - fitted.predict_proba([x])[0, 1]) for x in (one.inputs for one in told[:200])]

    assert max(apart) < 0.2
    assert sum(apart) / len(apart) < 0.03


def test_it_begins_where_a_model_stands_and_leaves_it_only_for_reasons() -> None:
    model = Model("1", (4.0, 1.0, 3.0, 1.0, 2.0), (0.5,) * 5, -8.0)
    rng = Random(1)  # noqa: S311 - the same each time
    inputs = tuple(rng.random() for _ in range(5))

    online = Online.of(model)

    assert online.learn([]) is online
    assert abs(online.learn([outcome(inputs=inputs)]).predict(inputs) - online.predict(inputs)) < 0.3


@pytest.mark.parametrize(("predicted", "well"), [(0.0, True), (1.0, False), (0.5, True), (1.0, True)])
def test_no_single_outcome_is_a_catastrophe(predicted: float, *, well: bool) -> None:
    assert 0 < log_loss(predicted, well=well) <= 3
