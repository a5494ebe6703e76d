"""One object as this process knows it: what the API server said, where it stands, what was seen."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import inf
from typing import Any

from pydantic import ValidationError

from mlrollout.api import GROUP
from mlrollout.api.guardrail import Guardrail
from mlrollout.api.spec import OnDelete, Spec
from mlrollout.api.status import Status
from mlrollout.domain.claim import Claim
from mlrollout.domain.leave import leave
from mlrollout.domain.merge import merge
from mlrollout.domain.partial import UNGUARDED_FOR, hold
from mlrollout.domain.persist import from_status
from mlrollout.domain.state import Decision, Heard, Observation, Reason, Request, State
from mlrollout.domain.traffic import Traffic
from mlrollout.evidence.measurement import MeasurementHistory
from mlrollout.ports import EvidenceSource, GoneError, Object, Ref, TrafficStore

from .reading import Problem, read, shorten
from .requests import removed, requests
from .rivals import Rivalry
from .told import Told

FINALIZER = f"{GROUP}/traffic"


@dataclass(slots=True, eq=False)
class Rollout:
    """One object in memory.

    Attributes:
        ref: Which object.
        cluster: Which cluster it is in, as far as that is known; see `Observation`.
        object: The newest version of it that was seen.
        spec: What it asks for, as far as that can be understood; the last that could as a whole, if one was seen.
        whole: Whether it is that.
        untold: What of the newest spec can't be understood, where nothing that can could take traffic down.
        unguarded: Since when that is so, by the loop's clock; `None` while it is not.
        invalid: What is wrong with the newest spec.
        state: Where it stands, by the last decision.
        saved: Where it stood when its status was last saved.
        status: That status.
        decision: The last decision.
        traffic: What Redis held when it was last asked; `None` where it can't be asked.
        trouble: Why it can't be asked.
        reconnect: Whether the connection to Redis may have changed.
        claim: Who else wants its key, as far as was last seen.
        minded: When claims were last seen to, by the loop's clock.
        login_refused: Whether it refused the user name or the password.
        connected: When that was last looked up, by the loop's clock.
        refused: What is wrong with the Prometheus the spec names.
        requests: The verbs that stand in its annotations.
        removed: The tokens of hearings whose annotation is known to have been removed since.
        measurements: What was measured of its guardrails, by name.
        store: Its Redis, once connected.
        source: Its Prometheus, once known.
        reload: Whether the object must be read again before anything is written to it.
        written: When this process last tried to write its status, by the loop's clock.
        told: What people have been told of it.
        rivalry: Who else writes its status.
        looked: When a guardrail was last looked at, by the loop's clock; before the first look, when it was met.
        renewed: When its lease was last renewed, likewise.
        leaving: When this process first tried to let it go, by the loop's clock; `None` while it has not.
        gone: Whether the object no longer exists.
    """

    ref: Ref
    cluster: str = ""
    object: Object = field(default_factory=dict)
    spec: Spec | None = None
    whole: bool = False
    untold: str = ""
    unguarded: float | None = None
    invalid: Problem | None = None
    state: State | None = None
    saved: State | None = None
    status: Status = field(default_factory=Status)
    decision: Decision | None = None
    traffic: Traffic | None = None
    trouble: str = "Redis has not been asked yet"
    reconnect: bool = False
    claim: Claim | None = None
    minded: float = -inf
    login_refused: bool = False
    connected: float = -inf
    refused: Problem | None = None
    requests: Mapping[str, Request] = field(default_factory=dict)
    removed: frozenset[str] = frozenset()
    measurements: dict[str, MeasurementHistory] = field(default_factory=dict)
    store: TrafficStore | None = None
    source: EvidenceSource | None = None
    reload: bool = False
    written: float = -inf
    told: Told = field(default_factory=Told)
    rivalry: Rivalry = field(default_factory=Rivalry)
    looked: float = -inf
    renewed: float = -inf
    leaving: float | None = None
    gone: bool = False

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
    def problem(self) -> Problem | None:
        """What a person has to mend before traffic may grow."""
        return self.invalid or self.refused or self._unreadable

    @property
    def _unreadable(self) -> Problem | None:
        """A query that Prometheus itself can't read: which dialect it speaks, it alone knows."""
        for name, measured in self.measurements.items():
            if measured.last is not None and measured.last.refused:
                return Problem(Reason.INVALID_QUERY, f"guardrail {name}: {measured.last.message}")
        return None

    @property
    def effective_spec(self) -> Spec:
        """The spec to decide on: one that something is wrong with, or that goes, is guarded, but does not grow."""
        if self.spec is None:
            raise ValueError("an object without a usable spec can't be decided on")
        if self.state is not None and not self.whole:
            return hold(self.spec, self.state.record, self.state.fingerprint)
        # Up only by a spec that is whole and can be measured; what is understood of any other guards all the same.
        grows = self.problem is None and self.deleted_at is None
        return self.spec if grows else self.spec.model_copy(update={"paused": True})

    @property
    def keyless(self) -> bool:
        """Whether its key belongs to another object, by the last decision."""
        return self.decision is not None and any(alert.reason is Reason.KEY_CONFLICT for alert in self.decision.alerts)

    @property
    def abandoned(self) -> bool:
        """Whether nothing has been able to take its traffic down for longer than may be."""
        return self.unguarded is not None and asyncio.get_running_loop().time() - self.unguarded >= UNGUARDED_FOR

    @property
    def keeps(self) -> bool:
        """Whether its deletion leaves the traffic where it is."""
        return self.spec is not None and self.spec.on_delete is OnDelete.RETAIN

    @property
    def left(self) -> bool:
        """Whether nothing of it is left in Redis that a deletion has to give up, by what Redis last said."""
        if self.state is None and "record" not in (self.object.get("status") or {}):
            return True  # it never began
        return self.traffic is not None and leave(self.state, self.uid, self.traffic, keep=self.keeps) is None

    @property
    def over(self) -> bool:
        """Whether it needs no guard any more: it goes, and holds no traffic, or traffic that shall stay."""
        return self.deleted_at is not None and self.left and not (self.keeps and FINALIZER in self.finalizers)

    def seen(self) -> Observation:
        """Everything that was seen, for one decision."""
        return Observation(
            uid=self.uid,
            holder=str(self.ref),
            traffic=self.traffic,
            trouble=self.trouble,
            measurements=self.measurements,
            verbs=self.requests,
            removed=self.removed,
            created=self.created,
            cluster=self.cluster,
            unguarded=self.untold if self.abandoned else "",
            claim=self.claim,
        )

    def apply(self, found: Object) -> bool:
        """Take over a newer version of the object: its spec, and its status merged with what is known here.

        Answers and events may overtake each other, so one that is not newer is ignored; answers whether it was.

        Raises:
            GoneError: It is another object of the same name.
        """
        metadata = found["metadata"]
        if self.object and metadata["uid"] != self.uid:
            raise GoneError(f"{self.ref} was deleted, and another object has its name")
        if is_stale_version(metadata.get("resourceVersion"), self.resource_version):
            return False
        unchanged = found.get("spec") == self.object.get("spec")
        self.object = found
        self.requests = requests(metadata)
        if not unchanged or (self.invalid is not None and self.invalid.reason is Reason.INVALID_SPEC):
            self._read(found.get("spec") or {})
        try:
            self.status = Status.read(found)
        except ValidationError as error:
            self.invalid = Problem(Reason.INVALID_SPEC, f"the status can't be read: {shorten(error)}")
            return True
        self.saved = from_status(self.status)
        self.removed = self._removed()
        self.state = merge(self.state, self.saved)
        return True

    def _removed(self) -> frozenset[str]:
        """What is known of removals; an annotation seen to be gone is remembered so as long as its mark stands."""
        marks = self.saved.verbs if self.saved is not None else {}
        gone = {mark.token for verb, mark in marks.items() if verb not in self.requests}
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
            self.unguarded = asyncio.get_running_loop().time()

    def sync_trails(self) -> None:
        """Begin a new history for each guardrail whose definition is new; forget those that are gone."""
        guardrails = self.spec.guardrails if self.spec is not None else ()
        self.measurements = {guardrail.name: self._measured(guardrail) for guardrail in guardrails}

    def _measured(self, guardrail: Guardrail) -> MeasurementHistory:
        measured = self.measurements.get(guardrail.name)
        return measured if measured is not None and measured.guardrail == guardrail else MeasurementHistory(guardrail)


def is_stale_version(found: object, newest: str) -> bool:
    """Whether a resourceVersion is no later one, as in the echo of our own write; unknown formats never are."""
    text = str(found)
    return text.isdigit() and newest.isdigit() and int(text) <= int(newest)
