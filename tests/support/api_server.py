"""An API server in memory, as far as the operator and people use it.

Versions, generations, finalizers, deletion, the status apart from the rest, who wrote which annotation, a watch.
`tests/cluster/kubernetes/test_double.py` has the real one answer the same. What the schema fills in, prunes and
refuses is not here: a spec is taken as it comes.
"""

import itertools
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from mlrollout.api import GROUP, KIND, VERSION
from mlrollout.api.crd import UNSEEN
from mlrollout.ports import ConflictError, GoneError, Object, ObjectsError, Ref

from tests.support.managed_fields import annotated, applied

Heard = Callable[[str, Object], None]
"""Takes in a watch event: `ADDED`, `MODIFIED` or `DELETED`, and the object."""

PEOPLE = "people"


class ApiServer:
    """What every process and every person sees alike; each change takes place at once, and is told to the watchers.

    A method's `by` says who does it. What the operator does it does on a version, and is refused on any other.

    Args:
        wall_clock: Seconds since the epoch.
    """

    def __init__(self, wall_clock: Callable[[], float]) -> None:
        self.objects: dict[Ref, dict[str, Any]] = {}
        self.watchers: list[Heard] = []
        self._wall_clock = wall_clock
        self._counter = itertools.count(1)

    # --- what people do ----------------------------------------------------------------------

    def apply(self, ref: Ref, spec: Mapping[str, Any]) -> None:
        """Create the object, or replace its spec."""
        old = self.objects.get(ref)
        if old is None:
            self._create(ref, spec)
        elif old["spec"] != spec:
            self._store(PEOPLE, ref, "spec", _with_metadata(old, generation=_next(old)) | {"spec": dict(spec)})

    def annotate(self, ref: Ref, annotations: Mapping[str, str | None]) -> None:
        """Set annotations as `kubectl annotate` does, and remove those that are `None`."""
        old = self.get(ref)
        metadata = annotated(old["metadata"], annotations, at=self._wall_clock())
        self._store(PEOPLE, ref, "annotations", dict(old) | {"metadata": metadata})

    def apply_annotations(self, ref: Ref, annotations: Mapping[str, str], manager: str = "applier") -> None:
        """Have these, and no other of this manager's, stand in the manifest that is applied to the server's side."""
        old = self.get(ref)
        metadata = applied(old["metadata"], annotations, manager, at=self._wall_clock())
        self._store(manager, ref, "annotations", dict(old) | {"metadata": metadata})

    def edit_status(self, ref: Ref, status: Mapping[str, Any]) -> None:
        """Replace the status by hand."""
        self._store(PEOPLE, ref, "status", dict(self.get(ref)) | {"status": dict(status)})

    def edit_finalizers(self, ref: Ref, finalizers: tuple[str, ...]) -> None:
        """Replace the finalizers by hand; without any, a deleted object goes."""
        self._finalize(PEOPLE, ref, self.get(ref), finalizers)

    def delete(self, ref: Ref) -> None:
        """Ask for the object's removal; finalizers hold it."""
        old = self.get(ref)
        if "deletionTimestamp" in old["metadata"]:
            return
        if not old["metadata"].get("finalizers"):
            self._remove(ref, old)
            return
        going = _with_metadata(
            old, deletionTimestamp=self._stamp(), deletionGracePeriodSeconds=0, generation=_next(old)
        )
        self._store(PEOPLE, ref, "deletion", going)

    def remove(self, ref: Ref) -> None:
        """Remove the object by force, whatever finalizers it has."""
        self._remove(ref, self.get(ref))

    # --- what the operator does --------------------------------------------------------------

    def get(self, ref: Ref) -> Object:
        """The object as it stands."""
        found = self.objects.get(ref)
        if found is None:
            raise GoneError(f"{ref} does not exist")
        return found

    def save_status(self, ref: Ref, resource_version: str, status: Mapping[str, Any], by: str = "operator") -> Object:
        """Replace the status if the object has this version."""
        old = self._at(ref, resource_version)
        return self._store(by, ref, "status", dict(old) | {"status": dict(status)})

    def set_finalizer(
        self, ref: Ref, resource_version: str, finalizers: tuple[str, ...], by: str = "operator"
    ) -> Object:
        """Replace the finalizers if the object has this version; the last one gone, a deleted object goes."""
        return self._finalize(by, ref, self._at(ref, resource_version), finalizers)

    def change_annotations(
        self, ref: Ref, resource_version: str, annotations: Mapping[str, str | None], by: str = "operator"
    ) -> Object:
        """Set and remove annotations if the object has this version."""
        old = self._at(ref, resource_version)
        metadata = annotated(old["metadata"], annotations, "mlrollout", at=self._wall_clock())
        return self._store(by, ref, "annotations", dict(old) | {"metadata": metadata})

    # --- how it is kept ----------------------------------------------------------------------

    def stored(self, by: str, ref: Ref, what: str, before: Object, after: Object) -> None:
        """There is a new version. For whoever keeps a history."""

    def removed(self, ref: Ref, uid: str) -> None:
        """There is an object less. Likewise."""

    def _create(self, ref: Ref, spec: Mapping[str, Any]) -> None:
        metadata = {
            "namespace": ref.namespace,
            "name": ref.name,
            "uid": f"uid-{next(self._counter)}",
            "generation": 1,
            "creationTimestamp": self._stamp(),
        }
        new = {"apiVersion": f"{GROUP}/{VERSION}", "kind": KIND, "metadata": metadata, "spec": dict(spec)}
        self._store(PEOPLE, ref, "spec", new | {"status": dict(UNSEEN)}, "ADDED")

    def _at(self, ref: Ref, resource_version: str) -> Object:
        old = self.get(ref)
        if old["metadata"]["resourceVersion"] != resource_version:
            raise ConflictError(f"{ref} has another version by now")
        return old

    def _finalize(self, by: str, ref: Ref, old: Object, finalizers: tuple[str, ...]) -> Object:
        goes = "deletionTimestamp" in old["metadata"]
        if goes and not set(finalizers) <= set(old["metadata"]["finalizers"]):
            raise ObjectsError(f"{ref} is being deleted, and takes no new finalizers")
        new = _with_metadata(old, finalizers=list(finalizers))
        if not finalizers:
            del new["metadata"]["finalizers"]
        if goes and not finalizers:
            self._remove(ref, old)
            return new
        return self._store(by, ref, "finalizers", new)

    def _store(self, by: str, ref: Ref, what: str, new: Mapping[str, Any], kind: str = "MODIFIED") -> Object:
        old = self.objects.get(ref, {})
        if new == old:
            return new  # a write that changes nothing makes no version
        stored = _with_metadata(new, resourceVersion=str(next(self._counter)))
        self.objects[ref] = stored
        self.stored(by, ref, what, old, stored)
        self._tell(kind, stored)
        return stored

    def _remove(self, ref: Ref, last: Object) -> None:
        del self.objects[ref]
        self.removed(ref, last["metadata"]["uid"])
        self._tell("DELETED", _with_metadata(last, resourceVersion=str(next(self._counter))))

    def _tell(self, kind: str, found: Object) -> None:
        for heard in tuple(self.watchers):
            heard(kind, found)

    def _stamp(self) -> str:
        """To the second, as the real one writes it."""
        return datetime.fromtimestamp(int(self._wall_clock()), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _next(found: Object) -> int:
    return int(found["metadata"]["generation"]) + 1


def _with_metadata(found: Object, **changes: object) -> dict[str, Any]:
    return dict(found) | {"metadata": found["metadata"] | changes}
