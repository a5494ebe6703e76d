"""`MLRollout` objects: reading them, and writing what is the operator's in them."""

from collections.abc import Mapping, Sequence
from typing import Any, cast
from urllib.parse import quote

from mlrollout.api import GROUP, KIND, PLURAL, VERSION
from mlrollout.domain.kept import kept
from mlrollout.ports import Clock, EventToPost, Object, ObjectsError, Ref

from .client import Body, Client, Data
from .events import EventPoster

PAGE = 50
"""How many objects are listed in one call. They may have a megabyte each, and so much is in memory at once."""
_LIST = "list the MLRollout objects"
IN_ALL = f"/apis/{GROUP}/{VERSION}/{PLURAL}"
IN_ONE = f"/apis/{GROUP}/{VERSION}/namespaces/{{namespace}}/{PLURAL}"
OBJECT = f"{IN_ONE}/{{name}}"


class KubernetesObjects:
    """Implements the port `Objects`.

    Args:
        client: The API server.
        clock: For the times in Events.
        instance: Which operator this is, for its Events.
        namespace: Whose objects are listed; empty for those of every namespace.
    """

    def __init__(self, client: Client, clock: Clock, instance: str, namespace: str = "") -> None:
        self._client = client
        self._all = IN_ONE.format(namespace=quote(namespace, safe="")) if namespace else IN_ALL
        self._events = EventPoster(client, clock, instance)

    async def read_all(self) -> Sequence[Object]:
        """Every object, all as they stood at one moment."""
        found, more = await self._page("")
        while more:
            objects, more = await self._page(f"&continue={quote(more, safe='')}")
            found += objects
        return found

    async def probe(self) -> None:
        """Have it proved, with little to carry, that the objects can be read."""
        listed(await self._client.ask(_LIST, "GET", f"{self._all}?limit=1"))

    async def _page(self, where: str) -> tuple[list[Object], str]:
        """Some of the objects, and where the rest begins; empty where there is none. Each page has a call's time."""
        found = await self._client.ask(_LIST, "GET", f"{self._all}?limit={PAGE}{where}")
        objects: list[Object] = [kept(one) for one in listed(found)]
        metadata = found.get("metadata")
        return objects, str(metadata.get("continue") or "") if isinstance(metadata, dict) else ""

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

    async def change_annotations(
        self, ref: Ref, resource_version: str, annotations: Mapping[str, str | None]
    ) -> Object:
        """Set these annotations in one write, and remove those that are `None`, under the same condition."""
        # No test of a value: what the API server compares is its own encoding of it, in which `>` has six characters.
        patch: Data = {"metadata": {"resourceVersion": resource_version, "annotations": dict(annotations)}}
        return await self._ask(f"annotate {ref}", "PATCH", OBJECT, ref, patch)

    async def post_event(self, ref: Ref, uid: str, event: EventToPost) -> None:
        """Post a Kubernetes Event about the object."""
        await self._events.post(ref, uid, event)

    async def _ask(self, what: str, method: str, path: str, ref: Ref, body: Body = None) -> Data:
        found = await self._client.ask(what, method, path, body, namespace=ref.namespace, name=ref.name)
        if found.get("kind") != KIND or not _identified(found) or not _is(found, ref):
            raise _nonsense(what)
        return found


def listed(found: Data) -> list[Object]:
    """What is in a list. Anything else must not be read as a list of nothing: what is not there is forgotten."""
    items = found.get("items")
    if found.get("kind") != f"{KIND}List" or not isinstance(items, list) or not all(map(_identified, items)):
        raise _nonsense(_LIST)
    return cast("list[Object]", items)


def _identified(item: object) -> bool:
    metadata = item.get("metadata") if isinstance(item, dict) else None
    return isinstance(metadata, dict) and all(metadata.get(name) for name in ("namespace", "name", "uid"))


def _is(found: Data, ref: Ref) -> bool:
    return (found["metadata"]["namespace"], found["metadata"]["name"]) == (ref.namespace, ref.name)


def _nonsense(what: str) -> ObjectsError:
    return ObjectsError(
        f"Could not {what}: the Kubernetes API answered with something else. "
        "See what stands between it and this process."
    )


def _at(resource_version: str) -> Data:
    """What makes the API server answer 409 where the object has another resourceVersion."""
    return {"op": "replace", "path": "/metadata/resourceVersion", "value": resource_version}
