"""Whether the API server knows the object as this program does."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlrollout.api import GROUP, KIND, VERSION

from .diagnosis import Diagnosis, DiagnosisLevel, ok, unseen

ABOUT = "CRD"
_UPGRADE = "bring the chart and this program to the same version: what the CRD lacks is dropped from what is applied"
_NAMED = 3
"""How many fields are named of those that differ."""

Schema = Mapping[str, Any]


def crd(versions: Sequence[str], published: Schema | None, ours: Schema) -> Diagnosis:
    """What is told of the CRD.

    Args:
        versions: The versions of the group that the API server serves; none where it does not know the group.
        published: The schema that it holds; `None` where that can't be seen.
        ours: The schema that this program was made for.
    """
    if not versions:
        todo = "install the chart, or see --context"
        return Diagnosis(ABOUT, DiagnosisLevel.FAILED, f"the cluster does not know {KIND}", todo)
    if VERSION not in versions:
        told = f"the cluster knows {KIND} as {', '.join(versions)} alone, and this program as {VERSION}"
        return Diagnosis(ABOUT, DiagnosisLevel.FAILED, told, _UPGRADE)
    if published is None:
        return unseen(ABOUT, f"the cluster knows {GROUP}/{VERSION}, but its fields could not be read")
    theirs, known = set(_fields(published)), set(_fields(ours))
    if theirs == known:
        return ok(ABOUT, f"{GROUP}/{VERSION}, with the fields that this program knows")
    differences = (("it lacks", known - theirs), ("this program does not know", theirs - known))
    told = "; ".join(f"{what} {_some(fields)}" for what, fields in differences if fields)
    return Diagnosis(ABOUT, DiagnosisLevel.WARNING, f"{GROUP}/{VERSION} of another version: {told}", _UPGRADE)


def _fields(schema: Schema) -> Iterator[str]:
    """The paths of all fields of spec and status."""
    for root, node in _properties(schema).items():
        if root in ("spec", "status"):
            yield from _below(node, root)


def _below(node: object, path: str) -> Iterator[str]:
    yield path
    for name, below in _properties(node).items():
        yield from _below(below, f"{path}.{name}")


def _properties(node: object) -> Schema:
    """The fields of an object, or of the items of a list."""
    if not isinstance(node, Mapping):
        return {}
    found = (node["items"] if isinstance(node.get("items"), Mapping) else node).get("properties")
    return found if isinstance(found, Mapping) else {}


def _some(fields: set[str]) -> str:
    """The first few, without those below a field that is named itself."""
    top = sorted(one for one in fields if one.rpartition(".")[0] not in fields)
    more = len(top) - _NAMED
    return ", ".join(top[:_NAMED]) + (f" and {more} more" if more > 0 else "")
