"""Writes docs/http-reference.md from the server's OpenAPI: `python -m docs.http_reference`, of `make generate`."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mlrollout.server.ab.openapi import document

FILE = Path(__file__).parent / "http-reference.md"
_HEAD = """<!-- Generated from the server's OpenAPI by `make generate`; edits here are lost. -->

# The A/B API, route by route

What `GET /openapi.json` of `mlrollout server` says, for people. [The server](server.md) tells who may call, how often,
and what the figures mean; OFREP's routes are in its own specification.
"""
_BOUNDS = {"minimum": "from {}", "maximum": "up to {}", "minLength": "at least {} long", "maxLength": "at most {} long"}

Json = Mapping[str, Any]


def output() -> str:
    """The page."""
    whole = document()
    lines = [_HEAD]
    for path, methods in whole["paths"].items():
        for method, operation in methods.items():
            lines += _operation(f"{method.upper()} {path}", operation)
    lines.append("## Bodies\n")
    for name, schema in sorted(whole["components"]["schemas"].items()):
        lines += _schema(name, schema)
    return "\n".join(lines)


def _operation(called: str, operation: Json) -> Iterator[str]:
    yield f"## {operation['summary'].rstrip('.')}\n\n`{called}`\n\n{operation['description']}\n"
    asked = [one for one in operation["parameters"] if one["in"] == "query"]
    if asked:
        yield from _table(
            ("parameter", "type", ""), ((one["name"], one["schema"], one["description"]) for one in asked)
        )
    if body := operation.get("requestBody"):
        yield f"Body: {_type(body['content']['application/json']['schema'])}.\n"
    yield "| answer | body | |\n|---|---|---|"
    for status, answer in operation["responses"].items():
        kinds = [_type(one["schema"]) for one in answer.get("content", {}).values()]
        yield f"| {status} | {', '.join(kinds)} | {_cell(answer['description'])} |"
    yield ""


def _schema(name: str, schema: Json) -> Iterator[str]:
    yield f"### {name}\n\n{' '.join(schema.get('description', '').split())}\n"
    if values := schema.get("enum"):
        yield "One of " + ", ".join(f"`{value}`" for value in values) + ".\n"
    if fields := schema.get("properties"):
        required = schema.get("required", ())
        rows = (
            (field if field in required else f"{field}?", one, one.get("description", ""))
            for field, one in fields.items()
        )
        yield from _table(("field", "type", ""), rows)
    for example in schema.get("examples", ())[:1]:
        yield f"```json\n{json.dumps(example, indent=2, ensure_ascii=False)}\n```\n"


def _table(head: tuple[str, ...], rows: Iterator[tuple[str, Json, str]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |\n" + "|---" * len(head) + "|"
    for name, schema, text in rows:
        yield f"| `{name}` | {_type(schema)} | {_cell(text)} |"
    yield ""


def _type(schema: Json) -> str:
    if reference := schema.get("$ref"):
        name = reference.rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if several := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(_type(one) for one in several)
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    kind = schema.get("type", "any")
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"map of {_type(schema['additionalProperties'])}"
    return ", ".join((kind, *(words.format(schema[key]) for key, words in _BOUNDS.items() if key in schema)))


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")


if __name__ == "__main__":
    FILE.write_text(output(), encoding="utf-8")
