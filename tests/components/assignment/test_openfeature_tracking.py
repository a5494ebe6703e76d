"""Tracked events and exposures, through OpenFeature's own client."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from mlrollout import Group, Rollout
from mlrollout.assignment.exposure import ExposureHook
from mlrollout.assignment.openfeature import MlrolloutProvider
from openfeature.client import OpenFeatureClient
from openfeature.evaluation_context import EvaluationContext
from openfeature.track import TrackingEventDetails
from prometheus_client import CollectorRegistry

from tests.components.assignment.openfeature_client import FLAG, KIM, serving
from tests.components.assignment.place import KEY, Place, reaches


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def client(at_100: Rollout, registry: CollectorRegistry) -> Iterator[OpenFeatureClient]:
    with serving(MlrolloutProvider({FLAG: at_100}, events=["delivered"], registry=registry)) as made:
        yield made


def tracked(registry: CollectorRegistry, group: Group, what: str = "total") -> float | None:
    labels = {"flag": FLAG, "event": "delivered", "group": group.value}
    return registry.get_sample_value(f"mlrollout_tracked_{what}", labels)


def test_an_event_counts_for_the_group_that_its_user_is_in(
    place: Place, at_100: Rollout, client: OpenFeatureClient, registry: CollectorRegistry
) -> None:
    client.track("delivered", KIM, TrackingEventDetails(4.5))
    client.track("delivered", KIM)
    place.put(0, latched=True)
    reaches(at_100, 0)
    client.track("delivered", KIM, TrackingEventDetails(3))

    assert (tracked(registry, Group.TREATMENT), tracked(registry, Group.CONTROL)) == (2, 1)
    assert tracked(registry, Group.TREATMENT, "value_sum") == 4.5
    assert tracked(registry, Group.TREATMENT, "value_count") == 1
    assert tracked(registry, Group.CONTROL, "value_sum") == 3


@pytest.mark.parametrize("user", [None, "", 7.5, "\ud800"], ids=ascii)
def test_an_event_of_nobody_is_not_counted_and_told_of(
    client: OpenFeatureClient, registry: CollectorRegistry, user: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    client.track("delivered", EvaluationContext(user))

    assert (tracked(registry, Group.TREATMENT), tracked(registry, Group.CONTROL)) == (0, 0)
    assert "argeting key" in caplog.text


def test_an_event_that_was_not_named_makes_no_series(client: OpenFeatureClient, registry: CollectorRegistry) -> None:
    before = [sample.labels for family in registry.collect() for sample in family.samples]
    client.track("order-4711-delivered", KIM)

    assert [sample.labels for family in registry.collect() for sample in family.samples] == before


def test_before_redis_was_read_nothing_is_counted(registry: CollectorRegistry) -> None:
    with Rollout(KEY, redis="redis://127.0.0.1:1") as rollout:
        provider = MlrolloutProvider({FLAG: rollout}, wait=0, events=["delivered"], registry=registry)
        with serving(provider, wait=False) as client:
            client.track("delivered", KIM)

    assert (tracked(registry, Group.TREATMENT), tracked(registry, Group.CONTROL)) == (0, 0)


def test_a_provider_that_was_given_no_events_ignores_them(at_100: Rollout) -> None:
    with serving(MlrolloutProvider({FLAG: at_100})) as client:
        client.track("delivered", KIM, TrackingEventDetails(1))


def test_exposures_are_counted_by_group(
    at_100: Rollout, client: OpenFeatureClient, registry: CollectorRegistry
) -> None:
    client.add_hooks([ExposureHook([FLAG], registry=registry)])
    client.get_boolean_value(FLAG, default_value=False, evaluation_context=KIM)
    client.get_boolean_value(FLAG, default_value=False)
    with at_100.force("control"):
        client.get_boolean_value(FLAG, default_value=False, evaluation_context=KIM)

    shown = {
        (sample.labels["variant"], sample.labels["reason"]): sample.value
        for family in registry.collect()
        for sample in family.samples
        if sample.name == "mlrollout_exposures_total" and sample.value
    }
    assert shown == {("treatment", "SPLIT"): 1, ("none", "ERROR"): 1, ("control", "STATIC"): 1}


def test_who_tracks_nothing_needs_no_prometheus_client() -> None:
    program = (
        "import sys; from mlrollout import Rollout; from mlrollout.assignment.openfeature import MlrolloutProvider; "
        f"MlrolloutProvider({{'f': Rollout({KEY!r}, redis='redis://127.0.0.1:1')}}); "
        "print('prometheus_client' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)

    assert ran.stdout == "False\n"
