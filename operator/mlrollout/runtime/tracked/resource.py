"""What the API server said."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mlrollout.api.spec import OnDelete, Spec
from mlrollout.api.status import Status
from mlrollout.domain.annotations import removed, requests
from mlrollout.domain.kept import kept
from mlrollout.domain.partial import UNGUARDED_FOR, summary
from mlrollout.domain.partial_status import PartialStatus, understand_status
from mlrollout.domain.persist import from_status
from mlrollout.domain.reason import Reason
from mlrollout.domain.request import Heard, Request
from mlrollout.domain.state import State
from mlrollout.ports import GoneError, Object, Ref
from mlrollout.runtime.loop_time import LoopTime, loop_time
from mlrollout.runtime.reading import Problem, read

_MEANWHILE = (
    "until a newer operator leads, or a person corrects or removes it (kubectl edit --subresource=status), nothing "
    "grows and nothing is written there, while what Redis holds goes on being guarded"
)


@dataclass(slots=True, eq=False)
class Resource:
    """What the API server last said of an object, and what was understood of it. Written by `apply` alone.

    Attributes:
        object: The newest version of it that was seen, as far as anything of it is read.
        spec: What it asks for, as far as that can be understood; the last that could as a whole, if one was seen.
        whole: Whether it is that.
        untold: What of the newest spec can't be understood or asked, where nothing that can could take traffic down.
        unguarded: Since when that is so, by the loop's clock; `None` while it is not.
        invalid: What is wrong with the newest spec.
        requests: The verbs that stand in its annotations.
        removed: The tokens of hearings whose annotation is known to have been removed since.
        status: Its status, as far as it can be understood; the last that could as a whole, if one was seen.
        saved: Where it stands by a status that was understood as a whole.
        unread: What is wrong with the newest status, where something is that decides. It is not replaced.
        glimpsed: Where it stands by what can be understood of that.
    """

    object: Object = field(default_factory=dict)
    spec: Spec | None = None
    whole: bool = False
    untold: str = ""
    unguarded: LoopTime | None = None
    invalid: Problem | None = None
    requests: Mapping[str, Request] = field(default_factory=dict)
    removed: frozenset[str] = frozenset()
    status: Status = field(default_factory=Status)
    saved: State | None = None
    unread: Problem | None = None
    glimpsed: State | None = None

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The object's metadata."""
        found: Mapping[str, Any] = self.object.get("metadata") or {}
        return found

    @property
    def uid(self) -> str:
        """The object's uid."""
        return str(self.metadata.get("uid", ""))

    @property
    def resource_version(self) -> str:
        """The version of the object that was seen."""
        return str(self.metadata.get("resourceVersion", ""))

    @property
    def generation(self) -> int:
        """The version of its spec."""
        return int(self.metadata.get("generation") or 0)

    @property
    def created(self) -> float:
        """When it was created, seconds since the epoch; 0 where that is not said."""
        stamp = self.metadata.get("creationTimestamp")
        return 0.0 if stamp is None else datetime.fromisoformat(str(stamp)).timestamp()

    @property
    def deleted_at(self) -> float | None:
        """When its deletion was asked for, seconds since the epoch; `None` where it was not."""
        stamp = self.metadata.get("deletionTimestamp")
        return None if stamp is None else datetime.fromisoformat(str(stamp)).timestamp()

    @property
    def finalizers(self) -> tuple[str, ...]:
        """Who still has something to do before the object may go."""
        return tuple(self.metadata.get("finalizers") or ())

    @property
    def abandoned(self) -> bool:
        """Whether nothing has been able to take its traffic down for longer than may be."""
        return self.unguarded is not None and loop_time() - self.unguarded >= UNGUARDED_FOR

    @property
    def keeps(self) -> bool:
        """Whether its deletion leaves the traffic where it is."""
        return self.spec is not None and self.spec.on_delete is OnDelete.RETAIN

    def apply(self, found: Object) -> bool:
        """Take over a newer version of the object.

        Answers and events may overtake each other, so one that is not newer is ignored. Answers whether where the
        rollout stands could be read in it.

        Raises:
            GoneError: It is another object of the same name.
        """
        metadata = found["metadata"]
        if self.object and metadata["uid"] != self.uid:
            raise GoneError(f"{_ref(metadata)} was deleted, and another object has its name")
        if is_stale_version(metadata.get("resourceVersion"), self.resource_version):
            return False
        unchanged = found.get("spec") == self.object.get("spec")
        self.object = kept(found)
        self.requests = requests(self.metadata)  # as it is kept: a list brings no more, and must not tell of another
        if not unchanged or (self.invalid is not None and self.invalid.reason is Reason.INVALID_SPEC):
            self._read(found.get("spec") or {})
        if self._understand(understand_status(found.get("status") or {})):
            self.removed = self._removed()
        return self.unread is None

    def _understand(self, found: PartialStatus) -> bool:
        """Take in the status; answers whether it was understood as a whole, or but for what is only shown."""
        if found.problems:
            self.unread = Problem(
                Reason.INVALID_SPEC, f"the status can't be read: {summary(found.problems)}; {_MEANWHILE}"
            )
            self.glimpsed = from_status(found.status)
            if self.saved is None:
                self.status = found.status
            return False
        self.unread = self.glimpsed = None
        self.status = found.status
        self.saved = from_status(self.status)
        return True

    def _removed(self) -> frozenset[str]:
        """What is known of removals; an annotation seen to be gone is remembered so as long as its mark stands.

        One that says something else has taken its place: should it say the same again, that is another request.
        """
        marks = self.saved.verbs if self.saved is not None else {}
        gone = {
            mark.token
            for verb, mark in marks.items()
            if verb not in self.requests or not self.requests[verb].heard_by(mark)
        }
        known_before = self.removed & {mark.token for mark in marks.values()}
        return (removed(self.metadata) | gone | known_before) - {""}

    def is_over(self, verb: str, mark: Heard) -> bool:
        """Whether an annotation still stands whose request has been acted on; in a manifest it would be put back."""
        request = self.requests.get(verb)
        acted_on = request is not None and request.heard_by(mark) and mark.token not in self.removed
        return acted_on and request is not None and not request.manifest

    def _read(self, raw: Any) -> None:  # noqa: ANN401 - whatever a user wrote
        reading = read(raw, self.spec if self.whole else None)
        self.spec, self.whole, self.invalid, self.untold = reading
        if not self.untold:
            self.unguarded = None
        elif self.unguarded is None:
            self.unguarded = loop_time()


def _ref(metadata: Mapping[str, Any]) -> Ref:
    return Ref(str(metadata["namespace"]), str(metadata["name"]))


def is_stale_version(found: object, newest: str) -> bool:
    """Whether a resourceVersion is no later one, as in the echo of our own write; unknown formats never are."""
    text = str(found)
    return text.isdigit() and newest.isdigit() and int(text) <= int(newest)
