"""What the API server keeps of who wrote which annotation, as far as the operator reads it.

An entry has the time of its newest change, to the second, and goes with its last field; a value that changes
leaves the entries of all others. Values are kept as the bytes of JSON would come back.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

KUBECTL = "kubectl-annotate"

Metadata = Mapping[str, Any]


def annotated(
    metadata: Metadata, changes: Mapping[str, str | None], manager: str = KUBECTL, at: float = 0.0
) -> dict[str, Any]:
    """The metadata after a patch (`Update`) that sets annotations and removes those that are `None`."""
    before: dict[str, str | None] = dict(metadata.get("annotations") or {})
    wanted = {name: None if text is None else _kept(text) for name, text in changes.items()}
    changed = {name: text for name, text in wanted.items() if before.get(name) != text}
    if not changed:
        return dict(metadata)
    after = {name: text for name, text in (before | changed).items() if text is not None}
    entries = _without(metadata, changed)
    written = [name for name, text in changed.items() if text is not None]
    return dict(metadata) | {"annotations": after, "managedFields": _with(entries, manager, "Update", written, at)}


def applied(metadata: Metadata, annotations: Mapping[str, str], manager: str, at: float = 0.0) -> dict[str, Any]:
    """The metadata after a server-side apply of a manifest with these annotations, by force where others have them."""
    before: dict[str, str] = dict(metadata.get("annotations") or {})
    wanted = {name: _kept(text) for name, text in annotations.items()}
    mine = _fields(metadata, manager, "Apply")
    changed = {name for name, text in wanted.items() if before.get(name) != text}
    if not changed and mine == wanted.keys():
        return dict(metadata)
    entries = [entry for entry in _without(metadata, changed) if not _is(entry, manager, "Apply")]
    others = {name for entry in entries for name in _names(entry)}
    gone = {name for name in mine - wanted.keys() if name not in others}
    after = {name: text for name, text in (before | wanted).items() if name not in gone}
    return dict(metadata) | {"annotations": after, "managedFields": _with(entries, manager, "Apply", wanted, at)}


def owners(metadata: Metadata) -> set[tuple[str, str, str]]:
    """Who has written which annotation: its name, the manager and its operation."""
    entries = metadata.get("managedFields") or ()
    fields = ((entry, entry["fieldsV1"].get("f:metadata", {}).get("f:annotations", {})) for entry in entries)
    names = ((entry, field.removeprefix("f:")) for entry, found in fields for field in found)
    return {(name, entry["manager"], entry["operation"]) for entry, name in names if name != "."}


def _kept(text: str) -> str:
    return text.encode(errors="surrogatepass").decode(errors="replace")


def _is(entry: Mapping[str, Any], manager: str, operation: str) -> bool:
    return (entry["manager"], entry["operation"]) == (manager, operation)


def _names(entry: Mapping[str, Any]) -> set[str]:
    return {name.removeprefix("f:") for name in entry["fieldsV1"]["f:metadata"]["f:annotations"]}


def _fields(metadata: Metadata, manager: str, operation: str) -> set[str]:
    entries = metadata.get("managedFields") or ()
    mine = [entry for entry in entries if _is(entry, manager, operation)]
    return _names(mine[0]) if mine else set()


def _without(metadata: Metadata, names: Iterable[str]) -> list[dict[str, Any]]:
    """The entries without some annotations."""
    gone = set(names)
    left = [(entry, _names(entry) - gone) for entry in metadata.get("managedFields") or ()]
    return [_entry(entry["manager"], entry["operation"], entry["time"], names) for entry, names in left if names]


def _with(
    entries: list[dict[str, Any]], manager: str, operation: str, names: Iterable[str], at: float
) -> list[dict[str, Any]]:
    wanted = set(names)
    if not wanted:
        return entries
    mine = [one for one in entries if _is(one, manager, operation)]
    rest = [one for one in entries if one not in mine]
    time = datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return [*rest, _entry(manager, operation, time, wanted.union(*map(_names, mine)))]


def _entry(manager: str, operation: str, time: str, names: Iterable[str]) -> dict[str, Any]:
    owned: dict[str, Any] = {f"f:{name}": {} for name in sorted(names)}
    fields = {"f:metadata": {"f:annotations": owned}}
    return {"manager": manager, "operation": operation, "time": time, "fieldsType": "FieldsV1", "fieldsV1": fields}
