"""The two paths: what each offers, and what it never offers."""

from datetime import timedelta
from itertools import pairwise
from random import Random

import pytest
from dispatch import fleet
from dispatch.breakdown import breakdown
from dispatch.model import Model
from dispatch.nearest import nearest
from dispatch.orders import LONGEST, Point, can_take
from dispatch.reasons import ENGLISH, KOREAN, Language
from dispatch.recommend import recommend
from hypothesis import given
from hypothesis import strategies as st

from tests.dispatch.api.made import NOON, order, vehicle

MODEL = Model("ranker-1", weights=(4.0, 1.0, 3.0, 1.0, 2.0), averages=(0.5,) * 5, intercept=-7.0)


def test_legacy_offers_the_five_nearest_that_can_take_the_order() -> None:
    line = [vehicle(n, position=Point(10 + n, 10)) for n in range(1, 9)]
    near = [vehicle(20, capacity_kg=100), vehicle(21, free=False)]

    assert [(one.id, way) for one, way in nearest(order(), [*reversed(line), *near])] == [(n, n) for n in range(1, 6)]


def test_a_lift_and_the_capacity_decide_who_can_take_an_order() -> None:
    assert can_take(vehicle(), order())
    assert not can_take(vehicle(capacity_kg=899), order())
    assert not can_take(vehicle(), order(needs_lift=True))
    assert can_take(vehicle(lift=True, voltage="220V"), order(needs_lift=True))


def test_the_model_takes_the_right_voltage_further_away_before_the_wrong_one_here() -> None:
    here, there = vehicle(1, voltage="220V"), vehicle(2, position=Point(16, 10))

    best, second = recommend(MODEL, order(), [here, there], NOON)

    assert (best.vehicle, second.vehicle) == (there, here)
    assert (best.seen.voltage, second.seen.voltage) == (True, False)
    assert second.reason.endswith("but has 220V, not 380V")


@pytest.mark.parametrize(
    ("spoken", "end"), [(ENGLISH, "but has 220V, not 380V"), (KOREAN, "다만 380V가 아닌 220V 탑재")]
)
def test_a_fault_is_told_in_the_language_of_whoever_asks(spoken: Language, end: str) -> None:
    (found,) = recommend(MODEL, order(), [vehicle(voltage="220V")], NOON, spoken)
    assert found.reason.endswith(end)


def test_an_order_without_a_vehicle_has_no_recommendation() -> None:
    assert recommend(MODEL, order(load_kg=10_000), [vehicle()], NOON) == []
    assert recommend(MODEL, order(), [], NOON) == []
    assert nearest(order(load_kg=10_000), [vehicle()]) == []


def test_a_vehicle_that_comes_late_loses_by_the_minute() -> None:
    window = order().window
    seen = [
        breakdown(order(), vehicle(busy_minutes=minutes), 0, NOON).time_window for minutes in (60, 90, 120, 180, 240)
    ]

    assert window.ends - window.begins == timedelta(hours=1)
    assert seen == [1, 0.75, 0.5, 0, 0]


@given(st.integers(0, 2**32), st.integers(-2000, 2000))
def test_every_recommendation_is_in_bounds_ranked_and_able(seed: int, minutes: int) -> None:
    rng = Random(seed)  # noqa: S311 - made up
    made = [fleet.vehicle(rng, number) for number in range(1, 30)]
    wanted = fleet.order(rng, 1, NOON)

    found = recommend(MODEL, wanted, made, NOON + timedelta(minutes=minutes))

    assert len(found) == min(3, sum(can_take(one, wanted) for one in made))
    assert all(earlier.score >= later.score for earlier, later in pairwise(found))
    for one in found:
        costs = (one.score, one.seen.distance, one.seen.rotation, one.seen.time_window, one.seen.preference)
        assert all(0 <= share <= 1 for share in costs)
        assert can_take(one.vehicle, wanted)
        assert one.reason


def test_the_longest_way_costs_all() -> None:
    far = breakdown(order(pickup=Point(0, 0)), vehicle(position=Point(50, 50)), 0, NOON)

    assert far.distance == 1
    assert Point(0, 0).to(Point(50, 50)) == LONGEST
