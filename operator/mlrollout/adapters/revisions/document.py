"""A place in a JSON document."""

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType

from mlrollout.adapters.http.peer import MIB, Peer, moment, read, unwanted
from mlrollout.api.revision_from import JsonDocument
from mlrollout.ports import NamedRevision

from .json_reply import at, parsed
from .named import named
from .site import CREDENTIALS, OVERLOADED, Site

_SMALLER = "name a smaller document"
_HINTS: Mapping[int, str] = MappingProxyType(
    {
        HTTPStatus.UNAUTHORIZED: CREDENTIALS,
        HTTPStatus.FORBIDDEN: CREDENTIALS,
        HTTPStatus.NOT_FOUND: "there is no document at this address: check it",
        HTTPStatus.TOO_MANY_REQUESTS: OVERLOADED,
        HTTPStatus.SERVICE_UNAVAILABLE: OVERLOADED,
    }
)


class DocumentSource:
    """One document. Implements `RevisionSource`.

    Args:
        site: Where it is.
        pointer: Where in it the revision stands.
    """

    def __init__(self, site: Site, document: JsonDocument) -> None:
        self._site = site
        self._pointer = document.pointer

    async def ask(self, *, deadline: float) -> NamedRevision:
        """What stands there; when, as its header `Last-Modified` says."""
        return await self._site.ask("the document", self._read, deadline)

    async def completed(self, revision: str, *, deadline: float) -> None:
        """Nothing: a document is read, and never written."""

    async def _read(self, peer: Peer) -> NamedRevision:
        async with await peer.send("GET") as response:
            if response.status != HTTPStatus.OK:
                raise unwanted(response.status, _HINTS)
            body = await read(response, MIB, _SMALLER)
            return named(at(parsed(body), self._pointer), at=moment(response.headers.get("Last-Modified")))
