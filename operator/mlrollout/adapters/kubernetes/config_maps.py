"""ConfigMaps that objects name."""

from collections.abc import Mapping
from typing import Any

from mlrollout.ports import ObjectsError

from .client import Client
from .object_name import can_be_name

_CONFIG_MAP = "/api/v1/namespaces/{namespace}/configmaps/{name}"


class KubernetesConfigMaps:
    """Reads ConfigMaps."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def read(self, namespace: str, name: str) -> Mapping[str, Any]:
        """One as a whole, as it stands now."""
        where = f"the ConfigMap {namespace}/{name}"
        if not can_be_name(name):
            raise ObjectsError(f"Could not read {where}: none can have this name. Correct spec.revisionFrom.configMap.")
        advice = (
            "The operator reads ConfigMaps only in the namespaces that the chart's value configMapNamespaces lists: "
            f"add {namespace} to it."
        )
        return await self._client.ask(
            f"read {where}", "GET", _CONFIG_MAP, forbidden=advice, namespace=namespace, name=name
        )
