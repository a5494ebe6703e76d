"""Asking a source of revisions of which nothing is known."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from mlrollout.adapters.revisions import AllowedRevisionSources
from mlrollout.api.revision_from import RevisionFrom
from mlrollout.ports import NamedRevision, ObjectsError, RevisionSource, RevisionUnknownError

from tests.support.raw_server import RawServer

SECRET = "s3cret"  # noqa: S105 - what must never be repeated
NAMESPACE = "dispatch"


@dataclass
class Cluster:
    """Its Secrets and ConfigMaps.

    Attributes:
        secrets: By their names.
        config_maps: Likewise, as the API server sends them.
        hangs: Whether it never answers.
    """

    secrets: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict)
    config_maps: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    hangs: bool = False

    async def read_all(self, namespace: str, name: str) -> Mapping[str, bytes]:
        found: Mapping[str, bytes] = await self._of(self.secrets, f"the Secret {namespace}/{name}", name)
        return found

    async def read(self, namespace: str, name: str, key: str = "") -> Any:  # noqa: ARG002 - of a Secret: never asked
        return await self._of(self.config_maps, f"the ConfigMap {namespace}/{name}", name)

    async def _of(self, those: Mapping[str, Any], what: str, name: str) -> Any:
        if self.hangs:
            await asyncio.Event().wait()
        if name not in those:
            raise ObjectsError(f"Could not read {what}: 404")
        return those[name]


@asynccontextmanager
async def sources(*allowed: str, cluster: Cluster | None = None) -> AsyncIterator[AllowedRevisionSources]:
    """The sources that objects may name, closed afterwards."""
    has = cluster or Cluster()
    made = AllowedRevisionSources(allowed, has, has)
    try:
        yield made
    finally:
        await made.close()


@asynccontextmanager
async def source(cluster: Cluster | None = None, **named: Mapping[str, Any]) -> AsyncIterator[RevisionSource]:
    """One of them, by its kind and its fields."""
    (fields,) = named.values()
    async with sources(*([fields["address"]] if "address" in fields else []), cluster=cluster) as made:
        yield made.source(NAMESPACE, RevisionFrom.model_validate(named))


def mlflow(server: RawServer, **more: Any) -> Any:
    """The source of a test's server as if it were MLflow."""
    return source(mlflow={"address": server.address, "model": "dispatch", **more})


def document(server: RawServer, **more: Any) -> Any:
    """The source of a test's document."""
    return source(http={"address": f"{server.address}/candidate.json", **more})


async def ask(opened: Any, deadline: float = 5) -> NamedRevision:
    """What it names."""
    async with opened as one:
        found: NamedRevision = await one.ask(deadline=deadline)
        return found


async def unknown(opened: Any, deadline: float = 5) -> str:
    """What is said where it names nothing that can be used."""
    with pytest.raises(RevisionUnknownError) as error:
        await ask(opened, deadline)
    assert SECRET not in repr(error.value)
    assert len(str(error.value)) < 500
    assert str(error.value).isprintable()
    return str(error.value)
