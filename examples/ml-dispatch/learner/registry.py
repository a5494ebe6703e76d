"""MLflow's registry of models, by its REST API: https://mlflow.org/docs/latest/api_reference/rest-api.html."""

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

SECONDS = 5.0
LARGEST = 1024 * 1024
"""Bytes of a reply."""
_API = "/api/2.0/mlflow/"
_NAMES_NONE = {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}
"""What MLflow says of a model that it does not know, and of an alias."""


class RegistryError(Exception):
    """The registry did not do what it was asked for: what it was, and why, for people.

    Attributes:
        code: What the registry calls it; empty where it said nothing.
    """

    def __init__(self, text: str, code: str = "") -> None:
        super().__init__(text)
        self.code = code


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A registry that sends elsewhere is none of ours: the token would go there, too."""

    def redirect_request(self, *_: object) -> None:
        return None


class Registry:
    """The versions of one model.

    Args:
        address: For example `http://mlflow:5000`.
        model: The name of the registered model.
        token: Is shown to it, if there is one.
    """

    def __init__(self, address: str, model: str, token: str | None = None) -> None:
        self._address = address.rstrip("/")
        self._model = model
        self._headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)

    def version_of(self, alias: str) -> str | None:
        """The version that an alias names; `None` where it names none.

        Raises:
            RegistryError: Whether it does is unknown.
        """
        try:
            told = self._ask("GET", "registered-models/alias", {"name": self._model, "alias": alias})
        except RegistryError as error:
            if error.code in _NAMES_NONE:
                return None
            raise
        return self._version(told)

    def register(self, source: str, description: str, tags: Mapping[str, str]) -> str:
        """A new version, which no alias names yet.

        Args:
            source: Where its file is.
            description: For people.
            tags: For programs.

        Raises:
            RegistryError: There may be one now, or not.
        """
        try:
            self._ask("POST", "registered-models/create", {"name": self._model})
        except RegistryError as error:
            if error.code != "RESOURCE_ALREADY_EXISTS":
                raise
        told = [{"key": key, "value": value} for key, value in tags.items()]
        asked = {"name": self._model, "source": source, "description": description, "tags": told}
        return self._version(self._ask("POST", "model-versions/create", asked))

    def point(self, alias: str, version: str) -> None:
        """Have an alias name a version.

        Raises:
            RegistryError: It may or may not.
        """
        self._ask("POST", "registered-models/alias", {"name": self._model, "alias": alias, "version": version})

    def _version(self, told: Mapping[str, Any]) -> str:
        found = told.get("model_version")
        version = found.get("version") if isinstance(found, dict) else None
        # It becomes the name of a file: MLflow counts versions, and whatever else is said is no version.
        if not isinstance(version, str) or not (version.isascii() and version.isdigit() and len(version) < 20):  # noqa: PLR2004
            raise RegistryError(f"the registry {self._address} named no version of {self._model}: is it MLflow?")
        return version

    def _ask(self, method: str, path: str, body: Mapping[str, object]) -> Mapping[str, Any]:
        query, data = (f"?{urlencode(body)}", None) if method == "GET" else ("", json.dumps(body).encode())
        url = f"{self._address}{_API}{path}{query}"
        request = urllib.request.Request(url, data, self._headers, method=method)  # noqa: S310 - the address is a setting
        try:
            with self._opener.open(request, timeout=SECONDS) as answer:
                return _parsed(answer.read(LARGEST + 1), path)
        except urllib.error.HTTPError as refusal:
            with refusal:
                code = _code(refusal)
            raise RegistryError(
                f"the registry {self._address} refused {path}: {refusal.code} {code}", code
            ) from refusal
        except (OSError, http.client.HTTPException) as error:
            raise RegistryError(f"the registry {self._address} can't be asked for {path}: {error}") from error


def _parsed(text: bytes, path: str) -> Mapping[str, Any]:
    if len(text) > LARGEST:
        raise RegistryError(f"the registry's reply to {path} is above {LARGEST} bytes: it is not MLflow")
    try:
        told = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RegistryError(
            f"the registry's reply to {path} is no JSON: is there another program, or a login page?"
        ) from error
    if not isinstance(told, dict):
        raise RegistryError(f"the registry's reply to {path} is no JSON object: is it MLflow?")
    return told


def _code(refusal: urllib.error.HTTPError) -> str:
    """MLflow's word for it; empty where somebody else has answered."""
    try:
        told = json.loads(refusal.read(LARGEST))
    except (ValueError, RecursionError, OSError, http.client.HTTPException):
        return ""
    code = told.get("error_code") if isinstance(told, dict) else None
    return code if isinstance(code, str) and len(code) < 100 and code.isprintable() else ""  # noqa: PLR2004
