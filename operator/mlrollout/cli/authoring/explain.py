"""`mlrollout explain`: what a field means, from the schema that the API server has, and without asking it."""

import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from functools import cache
from textwrap import wrap

from mlrollout.api.crd import schema
from mlrollout.api.reference import element, rules, type_of
from mlrollout.api.schema import Schema
from mlrollout.cli.ending import CommandError, ExitCode

ROOTS = ("spec", "status")
_INDENT = "  "


def page(field: str, room: int) -> str:
    """What is told of a field: all of it, and a line for each field below it.

    Args:
        field: Its path; `spec.` may be left out, and so may what marks an item of a list.
        room: Cells in a line.

    Raises:
        CommandError: There is no such field.
    """
    path = _parts(field)
    found, parent = _whole(), _whole()
    for depth, part in enumerate(path):
        parent, known = found, element(found).get("properties", {})
        if part not in known:
            raise _unknown(".".join(path[:depth]), part, known)
        found = known[part]
    required = path[-1] in element(parent).get("required", ())
    return "\n".join(_lines(".".join(path), found, room=room, required=required))


def below(field: str) -> Sequence[str]:
    """The names of the fields below one; none where there is no such field."""
    found = _whole()
    for part in _parts(field):
        found = element(found).get("properties", {}).get(part, {})
    return [*element(found).get("properties", {}), *(() if field else ROOTS)]


def _parts(field: str) -> Sequence[str]:
    """The names of a path, from its root."""
    path = [part for part in re.sub(r"\[[^\]]*\]", "", field).split(".") if part and part != "mlrollout"]
    return path if path and path[0] in ROOTS else ["spec", *path]


@cache
def _whole() -> Schema:
    """Everything; made once, for that takes longer than all the rest."""
    found = schema()["properties"]
    return {"properties": {root: found[root] for root in ROOTS}}


def _unknown(path: str, part: str, known: Schema) -> CommandError:
    near = get_close_matches(part, known, 1)
    below = ", ".join(known)
    meant = f"did you mean {near[0]}?" if near else f"it has {below}" if below else "it has none"
    return CommandError(f"{path} has no field {part}: {meant}", ExitCode.WRONG_USAGE)


def _lines(path: str, found: Schema, *, room: int, required: bool) -> Iterator[str]:
    node = element(found)
    kind = "object" if "properties" in node and "items" not in found else type_of(found).replace("`", "")
    yield f"{path} <{kind}>{' required' if required else ''}"
    yield ""
    yield from _wrapped(found.get("description") or node.get("description") or "", room, _INDENT)
    refused = list(rules(found, node))
    if refused:
        yield "\nRefused beyond that:"
        yield from (line for rule in refused for line in _wrapped(rule, room, _INDENT))
    if "properties" in node:
        yield "\nFields:"
    for name, below in node.get("properties", {}).items():
        needed = " required" if name in node.get("required", ()) else ""
        yield f"{_INDENT}{name} <{type_of(below).replace('`', '')}>{needed}"
        yield from _wrapped(below.get("description", ""), room, _INDENT * 3)


def _wrapped(text: str, room: int, indent: str) -> Iterator[str]:
    yield from wrap(" ".join(text.split()), room, initial_indent=indent, subsequent_indent=indent)
