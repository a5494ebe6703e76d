"""Which cluster this is."""

from mlrollout.ports import ObjectsError

from .client import Client

_NAMESPACE = "/api/v1/namespaces/{name}"


async def cluster_uid(client: Client) -> str:
    """The uid of the namespace `kube-system`: every cluster has one of its own, for as long as it lives.

    Raises:
        ObjectsError: It can't be read.
    """
    found = await client.ask("read which cluster this is", "GET", _NAMESPACE, name="kube-system")
    metadata = found.get("metadata")
    uid = metadata.get("uid") if isinstance(metadata, dict) else None
    if not isinstance(uid, str) or not uid:
        raise ObjectsError("Could not read which cluster this is: its namespace kube-system has no uid.")
    return uid
