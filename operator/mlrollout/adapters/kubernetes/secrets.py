"""Secrets that objects name."""

from base64 import b64decode
from collections.abc import Mapping

from mlrollout.ports import ObjectsError

from .client import Client
from .object_name import can_be_name

_SECRET = "/api/v1/namespaces/{namespace}/secrets/{name}"  # noqa: S105 - a path


class KubernetesSecrets:
    """Implements the port `Secrets`."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def read(self, namespace: str, name: str, key: str) -> str:
        """The decoded value, as it stands now."""
        where = _where(namespace, name)
        content = (await self.read_all(namespace, name)).get(key)
        if content is None:
            raise ObjectsError(f"Could not read {where}: it has no key {key}. Add it, or correct the secretRef.")
        try:
            return content.decode()
        except ValueError:
            raise ObjectsError(f"Could not read {where}: what stands under {key} is not text (UTF-8).") from None

    async def read_all(self, namespace: str, name: str) -> Mapping[str, bytes]:
        """Every value, decoded, as it stands now."""
        where = _where(namespace, name)
        if not can_be_name(name):
            raise ObjectsError(f"Could not read {where}: no Secret can have this name. Correct the secretRef.")
        advice = (
            "The operator reads Secrets only in the namespaces that the chart's value secretNamespaces lists: "
            f"add {namespace} to it."
        )
        secret = await self._client.ask(
            f"read {where}", "GET", _SECRET, forbidden=advice, namespace=namespace, name=name
        )
        return {key: b64decode(encoded) for key, encoded in (secret.get("data") or {}).items()}


def _where(namespace: str, name: str) -> str:
    return f"the Secret {namespace}/{name}"
