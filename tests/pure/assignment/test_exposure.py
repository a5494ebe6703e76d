"""The hook counts evaluations of any provider, under bounded labels."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from mlrollout.assignment.exposure import ExposureHook
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.flag_evaluation import FlagResolutionDetails, Reason
from openfeature.provider.in_memory_provider import InMemoryFlag, InMemoryProvider
from prometheus_client import CollectorRegistry

NAME = "mlrollout_exposures_total"


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def client(registry: CollectorRegistry) -> Iterator[OpenFeatureClient]:
    """A client of somebody else's provider."""
    flags: dict[str, InMemoryFlag[str]] = {
        "colour": InMemoryFlag("warm", {"warm": "red", "cold": "blue"}),
        "unnamed": InMemoryFlag("warm", {"warm": "red"}),
        "odd": InMemoryFlag(
            "warm", {"warm": "red"}, context_evaluator=lambda *_: FlagResolutionDetails("x", None, None, "moon", "mild")
        ),
    }
    domain = uuid4().hex
    api.set_provider_and_wait(InMemoryProvider(flags), domain)
    made = api.get_client(domain)
    made.add_hooks([ExposureHook(["colour", "odd", "gone"], variants=["warm", "cold"], registry=registry)])
    yield made
    api.shutdown()


def shown(registry: CollectorRegistry, flag: str, variant: str, reason: str) -> float | None:
    return registry.get_sample_value(NAME, {"flag": flag, "variant": variant, "reason": reason})


def test_what_was_named_stands_at_0_from_the_start(registry: CollectorRegistry, client: OpenFeatureClient) -> None:
    for flag in ("colour", "odd", "gone"):
        for variant in ("warm", "cold", "none"):
            for reason in Reason:
                assert shown(registry, flag, variant, reason) == 0


def test_an_evaluation_counts_by_flag_variant_and_reason(
    registry: CollectorRegistry, client: OpenFeatureClient
) -> None:
    assert client.get_string_value("colour", "grey") == "red"
    assert client.get_string_value("colour", "grey") == "red"

    assert shown(registry, "colour", "warm", "STATIC") == 2


async def test_an_async_evaluation_counts_as_well(registry: CollectorRegistry, client: OpenFeatureClient) -> None:
    await client.get_string_value_async("colour", "grey")

    assert shown(registry, "colour", "warm", "STATIC") == 1


def test_the_callers_default_counts_as_no_variant(registry: CollectorRegistry, client: OpenFeatureClient) -> None:
    assert client.get_string_value("gone", "grey") == "grey"

    assert shown(registry, "gone", "none", "ERROR") == 1


def test_what_was_not_named_is_other(registry: CollectorRegistry, client: OpenFeatureClient) -> None:
    client.get_string_value("unnamed", "grey")
    client.get_string_value("odd", "grey")
    for number in range(100):
        client.get_string_value(f"flag-{number}", "grey")

    assert shown(registry, "other", "warm", "STATIC") == 1
    assert shown(registry, "odd", "other", "UNKNOWN") == 1
    assert shown(registry, "other", "none", "ERROR") == 100


def test_the_same_counter_twice_in_one_registry_is_refused(
    registry: CollectorRegistry, client: OpenFeatureClient
) -> None:
    with pytest.raises(ValueError, match="mlrollout_exposures"):
        ExposureHook(["colour"], registry=registry)
