"""The OpenAPI document of the A/B API, made of its operations and of the models that it really uses."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

from aiohttp import web
from pydantic.json_schema import models_json_schema

from .models import ProblemDocument
from .operations import OPERATIONS, Operation, path

Json = dict[str, Any]

_REF = "#/components/schemas/"
_ROLLOUT: Json = {
    "name": "rollout",
    "in": "path",
    "required": True,
    "description": "The rollout's name in the server's configuration.",
    "schema": {"type": "string", "minLength": 1},
    "example": "ml-dispatch",
}


def add(app: web.Application) -> None:
    """Add the route."""
    whole = json.dumps(document()).encode()

    async def show(_request: web.Request) -> web.Response:
        return web.Response(body=whole, content_type="application/json")

    app.router.add_get("/openapi.json", show)


def document() -> Json:
    """The whole document, for OpenAPI 3.1."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "mlrollout server",
            "version": version("mlrollout"),
            "description": "The A/B API of a rollout. Errors are application/problem+json (RFC 9457). "
            "The server also speaks OFREP, which its own specification tells of.",
        },
        "externalDocs": {"url": "https://openfeature.dev/docs/reference/other-technologies/ofrep/"},
        "security": [{"bearer": []}, {"key": []}],
        "paths": {path(one, "{rollout}"): {one.method.lower(): _operation(one)} for one in OPERATIONS},
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
        },
    }


def _schemas() -> Json:
    sent = [(one.body, "validation") for one in OPERATIONS if one.body]
    answered = [(one.answer, "serialization") for one in OPERATIONS]
    models: Sequence[Any] = [*dict.fromkeys([*sent, *answered, (ProblemDocument, "serialization")])]
    _, whole = models_json_schema(models, ref_template=f"{_REF}{{model}}")
    schemas: Json = whole["$defs"]
    return schemas


def _operation(one: Operation) -> Json:
    lines = (one.handler.__doc__ or "").strip().split("\n\n", 1)
    described: Json = {
        "operationId": one.name,
        "summary": lines[0],
        "description": " ".join([*(" ".join(rest.split()) for rest in lines[1:]), f"Who may: {one.role}"]),
        "parameters": [_ROLLOUT, *(_parameter(name, more) for name, more in one.query.items())],
        "responses": {
            **{str(status): _answer(words, one.answer.__name__) for status, words in one.good.items()},
            **{str(status): _problem(status, words) for status, words in one.problems.items()},
        },
    }
    if one.body:
        content = {"application/json": {"schema": {"$ref": f"{_REF}{one.body.__name__}"}}}
        described["requestBody"] = {"required": one.must_say, "content": content}
    return described


def _parameter(name: str, more: Mapping[str, Any]) -> Json:
    return {"name": name, "in": "query", "required": False, **more}


def _answer(words: str, schema: str) -> Json:
    return {"description": words, "content": {"application/json": {"schema": {"$ref": f"{_REF}{schema}"}}}}


def _problem(status: int, words: str) -> Json:
    schema = {"$ref": f"{_REF}{ProblemDocument.__name__}"}
    described: Json = {"description": words, "content": {"application/problem+json": {"schema": schema}}}
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        described["headers"] = {"Retry-After": {"description": "Whole seconds.", "schema": {"type": "integer"}}}
    return described
