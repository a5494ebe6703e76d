"""What a ConfigMap says, as far as no real one can say it; a real one stands in tests/cluster/kubernetes."""

from typing import Any

import pytest

from tests.components.revisions.asking import Cluster, source, unknown

NAMED = {"name": "models", "key": "candidate"}
MADE = {"creationTimestamp": "2026-11-26T18:00:00Z"}


def holding(**fields: Any) -> Any:
    """The source of a ConfigMap with these fields."""
    return source(Cluster(config_maps={"models": {"metadata": MADE, **fields}}), configMap=NAMED)


@pytest.mark.parametrize(
    "data", [{}, {"data": None}, {"data": {"champion": "7"}}, {"binaryData": {"candidate": "Nw=="}}]
)
async def test_without_the_key_it_is_told(data: Any) -> None:
    said = await unknown(holding(**data))
    assert said.startswith("the ConfigMap dispatch/models has no key candidate with a text: add it")


async def test_what_is_no_revision_is_told_without_being_repeated() -> None:
    assert "the ConfigMap dispatch/models names a revision with" in await unknown(
        holding(data={"candidate": "s3cret\nv8"})
    )


async def test_one_that_is_away_is_told() -> None:
    said = await unknown(source(Cluster(), configMap=NAMED))
    assert said == "Could not read the ConfigMap dispatch/models: 404"


async def test_an_api_server_that_hangs_ends_at_the_deadline() -> None:
    said = await unknown(source(Cluster(hangs=True), configMap=NAMED), deadline=0.1)
    assert said == "the ConfigMap dispatch/models could not be read within 100ms"


async def test_what_is_complete_is_told_to_no_config_map() -> None:
    async with holding(data={"candidate": "7"}) as one:
        await one.completed("7", deadline=5)
