"""Events are counted by group; nothing that is handed in spoils a counter or adds a series."""

import logging
from math import inf, nan

import pytest
from mlrollout import Group
from mlrollout.assignment.tracking import Tracked
from prometheus_client import CollectorRegistry

DELIVERED = {"flag": "ml-dispatch", "event": "delivered", "group": "treatment"}


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def tracked(registry: CollectorRegistry) -> Tracked:
    return Tracked(["ml-dispatch"], ["delivered", "cancelled"], registry)


def test_every_combination_stands_at_0_from_the_start(registry: CollectorRegistry, tracked: Tracked) -> None:
    for event in ("delivered", "cancelled"):
        for group in Group:
            labels = {"flag": "ml-dispatch", "event": event, "group": group.value}
            for name in ("mlrollout_tracked_total", "mlrollout_tracked_value_sum", "mlrollout_tracked_value_count"):
                assert registry.get_sample_value(name, labels) == 0


def test_an_event_with_a_value_adds_it_to_its_groups_sum(registry: CollectorRegistry, tracked: Tracked) -> None:
    tracked.count("ml-dispatch", "delivered", Group.TREATMENT, 4.5)
    tracked.count("ml-dispatch", "delivered", Group.TREATMENT, None)
    tracked.count("ml-dispatch", "delivered", Group.CONTROL, 1)

    assert registry.get_sample_value("mlrollout_tracked_total", DELIVERED) == 2
    assert registry.get_sample_value("mlrollout_tracked_value_sum", DELIVERED) == 4.5
    assert registry.get_sample_value("mlrollout_tracked_value_count", DELIVERED) == 1


@pytest.mark.parametrize(
    "value", [nan, inf, -inf, -1, "much", "nan", [1], {}, object(), 10**400], ids=lambda v: str(v)[:9]
)
def test_a_value_that_would_spoil_the_sum_is_left_out_and_the_event_counted(
    registry: CollectorRegistry, tracked: Tracked, value: object, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "mlrollout"):
        tracked.count("ml-dispatch", "delivered", Group.TREATMENT, value)

    assert registry.get_sample_value("mlrollout_tracked_total", DELIVERED) == 1
    assert registry.get_sample_value("mlrollout_tracked_value_sum", DELIVERED) == 0
    assert "finite number" in caplog.text


def test_an_event_that_was_not_named_is_told_of_but_not_every_time(
    tracked: Tracked, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "mlrollout"):
        assert not any(tracked.knows(f"event-{number}") for number in range(100))

    assert 1 <= len(caplog.records) < 10
    assert "event-0" in caplog.text


def test_the_same_counters_twice_in_one_registry_are_refused(registry: CollectorRegistry, tracked: Tracked) -> None:
    with pytest.raises(ValueError, match="mlrollout_tracked"):
        Tracked(["ml-dispatch"], ["delivered"], registry)
