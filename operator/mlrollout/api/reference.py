"""The object's reference for people, `docs/reference.md`, from the same schema as the CRD."""

import json
from collections.abc import Iterator

from . import GROUP, KIND, VERSION, duration
from .schema import Schema

_HEAD = f"""\
# Reference of `{KIND}`

`apiVersion: {GROUP}/{VERSION}`, `kind: {KIND}`. Generated from `operator/mlrollout/api/`; change it there and run
`make generate`.

A length of time is a number and a unit (`ms`, `s`, `m`, `h`), or several: `250ms`, `15s`, `1h30m`; or a number of
days or weeks: `14d`, `2w`.
`kubectl explain mlrollout.spec --recursive` tells the same as this page."""


def reference(schema: Schema) -> str:
    """The page: one section for each object in the schema, parents before children."""
    return "\n".join([_HEAD, *_sections("spec", schema), *_sections("status", schema)]) + "\n"


def _sections(name: str, parent: Schema, path: str = "") -> Iterator[str]:
    found = parent["properties"][name]
    node, path = element(found), f"{path}.{name}".removeprefix(".") + ("[]" if "items" in found else "")
    if "properties" not in node:
        return
    yield f"\n## `{path}`\n\n{node['description']}\n"
    yield "| field | type | default | meaning |\n|---|---|---|---|"
    for child, schema in node["properties"].items():
        yield _row(child, schema, required=child in node.get("required", ()))
    yield from _refused(found, node)
    for child in node["properties"]:
        yield from _sections(child, node, path)


def element(node: Schema) -> Schema:
    """An item of a list, or what is none itself."""
    items: Schema = node.get("items", node)
    return items


def _row(name: str, schema: Schema, *, required: bool) -> str:
    meaning = schema["description"].partition(" Default: ")[0].replace("|", "\\|")
    return f"| `{name}` | {type_of(schema)} | {'**required**' if required else _default(schema)} | {meaning} |"


def _default(schema: Schema) -> str:
    default = schema.get("default")
    if default is None:
        return ""
    if isinstance(default, list):
        return "see meaning"
    return f"`{default if isinstance(default, str) else json.dumps(default)}`"


def type_of(schema: Schema) -> str:
    """The type as a person says it, with its bounds."""
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    if "items" in schema:
        keys = "".join(f", unique by `{key}`" for key in schema.get("x-kubernetes-list-map-keys", ()))
        return f"list, {schema.get('minItems', 0)} to {schema['maxItems']} items{keys}"
    return f"{_kind(schema)}{_bounds(schema)}"


def _kind(schema: Schema) -> str:
    if schema.get("pattern") == duration.PATTERN:
        return "duration"
    return "time" if schema.get("format") == "date-time" else str(schema["type"])


def _bounds(schema: Schema) -> str:
    if "maximum" in schema:
        return f", {schema['minimum']} to {schema['maximum']}"
    if "minimum" in schema:
        return f", at least {schema['minimum']}"
    if "maxLength" in schema and schema.get("pattern") != duration.PATTERN:
        return f", at most {schema['maxLength']} characters"
    return ""


def rules(*nodes: Schema) -> Iterator[str]:
    """What the API server refuses beyond types and bounds."""
    yield from dict.fromkeys(rule["message"] for node in nodes for rule in node.get("x-kubernetes-validations", ()))


def _refused(*nodes: Schema) -> Iterator[str]:
    messages = list(rules(*nodes))
    if messages:
        yield "\nRefused beyond that:\n"
        yield from (f"- {message}" for message in messages)
