"""Where a rollout stands, in full: the record, and the bookkeeping of its stage."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from mlrollout.api.status import MAX_HISTORY, MAX_STAGES
from mlrollout.evidence.measurement import MeasurementHistory

from .claim import Claim
from .record import Record
from .request import Heard, Request
from .traffic import Intent, Lower, Traffic

HISTORY = MAX_HISTORY
"""How many transitions the history keeps."""
RUNS = MAX_STAGES
"""How many stages the list of stages keeps."""


class Reason(StrEnum):
    """Why something happened: the reasons of history entries, Events and conditions. Part of the contract."""

    ATTEMPT_STARTED = "AttemptStarted"
    STAGE_ADVANCED = "StageAdvanced"
    STAGE_CHANGED = "StageChanged"
    EVIDENCE_RESTARTED = "EvidenceRestarted"
    COMPLETED = "Completed"
    GUARDRAIL_BREACHED = "GuardrailBreached"
    EVIDENCE_MISSING = "EvidenceMissing"
    ROLLED_BACK = "RolledBack"
    MANUAL_ROLLBACK = "ManualRollback"
    EMERGENCY_STOP = "EmergencyStop"
    RECORD_ADOPTED = "RecordAdopted"
    TRAFFIC_RESTORED = "TrafficRestored"
    TRAFFIC_LOST = "TrafficLost"
    PAUSED = "Paused"
    RESUMED = "Resumed"
    APPROVED = "Approved"
    PROMOTED = "Promoted"
    DEMOTED = "Demoted"
    RETRIED = "Retried"
    VERB_REFUSED = "VerbRefused"

    AWAITING_OPERATOR = "AwaitingOperator"
    PROGRESSING = "Progressing"
    AWAITING_APPROVAL = "AwaitingApproval"
    AWAITING_REQUIREMENTS = "AwaitingRequirements"
    WINDOWS_NOT_CLEAR = "WindowsNotClear"
    GUARDRAIL_ALERT = "GuardrailAlert"
    GUARDRAIL_DOUBTFUL = "GuardrailDoubtful"
    GUARDRAILS_UNKNOWN = "GuardrailsUnknown"
    GUARDRAILS_UNHEALTHY = "GuardrailsUnhealthy"
    GUARDRAILS_PASSING = "GuardrailsPassing"
    GUARDRAILS_OFF = "GuardrailsOff"
    TRAFFIC_CONFIRMED = "TrafficConfirmed"
    TRAFFIC_UNCONFIRMED = "TrafficUnconfirmed"
    RECORD_UNREADABLE = "RecordUnreadable"
    KEY_CONFLICT = "KeyConflict"
    KEY_CLAIMED = "KeyClaimed"
    PERCENTAGE_OVERWRITTEN = "PercentageOverwritten"
    UNKNOWN_VERB = "UnknownVerb"
    SECOND_INSTALLATION = "SecondInstallation"
    STATUS_CONTESTED = "StatusContested"
    INVALID_SPEC = "InvalidSpec"
    INVALID_QUERY = "InvalidQuery"
    CONNECTION_REFUSED = "ConnectionRefused"
    KEY_REFUSED = "KeyRefused"
    DELETED = "Deleted"
    TRAFFIC_NOT_ZEROED = "TrafficNotZeroed"
    NOTIFICATION_FAILING = "NotificationFailing"


TRANSITIONS = frozenset(
    {
        Reason.ATTEMPT_STARTED,
        Reason.STAGE_ADVANCED,
        Reason.STAGE_CHANGED,
        Reason.EVIDENCE_RESTARTED,
        Reason.COMPLETED,
        Reason.GUARDRAIL_BREACHED,
        Reason.EVIDENCE_MISSING,
        Reason.ROLLED_BACK,
        Reason.MANUAL_ROLLBACK,
        Reason.EMERGENCY_STOP,
        Reason.RECORD_ADOPTED,
        Reason.TRAFFIC_RESTORED,
        Reason.TRAFFIC_LOST,
        Reason.PAUSED,
        Reason.RESUMED,
        Reason.APPROVED,
        Reason.PROMOTED,
        Reason.DEMOTED,
        Reason.RETRIED,
        Reason.VERB_REFUSED,
    }
)
"""Those of entries of the history; all others are of conditions, and of Events about what goes on."""


class RunOutcome(StrEnum):
    """How a stage ended."""

    RUNNING = "Running"
    PASSED = "Passed"
    ROLLED_BACK = "RolledBack"
    SUPERSEDED = "Superseded"
    LOST = "Lost"


@dataclass(frozen=True, slots=True)
class Transition:
    """One transition, as the history and an Event tell it."""

    serial: int
    at: float
    reason: str
    message: str
    attempt: int
    revision: str
    stage: str
    percentage: int
    warning: bool = False


@dataclass(frozen=True, slots=True)
class StageRun:
    """One stage of the present attempt: when it was entered and left, and how it ended."""

    name: str
    percentage: int
    entered: float
    left: float | None = None
    outcome: RunOutcome = RunOutcome.RUNNING


class Phase(StrEnum):
    """How far an attempt is. What Redis holds of it is another question: see `State.confirmed`."""

    BEFORE_FIRST_STAGE = "BeforeFirstStage"
    IN_STAGE = "InStage"
    COMPLETED = "Completed"
    """The last stage has served its time."""
    ROLLED_BACK = "RolledBack"
    """At 0 % for the rest of the attempt."""


@dataclass(frozen=True, slots=True)
class State:
    """Where a rollout stands. Persisted in the object's status; times are seconds since the epoch.

    Attributes:
        record: What shall stand in Redis.
        measurements_from: When the attempt began, and later when its first stage was entered: older looks are about an
            earlier attempt or about no traffic at all.
        evidence_from: Evidence that reaches back before this is about an earlier attempt.
        in_force_since: When Redis was found to have come to hold `record`; the percentage has been in force since.
        confirmed: Whether Redis is known to have held `record`.
        applied: The percentage that Redis last confirmed.
        healthy: Seconds of good evidence in this stage, up to its duration.
        healthy_until: When evidence was last good with Redis holding the record, which is up to when healthy time
            is counted; `None` while evidence is not good. Not persisted: after a restart nothing is known
            of the time in between.
        fingerprint: Fingerprint of the guardrails under which healthy time was earned.
        paused: Whether a person paused it by the verb.
        approved: The stage that a person approved, ahead of entering it.
        promoted: The stage that a person said to leave without serving its time.
        completed: Whether the last stage has served its time.
        verbs: Verbs acted on whose annotations are still to be removed.
        runs: The stages of the attempt so far.
        history: The last transitions, oldest first.
        serial: The number of the last transition.
    """

    record: Record
    measurements_from: float
    evidence_from: float = 0.0
    in_force_since: float = 0.0
    confirmed: bool = False
    applied: int = 0
    healthy: float = 0.0
    healthy_until: float | None = None
    fingerprint: str = ""
    paused: bool = False
    approved: str = ""
    promoted: str = ""
    completed: bool = False
    verbs: Mapping[str, Heard] = field(default_factory=dict)
    runs: tuple[StageRun, ...] = ()
    history: tuple[Transition, ...] = ()
    serial: int = 0

    @property
    def phase(self) -> Phase:
        """How far the attempt is."""
        if self.record.latched:
            return Phase.ROLLED_BACK
        if self.completed:
            return Phase.COMPLETED
        return Phase.IN_STAGE if self.record.stage else Phase.BEFORE_FIRST_STAGE

    @property
    def cause(self) -> str:
        """Why the attempt is latched, in one word; empty where it is not."""
        return self.record.cause.reason if self.record.cause is not None else ""

    @property
    def explanation(self) -> str:
        """Why it is latched, for people."""
        return self.record.cause.message if self.record.cause is not None else ""

    def with_transition(self, now: float, reason: str, message: str, *, warning: bool = False) -> "State":
        """This state with one more entry in its history."""
        record = self.record
        transition = Transition(
            serial=self.serial + 1,
            at=now,
            reason=reason,
            message=message,
            attempt=record.ordinal,
            revision=record.revision,
            stage=record.stage,
            percentage=record.percentage,
            warning=warning,
        )
        return replace(self, history=(*self.history, transition)[-HISTORY:], serial=transition.serial)

    def clamped_to(self, now: float) -> "State":
        """This state under a clock that may have been set back: no time in it lies ahead.

        What was seen before `measurements_from`, or reaches back before `evidence_from`, counts as an earlier
        attempt's; so a time ahead would hide breaches.
        """
        if max(self.measurements_from, self.evidence_from, self.in_force_since) <= now:
            return self
        return replace(
            self,
            measurements_from=min(self.measurements_from, now),
            evidence_from=min(self.evidence_from, now),
            in_force_since=min(self.in_force_since, now),
        )

    def at(self, record: Record, *, approved: str = "") -> "State":
        """This state at another record: Redis is not known to hold it yet, and nothing is earned there.

        Every step goes through here, so that no step can carry over what was earned, approved or promoted before it
        (invariant 1).

        Args:
            record: Where the rollout stands from now on.
            approved: The stage whose approval stays: the one that is entered.
        """
        return replace(
            self,
            record=record,
            confirmed=False,
            healthy=0.0,
            healthy_until=None,
            approved=approved,
            promoted="",
            completed=False,
        )

    def leave(self, now: float, outcome: RunOutcome) -> "State":
        """This state with its running stage ended."""
        if not self.runs or self.runs[-1].outcome is not RunOutcome.RUNNING:
            return self
        ended = replace(self.runs[-1], left=now, outcome=outcome)
        return replace(self, runs=(*self.runs[:-1], ended))

    def enter(self, now: float) -> "State":
        """This state with the record's stage begun."""
        run = StageRun(name=self.record.stage, percentage=self.record.percentage, entered=now)
        return replace(self, runs=(*self.runs, run)[-RUNS:])


