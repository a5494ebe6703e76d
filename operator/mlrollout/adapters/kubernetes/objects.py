"""`MLRollout` objects: reading them, and writing what is the operator's in them."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from mlrollout.api import GROUP, PLURAL, VERSION
from mlrollout.ports import Clock, Note, Object, Ref

from .client import Client, Data, UnfitError
from .notes import Notes

_ALL = f"/apis/{GROUP}/{VERSION}/{PLURAL}"
OBJECT = f"/apis/{GROUP}/{VERSION}/namespaces/{{namespace}}/{PLURAL}/{{name}}"


class KubernetesObjects:
    """Implements the port `Objects`.

    Args:
        client: The API server.
        clock: For the times in Events.
        instance: Which operator this is, for its Events.
    """

    def __init__(self, client: Client, clock: Clock, instance: str) -> None:
        self._client = client
        self._notes = Notes(client, clock, instance)

    async def read_all(self) -> Sequence[Object]:
        """Every object of every namespace as it stands now."""
        found = await self._client.ask("list the MLRollout objects", "GET", _ALL)
        return cast("Sequence[Object]", found.get("items") or [])

    async def get(self, ref: Ref) -> Object:
        """The object as it stands now."""
        return await self._ask(f"read {ref}", "GET", OBJECT, ref)

    async def save_status(self, ref: Ref, resource_version: str, status: Mapping[str, Any]) -> Object:
        """Replace the whole status if the object still has this resourceVersion."""
        # A merge patch would keep the fields that the new status lacks.
        patch = [_at(resource_version), {"op": "add", "path": "/status", "value": dict(status)}]
        return await self._ask(f"save the status of {ref}", "PATCH", f"{OBJECT}/status", ref, patch)

    async def set_finalizer(self, ref: Ref, resource_version: str, finalizers: tuple[str, ...]) -> Object:
        """Replace the list of finalizers, under the same condition."""
        patch = [_at(resource_version), {"op": "add", "path": "/metadata/finalizers", "value": list(finalizers)}]
        return await self._ask(f"set the finalizers of {ref}", "PATCH", OBJECT, ref, patch)

    async def drop_annotation(self, ref: Ref, name: str, value: str) -> Object:
        """Remove an annotation if it still has this value; answers with the object either way."""
        path = "/metadata/annotations/" + name.replace("~", "~0").replace("/", "~1")
        patch = [{"op": "test", "path": path, "value": value}, {"op": "remove", "path": path}]
        try:
            return await self._ask(f"remove the annotation {name} from {ref}", "PATCH", OBJECT, ref, patch)
        except UnfitError:
            # The value is another by now, or something else is wrong; the object tells which.
            standing = await self.get(ref)
            if (standing["metadata"].get("annotations") or {}).get(name) == value:
                raise
            return standing

    async def note(self, ref: Ref, uid: str, note: Note) -> None:
        """Post a Kubernetes Event about the object."""
        await self._notes.post(ref, uid, note)

    async def _ask(self, what: str, method: str, path: str, ref: Ref, body: list[Data] | None = None) -> Data:
        return await self._client.ask(what, method, path, body, namespace=ref.namespace, name=ref.name)


def _at(resource_version: str) -> Data:
    """What makes the API server answer 409 where the object has another resourceVersion."""
    return {"op": "replace", "path": "/metadata/resourceVersion", "value": resource_version}
