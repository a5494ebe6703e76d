"""Whether a spec has the shape that an API server asks for: fields that there are, and values of their types."""

from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any

from mlrollout import plain
from mlrollout.api.crd import schema
from mlrollout.api.duration import PATTERN
from mlrollout.api.schema import Schema
from mlrollout.lint.finding import Finding, Level

_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int, float),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}
_MEANT: Mapping[str, str] = {
    "string": plain.TEXT,
    "integer": plain.WHOLE,
    "number": plain.NUMBER,
    "boolean": plain.YES_OR_NO,
    "array": plain.LIST,
    "object": plain.OBJECT,
}


def without_nulls(raw: Any) -> Any:  # noqa: ANN401 - whatever a manifest holds
    """The same without the fields that are null, which an API server drops before it looks at anything else."""
    if isinstance(raw, dict):
        return {name: without_nulls(value) for name, value in raw.items() if value is not None}
    return [without_nulls(one) for one in raw] if isinstance(raw, list) else raw


def misshapen(spec: object) -> Iterator[Finding]:
    """What of a spec an API server refuses before any rule is looked at."""
    yield from _wrong(spec, _spec(), "")


@cache
def _spec() -> Schema:
    found: Schema = schema()["properties"]["spec"]
    return found


def _wrong(raw: object, asked: Schema, where: str) -> Iterator[Finding]:
    kind = asked["type"]
    if not _is(raw, kind):
        told = _MEANT[kind] if asked.get("pattern") != PATTERN else "write it with a unit, as 30s or 14d"
        yield Finding(Level.ERROR, where or "spec", told)
    elif isinstance(raw, dict):
        known = asked["properties"]
        for name, value in raw.items():
            below = f"{where}.{name}" if where else str(name)
            if name in known:
                yield from _wrong(value, known[name], below)
            else:
                yield Finding(Level.ERROR, below, plain.UNKNOWN, meant(str(name), known))
    elif isinstance(raw, list):
        for place, one in enumerate(raw):
            yield from _wrong(one, asked["items"], item(where, place, one))


def _is(raw: object, kind: str) -> bool:
    """Whether a value is of a type; true and false are numbers to Python alone."""
    return isinstance(raw, _TYPES[kind]) and isinstance(raw, bool) == (kind == "boolean")


def item(where: str, place: int, found: object) -> str:
    """How an item of a list is called: the same wherever it is told of, so that one mistake is told once."""
    if "." in where or "[" in where:
        return f"{where}.{place}"
    name = found.get("name") if isinstance(found, dict) else None
    return f"{where}[{name if name and isinstance(name, str) else place}]"


def meant(name: str, known: Collection[str]) -> str:
    """Which field is meant by a name that there is not."""
    near = get_close_matches(name, known, 1)
    return f"did you mean {near[0]}?" if near else f"it may have {', '.join(known)}"
