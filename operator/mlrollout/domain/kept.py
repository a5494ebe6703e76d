"""What of an object is kept in memory: what somebody reads later, and none of the rest. Pure.

Annotations may be anybody's, up to a quarter of a megabyte an object, and every replica holds every object.
"""

from collections.abc import Mapping
from typing import Any

from .annotations import read_later

_METADATA = (
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "finalizers",
    "labels",
)
_FIELDS = ("apiVersion", "kind", "spec", "status")


def kept(found: Mapping[str, Any]) -> dict[str, Any]:
    """The object without what nobody reads; of one that is kept already, the same again."""
    metadata: Mapping[str, Any] = found["metadata"]
    known = {name: metadata[name] for name in _METADATA if name in metadata}
    return {name: found[name] for name in _FIELDS if name in found} | {"metadata": known | read_later(metadata)}
