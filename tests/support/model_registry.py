"""A person, or a pipeline, at an MLflow registry."""

import json
import urllib.error
import urllib.request
from http import HTTPStatus
from typing import Any

from devstack.mlflow_server import MlflowServer


def tell(server: MlflowServer, path: str, **what: str) -> Any:
    """Have the registry do something; answers what it says."""
    request = urllib.request.Request(  # noqa: S310 - our own server
        f"{server.url}/api/2.0/mlflow/{path}", json.dumps(what).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - likewise
        return json.load(answer)


def register(server: MlflowServer, model: str, number: int, alias: str) -> None:
    """Register a version of a model, and set an alias to it."""
    made = tell(server, "model-versions/create", name=model, source=f"dispatch:///models/{number}.json")
    version = made["model_version"]["version"]
    tell(server, "registered-models/alias", name=model, alias=alias, version=version)


def aliased(server: MlflowServer, model: str, alias: str) -> str:
    """The version that an alias names; empty for none."""
    url = f"{server.url}/api/2.0/mlflow/registered-models/alias?name={model}&alias={alias}"
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 - our own server
            return str(json.load(answer)["model_version"]["version"])
    except urllib.error.HTTPError as error:
        if error.code in (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND):
            return ""
        raise
