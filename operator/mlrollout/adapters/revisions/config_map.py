"""A key of a ConfigMap."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from mlrollout.adapters.http.peer import UnusableReplyError
from mlrollout.api import duration
from mlrollout.api.revision_from import ConfigMapKey
from mlrollout.ports import NamedRevision, ObjectsError, RevisionUnknownError

from .named import named


class ReadsConfigMaps(Protocol):
    """What reads one as a whole."""

    async def read(self, namespace: str, name: str) -> Mapping[str, Any]:
        """It, as the API server sends it.

        Raises:
            ObjectsError: It could not be read.
        """
        ...


class ConfigMapSource:
    """One key. Implements `RevisionSource`.

    Args:
        config_maps: Reads ConfigMaps.
        namespace: The object's.
        place: Which of its ConfigMaps, and which key.
    """

    def __init__(self, config_maps: ReadsConfigMaps, namespace: str, place: ConfigMapKey) -> None:
        self._config_maps = config_maps
        self._namespace = namespace
        self._place = place

    async def ask(self, *, deadline: float) -> NamedRevision:
        """What stands there; who wrote it last and when, as its managed fields say, or when it was made."""
        where = f"the ConfigMap {self._namespace}/{self._place.name}"
        try:
            async with asyncio.timeout(deadline):
                found = await self._config_maps.read(self._namespace, self._place.name)
            return _named(found, self._place.key)
        except TimeoutError:
            reason = f"{where} could not be read within {duration.render(deadline)}"
        except ObjectsError as error:
            reason = str(error)
        except UnusableReplyError as error:
            reason = f"{where} {error}"
        raise RevisionUnknownError(reason)

    async def completed(self, revision: str, *, deadline: float) -> None:
        """Nothing: a ConfigMap is read, and never written."""


def _named(found: Mapping[str, Any], key: str) -> NamedRevision:
    data = found.get("data") or {}
    if key not in data:
        raise UnusableReplyError(f"has no key {key} with a text: add it, or correct spec.revisionFrom.configMap")
    metadata = found["metadata"]
    by, at = max(
        ((one["manager"], _moment(one["time"])) for one in metadata.get("managedFields", ()) if _wrote(one, key)),
        key=lambda last: last[1],
        default=("", _moment(metadata["creationTimestamp"])),
    )
    return named(data[key], by, at)


def _wrote(manager: Mapping[str, Any], key: str) -> bool:
    """Whether it is one that wrote the key, and when is known."""
    fields = manager.get("fieldsV1", {}).get("f:data", {})
    return f"f:{key}" in fields and "time" in manager


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
