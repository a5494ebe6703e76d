"""Where a rollout stands, in full: the record, and the bookkeeping of its stage."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from mlrollout.api.status import MAX_HISTORY, MAX_STAGES

from .record import Record
from .request import Heard

HISTORY = MAX_HISTORY
"""How many transitions the history keeps."""
RUNS = MAX_STAGES
"""How many stages the list of stages keeps."""


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


@dataclass(frozen=True, slots=True)
class NamedRevision:
    """What a source of revisions names.

    Attributes:
        revision: The revision: 1 to 253 printable characters, no space at either end.
        by: Who brought it there, as far as the source says; for people, at most 100 printable characters.
        at: When, seconds since the epoch; `None` where the source does not say.
    """

    revision: str
    by: str = ""
    at: float | None = None


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
        announced: Whether the source of revisions knows of that.
        waiting: A revision that its source names, and that begins once a person says so.
        cleared: A revision of which a person has said so, ahead of its attempt.
        cleared_at: When.
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
    announced: bool = False
    waiting: NamedRevision | None = None
    cleared: str = ""
    cleared_at: float = 0.0
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
            announced=False,
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
