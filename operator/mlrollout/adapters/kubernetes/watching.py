"""`MLRollout` objects, listed and then followed: for whoever shows them, and guards nothing by what is seen."""

from collections.abc import AsyncIterator, Sequence
from urllib.parse import quote

from mlrollout.ports import Object, ObjectsError

from .client import Client, Data
from .objects import IN_ALL, IN_ONE, PAGE, listed

WATCH = 15
"""Seconds of a watch. Its reader begins another, so that a connection that broke off silently is found."""
_SILENCE = WATCH + 5.0
"""Seconds without a word after which a watch is over, whatever its connection says."""
_WHAT = "follow the MLRollout objects"


class KubernetesWatch:
    """Needs the rights `list` and `watch` on the objects.

    Args:
        client: The API server.
        namespace: Whose objects are followed; empty for those of every namespace.
    """

    def __init__(self, client: Client, namespace: str = "") -> None:
        self._client = client
        self._path = IN_ONE.format(namespace=quote(namespace, safe="")) if namespace else IN_ALL

    async def list(self) -> tuple[Sequence[Object], str]:
        """Every object, and the version from which on they can be followed.

        Raises:
            ObjectsError: They can't be known.
        """
        found: list[Object] = []
        more = ""
        while True:
            where = f"?limit={PAGE}" + (f"&continue={quote(more, safe='')}" if more else "")
            page = await self._client.ask("list the MLRollout objects", "GET", self._path + where)
            found += listed(page)
            metadata = page.get("metadata") or {}
            more = str(metadata.get("continue") or "")
            if not more:
                return found, str(metadata.get("resourceVersion") or "")

    async def changes(self, version: str) -> AsyncIterator[tuple[str, Object]]:
        """What happens after a version, for `WATCH` seconds: the type of each event, and its object.

        The first has no type: the API server has begun to answer.

        Raises:
            ObjectsError: It tells nothing, or broke off.
        """
        asked = f"?watch=1&allowWatchBookmarks=true&timeoutSeconds={WATCH}&resourceVersion={quote(version, safe='')}"
        async for event in self._client.stream(_WHAT, self._path + asked, _SILENCE):
            yield _told(event)


def _told(event: Data) -> tuple[str, Object]:
    kind, found = event.get("type", ""), event.get("object", {})
    if not isinstance(kind, str) or not isinstance(found, dict):
        raise ObjectsError(f"Could not {_WHAT}: the Kubernetes API answered with something else.")
    return kind, found
