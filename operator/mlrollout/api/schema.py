"""From a pydantic model to the structural schema of a CustomResourceDefinition.

Kubernetes takes a subset of OpenAPI 3, refuses some of the rest and drops some without a word.
So only keywords that are known to arrive pass through here; every other one raises.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from .model import Model

Schema = dict[str, Any]

_CARRIED = (
    *("type", "format", "pattern", "enum", "minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems"),
    *("required", "x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-validations"),
)
_CONVERTED = ("title", "description", "default", "properties", "items")
_KNOWN = frozenset({*_CARRIED, *_CONVERTED})
# The API server estimates what a CEL rule may cost from these, and refuses one over anything endless.
_BOUNDS = {"string": {"maxLength", "enum", "format"}, "array": {"maxItems"}, "object": {"properties"}}
_TYPES = frozenset({*_BOUNDS, "integer", "number", "boolean"})


class InexpressibleError(ValueError):
    """A model says something that a CustomResourceDefinition can't."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}")


def structural(model: type[Model], *, defaults: bool = True) -> Schema:
    """The structural schema of a model.

    Args:
        model: What this part of the object is read into.
        defaults: Whether the API server shall fill in what is absent.

    Raises:
        InexpressibleError: The model uses something that the API server refuses or ignores.
    """
    # Only in this mode are defaults written as the object holds them: `15s`, not 15.0.
    schema = model.model_json_schema(by_alias=True, mode="serialization")
    definitions = schema.pop("$defs", {})
    return _convert(_inline(schema, definitions), model.__name__, defaults=defaults)


def _inline(node: Any, definitions: Mapping[str, Schema], inside: tuple[str, ...] = ()) -> Any:  # noqa: ANN401 - any JSON
    """The same JSON with each reference replaced by what it names; what stands beside it outranks that."""
    if isinstance(node, list):
        return [_inline(item, definitions, inside) for item in node]
    if not isinstance(node, dict):
        return node
    named: Schema = {}
    if reference := node.get("$ref"):
        name = reference.removeprefix("#/$defs/")
        if name in inside:
            raise InexpressibleError(name, "it contains itself, and a structural schema can't")
        named = _inline(definitions[name], definitions, (*inside, name))
    return named | {word: _inline(value, definitions, inside) for word, value in node.items() if word != "$ref"}


def _convert(found: Schema, path: str, *, defaults: bool) -> Schema:
    node = _without_null(found, path)
    for problem in _problems(node):
        raise InexpressibleError(path, problem)
    result = {word: node[word] for word in _CARRIED if word in node}
    default = _lean(node.get("default")) if defaults else None
    if default not in (None, []):
        result["default"] = default
    if "description" in node:
        result["description"] = _paragraph(node["description"]) + _mention(default)
    if "items" in node:
        result["items"] = _convert(node["items"], f"{path}[]", defaults=defaults)
    if "properties" in node:
        result["properties"] = {
            name: _convert(child, f"{path}.{name}", defaults=defaults) for name, child in node["properties"].items()
        }
    return result


def _without_null(node: Schema, path: str) -> Schema:
    """An optional field is one that may be absent; it is never null."""
    if "anyOf" not in node:
        return node
    kinds = [kind for kind in node["anyOf"] if kind != {"type": "null"}]
    if len(kinds) != 1:
        raise InexpressibleError(path, "it is of several types: use optional fields and a rule instead")
    return {**kinds[0], **{word: value for word, value in node.items() if word != "anyOf"}}


def _problems(node: Schema) -> Iterator[str]:
    """What keeps this node, looked at by itself, out of a structural schema."""
    kind = node.get("type")
    unknown = sorted(set(node) - _KNOWN)
    if unknown:
        yield f"{', '.join(unknown)} means nothing to the API server"
    if kind not in _TYPES:
        yield f"type {kind!r} is not one of {', '.join(sorted(_TYPES))}"
    elif kind in _BOUNDS and not _BOUNDS[kind] & set(node):
        yield f"a {kind} needs one of {', '.join(sorted(_BOUNDS[kind]))}, or a rule over it costs too much"
    if node.get("format", "date-time") != "date-time":
        yield f"format {node['format']!r} means something else to the API server, or nothing"
    for rule in node.get("x-kubernetes-validations", ()):
        if "\n" in rule["message"] or not rule["message"]:
            yield f"the message of {rule['rule']!r} is not one line"
    for key in node.get("x-kubernetes-list-map-keys", ()):
        if key not in node["items"].get("required", ()):
            yield f"its items are told apart by {key}, which they need not have"


def _lean(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """A default without what is absent anyway: nulls and empty lists."""
    if isinstance(value, list):
        return [_lean(item) for item in value]
    if isinstance(value, dict):
        return {name: _lean(item) for name, item in value.items() if item not in (None, [])}
    return value


def _mention(default: Any) -> str:  # noqa: ANN401 - any JSON
    """`kubectl explain` shows no defaults; so the description does, where it is a single value."""
    shown = default if isinstance(default, str) else json.dumps(default)
    return f" Default: {shown}." if isinstance(default, str | int | float) else ""


def _paragraph(text: str) -> str:
    """The first paragraph of a docstring, on one line."""
    return " ".join(text.partition("\n\n")[0].split())
