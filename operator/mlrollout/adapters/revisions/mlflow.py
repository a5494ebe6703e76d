"""An alias of a registered model, by the REST API of MLflow's registry.

mlflow.org/docs/latest/api_reference/rest-api.html: "Get Model Version by Alias", "Set Registered Model Alias".
"""

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType

import aiohttp

from mlrollout.adapters.http.peer import MIB, Peer, UnusableReplyError, read, unwanted
from mlrollout.api.revision_from import MLflowModel
from mlrollout.ports import NamedRevision

from .json_reply import at, parsed
from .named import named
from .site import CREDENTIALS, OVERLOADED, Site

_WHO = "MLflow"
_ALIAS = "api/2.0/mlflow/registered-models/alias"
_SMALLER = "see whether MLflow stands there"
_READY = "READY"
_NO_MOMENT = 10**15
"""Milliseconds since the epoch, some 30,000 years."""
_MAY_BE_ABSENT = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND})
_ABSENT = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
"""Its codes for a model or a version, and for an alias, that it does not have; and for a name that none can have."""
_HOSTS = "; or it does not let itself be asked by this name: see its option --allowed-hosts"
_NO_API = "there is no registry of MLflow at this address: check it, and the path in it"
_HINTS: Mapping[int, str] = MappingProxyType(
    {
        HTTPStatus.UNAUTHORIZED: CREDENTIALS,
        HTTPStatus.FORBIDDEN: CREDENTIALS + _HOSTS,
        HTTPStatus.NOT_FOUND: _NO_API,
        HTTPStatus.METHOD_NOT_ALLOWED: _NO_API,
        HTTPStatus.TOO_MANY_REQUESTS: OVERLOADED,
        HTTPStatus.SERVICE_UNAVAILABLE: OVERLOADED,
    }
)


class MLflowSource:
    """One alias. Implements `RevisionSource`; the revision is the version's number.

    Args:
        site: The server.
        model: Which alias of which model, and which one is set in the end.
    """

    def __init__(self, site: Site, model: MLflowModel) -> None:
        self._site = site
        self._model = model

    async def ask(self, *, deadline: float) -> NamedRevision:
        """The version that the alias names; who registered it, and when."""
        return await self._site.ask(_WHO, self._version, deadline)

    async def completed(self, revision: str, *, deadline: float) -> None:
        """Set the alias for completed versions, where the object names one."""
        alias = self._model.on_completion
        if alias is None:
            return
        told = {"name": self._model.model, "alias": alias, "version": revision}

        async def told_so(peer: Peer) -> None:
            async with await peer.send("POST", _ALIAS, json=told) as response:
                await self._answer(response, f"version {revision}")

        await self._site.ask(_WHO, told_so, deadline)

    async def _version(self, peer: Peer) -> NamedRevision:
        asked = {"name": self._model.model, "alias": self._model.alias}
        async with await peer.send("GET", _ALIAS, query=asked) as response:
            answer = await self._answer(response, f"alias {self._model.alias}")
        found = answer.get("model_version") if isinstance(answer, dict) else None
        if not isinstance(found, dict):
            raise UnusableReplyError("answered without a version: see whether MLflow stands there")
        if found.get("status", _READY) != _READY:
            raise UnusableReplyError("names a version whose registration is not complete: see what MLflow says of it")
        return named(found.get("version"), found.get("user_id"), _seconds(found.get("creation_timestamp")))

    async def _answer(self, response: aiohttp.ClientResponse, what: str) -> object:
        if response.status in _MAY_BE_ABSENT and await _code(response) in _ABSENT:
            raise UnusableReplyError(
                f"has no {what} of a model {self._model.model}: set it there, or correct spec.revisionFrom"
            )
        if response.status != HTTPStatus.OK:
            raise unwanted(response.status, _HINTS)
        return parsed(await read(response, MIB, _SMALLER))


def _seconds(milliseconds: object) -> float | None:
    """Since the epoch; `None` of what is no moment, a number beyond all floats for example."""
    return milliseconds / 1000 if isinstance(milliseconds, int) and 0 <= milliseconds < _NO_MOMENT else None


async def _code(response: aiohttp.ClientResponse) -> object:
    """The code of an error; nothing where MLflow did not send it."""
    try:
        return at(parsed(await read(response, MIB, _SMALLER)), "/error_code")
    except UnusableReplyError:
        return None