@dataclass(frozen=True, slots=True)
class Observation:
    """Everything the operator has seen of the world, for one decision.

    Attributes:
        uid: The object's own uid, the owner of its record.
        holder: The object's `namespace/name`.
        traffic: What stands in Redis; `None` where Redis can't be asked.
        trouble: Why it can't be asked; for people.
        measurements: What was measured of each guardrail, by its name.
        verbs: The verbs found in annotations.
        removed: The tokens of hearings whose annotation is known to have been removed, so that one which stands
            there is another request, be its words the same.
        created: When the object was created, seconds since the epoch; 0 where nobody knows.
        cluster: Which cluster it is in: the uid of the namespace `kube-system`; empty where that can't be known.
        unguarded: What of the spec can't be understood, where that has left traffic with nothing that could take it
            down for longer than may be; empty otherwise.
        claim: Who else was last seen to want its key.
    """

    uid: str
    holder: str
    traffic: Traffic | None = None
    trouble: str = ""
    measurements: Mapping[str, MeasurementHistory] = field(default_factory=dict)
    verbs: Mapping[str, Request] = field(default_factory=dict)
    removed: frozenset[str] = frozenset()
    created: float = 0.0
    cluster: str = ""
    unguarded: str = ""
    claim: Claim | None = None


@dataclass(frozen=True, slots=True)
class Blocker:
    """What keeps traffic from growing."""

    reason: Reason
    message: str


