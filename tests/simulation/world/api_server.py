"""An API server in memory: versions, generations, finalizers, and a watch that may lag, break or repeat itself."""

import itertools
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from mlrollout.api import GROUP, KIND, VERSION
from mlrollout.ports import ConflictError, EventToPost, GoneError, Object, Ref

from tests.support.managed_fields import annotated, applied

from .history import History, Posted, Removed, Stored

Heard = Callable[[str, Object], None]
"""Takes in a watch event: `ADDED`, `MODIFIED` or `DELETED`, and the object."""


class ApiServer:
    """What every instance and every person sees alike; each change takes place at once.

    Args:
        history: Where changes are recorded.
        true_time: Seconds of the world's own time.
        wall_clock: Seconds since the epoch.
    """

    def __init__(self, history: History, true_time: Callable[[], float], wall_clock: Callable[[], float]) -> None:
        self.objects: dict[Ref, dict[str, Any]] = {}
        self.versions: dict[str, Object] = {}
        """Every version there ever was, by its resourceVersion."""
        self.watchers: list[Heard] = []
        self._history = history
        self._true_time = true_time
        self._wall_clock = wall_clock
        self._counter = itertools.count(1)
        self._events: set[tuple[str, str, str]] = set()

    # --- what people do ----------------------------------------------------------------------

    def apply(self, ref: Ref, spec: Mapping[str, Any]) -> None:
        """Create the object, or replace its spec."""
        old = self.objects.get(ref)
        if old is None:
            number = next(self._counter)
            metadata = {
                "namespace": ref.namespace,
                "name": ref.name,
                "uid": f"uid-{number}",
                "generation": 1,
                "creationTimestamp": self._stamp(),
            }
            new = {"apiVersion": f"{GROUP}/{VERSION}", "kind": KIND, "metadata": metadata, "spec": dict(spec)}
            self._store("people", ref, "spec", new, "ADDED")
        elif old["spec"] != spec and "deletionTimestamp" not in old["metadata"]:
            metadata = old["metadata"] | {"generation": old["metadata"]["generation"] + 1}
            self._store("people", ref, "spec", old | {"metadata": metadata, "spec": dict(spec)})

    def annotate(self, ref: Ref, name: str, value: str) -> None:
        """Set an annotation as `kubectl annotate` does, if the object exists."""
        old = self.objects.get(ref)
        if old is not None:
            metadata = annotated(old["metadata"], {name: value}, at=self._wall_clock())
            self._store("people", ref, "annotations", dict(old) | {"metadata": metadata})

    def apply_annotations(self, ref: Ref, annotations: Mapping[str, str]) -> None:
        """Have these stand in the manifest that an applier applies, if the object exists."""
        old = self.objects.get(ref)
        if old is not None:
            metadata = applied(old["metadata"], annotations, "applier", at=self._wall_clock())
            self._store("applier", ref, "annotations", dict(old) | {"metadata": metadata})

    def delete(self, ref: Ref) -> None:
        """Ask for the object's removal; finalizers hold it."""
        old = self.objects.get(ref)
        if old is None or "deletionTimestamp" in old["metadata"]:
            return
        if not old["metadata"].get("finalizers"):
            self._remove(ref, old)
            return
        self._store("people", ref, "deletion", _with_metadata(old, deletionTimestamp=self._stamp()))

    # --- what the operator does --------------------------------------------------------------

    def get(self, ref: Ref) -> Object:
        """The object as it stands."""
        found = self.objects.get(ref)
        if found is None:
            raise GoneError(f"{ref} does not exist")
        return found

    def save_status(self, by: str, ref: Ref, resource_version: str, status: Mapping[str, Any]) -> Object:
        """Replace the status if the object has this version."""
        old = self._at(ref, resource_version)
        what = "status" if _essence(old.get("status", {})) != _essence(status) else "checkpoint"
        return self._store(by, ref, what, dict(old) | {"status": dict(status)})

    def set_finalizer(self, by: str, ref: Ref, resource_version: str, finalizers: tuple[str, ...]) -> Object:
        """Replace the finalizers if the object has this version; the last one gone, a deleted object goes."""
        old = self._at(ref, resource_version)
        new = _with_metadata(old, finalizers=list(finalizers))
        if not finalizers and "deletionTimestamp" in old["metadata"]:
            self._remove(ref, new)
            return new
        return self._store(by, ref, "finalizers", new)

    def change_annotations(
        self, by: str, ref: Ref, resource_version: str, annotations: Mapping[str, str | None]
    ) -> Object:
        """Set and remove annotations if the object has this version."""
        old = self._at(ref, resource_version)
        metadata = annotated(old["metadata"], annotations, "mlrollout", at=self._wall_clock())
        return self._store(by, ref, "annotations", dict(old) | {"metadata": metadata})

    def post_event(self, by: str, ref: Ref, uid: str, event: EventToPost) -> None:
        """Create an Event; one that is the only one of its kind is created once."""
        if event.unique:
            name = (uid, event.reason, event.unique)
            if name in self._events:
                return
            self._events.add(name)
        self._history.append(Posted(self._true_time(), by, ref, uid, event))

    # --- how it is kept ----------------------------------------------------------------------

    def _at(self, ref: Ref, resource_version: str) -> Mapping[str, Any]:
        old = self.get(ref)
        if old["metadata"]["resourceVersion"] != resource_version:
            raise ConflictError(f"{ref} has another version by now")
        return old

    def _store(self, by: str, ref: Ref, what: str, new: Mapping[str, Any], kind: str = "MODIFIED") -> Object:
        if new == self.objects.get(ref):
            return new  # a write that changes nothing makes no version
        version = str(next(self._counter))
        stored = _with_metadata(new, resourceVersion=version)
        self.objects[ref] = self.versions[version] = stored
        self._history.append(Stored(self._true_time(), by, ref, what, stored))
        self._tell(kind, stored)
        return stored

    def _remove(self, ref: Ref, last: Mapping[str, Any]) -> None:
        del self.objects[ref]
        self._history.append(Removed(self._true_time(), ref, last["metadata"]["uid"]))
        self._tell("DELETED", _with_metadata(last, resourceVersion=str(next(self._counter))))

    def _tell(self, kind: str, found: Object) -> None:
        for heard in tuple(self.watchers):
            heard(kind, found)

    def _stamp(self) -> str:
        """To the second, as the real one writes it."""
        return datetime.fromtimestamp(int(self._wall_clock()), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _essence(status: Mapping[str, Any]) -> dict[str, Any]:
    """A status without what may be written again and again: healthy time, values and messages."""
    bare = dict(status)
    bare["progress"] = {name: value for name, value in status.get("progress", {}).items() if name != "healthySeconds"}
    bare["guardrails"] = [(one["name"], one["finding"]) for one in status.get("guardrails", ())]
    bare["conditions"] = [(one["type"], one["status"], one["reason"]) for one in status.get("conditions", ())]
    return bare


def _with_metadata(found: Mapping[str, Any], **changes: object) -> dict[str, Any]:
    return dict(found) | {"metadata": found["metadata"] | changes}
