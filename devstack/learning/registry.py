"""What the registry says, as a person would look it up."""

import json
from typing import Any
from urllib.parse import urlencode

from devstack import web

_API = "/api/2.0/mlflow/"


def alias(registry: str, name: str) -> str:
    """The version that an alias of the model `dispatch` names; empty where it names none."""
    asked = urlencode({"name": "dispatch", "alias": name})
    told = _told(f"{registry}{_API}registered-models/alias?{asked}")
    return str(told.get("model_version", {}).get("version", ""))


def tags(registry: str, version: str) -> dict[str, float]:
    """The figures that were registered with a version."""
    told = _told(f"{registry}{_API}model-versions/get?{urlencode({'name': 'dispatch', 'version': version})}")
    return {tag["key"]: float(tag["value"]) for tag in told.get("model_version", {}).get("tags", ())}


def _told(url: str) -> dict[str, Any]:
    answer = web.get(url)
    found: dict[str, Any] = json.loads(answer) if answer else {}
    return found