Blockers = tuple[Blocker, ...]
"""Everything that keeps traffic from growing; what a person did comes first."""


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that goes on and a person should hear of; repeated while it lasts, unlike a transition.

    Attributes:
        reason: What it is.
        subject: What it is about; with the reason, tells it from others.
        message: For people.
        warning: Whether it is a warning.
        once: What tells it from others in the object's whole life, if it is told once and not repeated; else empty.
    """

    reason: Reason
    subject: str
    message: str
    warning: bool = True
    once: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What shall be done.

    Attributes:
        state: Where the rollout stands from now on; `None` where it can't begin yet.
        write: What shall be written to Redis, if anything.
        announces: Whether the state begins an attempt or a higher percentage, or completes. Then it counts once it is
            saved, and is decided anew where that fails. Everything else counts at once, and is saved when the write is
            done.
        again: When to decide again even if nothing happens, seconds since the epoch.
        alerts: What a person should hear of.
        blockers: Everything that keeps traffic from growing now; what a person did first.
    """

    state: State | None
    write: Intent | None = None
    announces: bool = False
    again: float | None = None
    alerts: tuple[Alert, ...] = ()
    blockers: Blockers = ()

    def lowers(self, before: State | None) -> bool:
        """Whether it takes traffic down from where that state has it, by a write."""
        if before is None or self.state is None or not isinstance(self.write, Lower):
            return False
        return self.state.record.percentage < max(before.record.percentage, before.applied)

    def rolls_back(self, before: State | None) -> bool:
        """Whether it is a way down that lasts for the rest of the attempt."""
        return self.lowers(before) and self.state is not None and self.state.record.latched
