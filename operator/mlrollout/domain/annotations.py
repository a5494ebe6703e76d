"""Which verbs an object's metadata asks for, who asks, and what the operator has noted there about its own removals.

Text alone never tells one request from another: people say the same words twice. What does is who wrote the
annotation, which the API server keeps in the managed fields, and that the earlier one was removed.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mlrollout.api import GROUP

from .decision import Alert
from .reason import Reason
from .request import Request, Verb, shown

REMOVED = f"operator.{GROUP}/removed"
"""The annotation in which the operator says, in the write that removes verbs, whose marks that ends."""

_VERBS = {f"{GROUP}/{verb}": verb.value for verb in Verb}
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_LONGEST_NAME = 63
_NAMED = 3

_LONGEST_TEXT = 4096
"""Characters of a verb's text that count: of what people write nothing is cut, and two that begin so alike are one."""

Writer = tuple[str, str]
"""A manager of fields and its operation, `Apply` or `Update`."""


def requests(metadata: Mapping[str, Any]) -> Mapping[str, Request]:
    """The verbs that stand in the annotations."""
    annotations: Mapping[str, str] = metadata.get("annotations") or {}
    return {verb: _request(metadata, annotations, name) for name, verb in _VERBS.items() if name in annotations}


def removed(metadata: Mapping[str, Any]) -> frozenset[str]:
    """The tokens of the hearings whose annotations the operator removed last."""
    annotations: Mapping[str, str] = metadata.get("annotations") or {}
    return frozenset(str(annotations.get(REMOVED, "")).split())


def read_later(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """What of the annotations and of who wrote them is read here, in the same form."""
    annotations: Mapping[str, str] = metadata.get("annotations") or {}
    verbs = {name: str(annotations[name])[:_LONGEST_TEXT] for name in _VERBS if name in annotations}
    unknown = sorted(name for name in annotations if name.startswith(f"{GROUP}/") and name not in verbs)
    ours = verbs | dict.fromkeys(unknown[: _NAMED + 1], "")
    if REMOVED in annotations:
        ours[REMOVED] = str(annotations[REMOVED])[:_LONGEST_TEXT]
    applied = [name for name in verbs if _last_applied(annotations, name)]
    if applied:
        ours[_LAST_APPLIED] = json.dumps({"metadata": {"annotations": dict.fromkeys(applied, "")}})
    return {"annotations": ours, "managedFields": list(_entries(metadata, (*verbs, _LAST_APPLIED) if verbs else ()))}


def _entries(metadata: Mapping[str, Any], names: Iterable[str]) -> Iterator[dict[str, Any]]:
    """The managed fields, as far as they are about these annotations."""
    owned: defaultdict[Writer, dict[str, Any]] = defaultdict(dict)
    for name in names:
        for writer in _writers(metadata, name):
            owned[writer][f"f:{name}"] = {}
    for (manager, operation), fields in owned.items():
        about = {"f:metadata": {"f:annotations": fields}}
        yield {"manager": manager, "operation": operation, "fieldsV1": about}


def unknown_verbs(metadata: Mapping[str, Any]) -> tuple[Alert, ...]:
    """What is no verb, though it is an annotation of our group.

    One alert for all of them: anybody who may annotate the object may write thousands.
    """
    verbs = sorted(verb.value for verb in Verb)
    ours = (name for name in metadata.get("annotations") or {} if name.startswith(f"{GROUP}/"))
    unknown = sorted(name for name in ours if name.removeprefix(f"{GROUP}/") not in verbs)
    if not unknown:
        return ()
    names = ", ".join(unknown[:_NAMED]) + (", …" if unknown[_NAMED:] else "")
    message = f"no verb, and ignored: the annotation {names}; verbs are {', '.join(verbs)}"
    return (Alert(Reason.UNKNOWN_VERB, names, message),)


def _request(metadata: Mapping[str, Any], annotations: Mapping[str, str], name: str) -> Request:
    text = str(annotations[name])
    writers = sorted(set(_writers(metadata, name)))
    # Not the time of its entry: that changes with anything else that the same writer does to the object.
    said = "\0".join((text, *(f"{operation} {manager}" for manager, operation in writers)))
    digest = hashlib.sha256(said.encode(errors="surrogatepass")).hexdigest()
    return Request(text, digest[:16], _manifest(metadata, annotations, name, writers))


def _manifest(metadata: Mapping[str, Any], annotations: Mapping[str, str], name: str, writers: list[Writer]) -> str:
    """Who keeps the annotation in a manifest; empty where nobody does."""
    keeper = next((manager for manager, operation in writers if operation == "Apply"), None)
    if keeper is None and _last_applied(annotations, name):
        # Somebody else may have asked by hand for a verb that was applied once, and was removed since.
        appliers = set(_writers(metadata, _LAST_APPLIED))
        keeper = next((manager for manager, operation in writers if (manager, operation) in appliers), None)
        if not writers:
            keeper = "kubectl apply"
    return "" if keeper is None else shown(keeper)[:_LONGEST_NAME] or "somebody"


def _last_applied(annotations: Mapping[str, str], name: str) -> bool:
    """Whether a client-side apply found the annotation in its manifest."""
    try:
        manifest = json.loads(annotations.get(_LAST_APPLIED, ""))
        return name in manifest["metadata"]["annotations"]
    except (ValueError, RecursionError, LookupError, TypeError):
        return False


def _writers(metadata: Mapping[str, Any], name: str) -> Iterator[Writer]:
    """Who owns an annotation, by the managed fields."""
    for entry in metadata.get("managedFields") or ():
        fields = ((entry.get("fieldsV1") or {}).get("f:metadata") or {}).get("f:annotations") or {}
        if f"f:{name}" in fields:
            yield str(entry.get("manager", "")), str(entry.get("operation", ""))
