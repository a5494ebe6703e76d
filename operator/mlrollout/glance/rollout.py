"""A whole rollout at a glance."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from .fields import Fields
from .guardrails import GuardrailGlance, guardrails
from .silence import last_written, silence
from .stages import StageGlance, StagePlace, stages

SAVED_EVERY = 60.0
"""Seconds of healthy time that may not be saved yet, as `domain/saving.py` has it."""
_CONDITIONS = ("Ready", "Stalled", "TrafficApplied", "Contested")


class Tone(StrEnum):
    """How it is doing, for a colour."""

    WELL = "well"
    WAITING = "waiting"
    """For a person, for evidence, for the operator."""
    BAD = "bad"
    """Rolled back, or something has to be mended."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of its history.

    Attributes:
        at: When it was, seconds since the epoch.
        reason: What happened, in one word.
        message: The same for people.
        warning: Whether it is one.
        attempt: The attempt that it belongs to.
        revision: What was being rolled out.
        stage: The stage after it.
        percentage: The percentage after it.
    """

    at: float
    reason: str
    message: str
    warning: bool
    attempt: int
    revision: str
    stage: str
    percentage: int


@dataclass(frozen=True, slots=True)
class Rollback:
    """That it was taken to zero.

    Attributes:
        at: When the cause was seen; `None` where nobody knows.
        reason: Why, in one word.
        message: Why, for people.
        since: The percentage that was taken back; `None` where no stage had begun.
        stage: In which stage.
    """

    at: float | None
    reason: str
    message: str
    since: int | None
    stage: str


@dataclass(frozen=True, slots=True)
class Glance:
    """Where a rollout stands, as its object tells it.

    Attributes:
        namespace: Of the object.
        name: Of the object.
        now: When this was looked at, seconds since the epoch; every age is told from here.
        revision: What is being rolled out.
        wanted: What the spec asks for, which may be another revision by now.
        sourced: Whether a source names the revision.
        waiting: A revision that its source names and that waits; empty for none.
        unapproved: Whether that waits for a person's word, and not for the end of a pause alone.
        attempt: The number of the try; 0 where none has begun.
        percentage: The share of users in treatment, as Redis last confirmed it.
        asked: The percentage that shall stand.
        holdback: Per cent of the users who are kept in control.
        paused: Whether `spec.paused` is set.
        held: Whether a person has paused it by the verb.
        guarded: Whether guardrails are looked at after the last stage.
        created: When the object was made.
        deleting: Since when it is being deleted; `None` where it is not.
        silent: For how many seconds the operator was not heard of, where that can't be but for its absence;
            else `None`.
        unseen: Whether the operator has yet to see the spec as it is now.
        ready: The status of its condition Ready.
        reason: Why, in one word.
        message: Why, for people.
        since: When Ready last changed its status.
        stalled: Whether it can't go on by itself.
        traffic: Why Redis is not known to hold the percentage; empty where it is.
        contested: What is said of another writer; empty for none.
        rollback: That this attempt was rolled back; `None` where it was not.
        stages: All stages of the spec.
        guardrails: All guardrails of the spec.
        history: The last steps, oldest first.
    """

    namespace: str
    name: str
    now: float
    revision: str
    wanted: str
    sourced: bool
    waiting: str
    unapproved: bool
    attempt: int
    percentage: int
    asked: int
    holdback: int
    paused: bool
    held: bool
    guarded: bool
    created: float | None
    deleting: float | None
    silent: float | None
    unseen: bool
    ready: str
    reason: str
    message: str
    since: float | None
    stalled: bool
    traffic: str
    contested: str
    rollback: Rollback | None
    stages: tuple[StageGlance, ...]
    guardrails: tuple[GuardrailGlance, ...]
    history: tuple[Step, ...]

    @property
    def here(self) -> StageGlance | None:
        """The stage that it stands in; `None` before the first, after a rollback, and after the last."""
        return next((stage for stage in self.stages if stage.place is StagePlace.HERE), None)

    @property
    def ahead(self) -> StageGlance | None:
        """The stage that comes next; `None` where none does."""
        if self.rollback is not None:
            return None
        return next((stage for stage in self.stages if stage.place is StagePlace.AHEAD), None)

    @property
    def complete(self) -> bool:
        """Whether the last stage is served, and all is well."""
        return self.ready == "True"

    @property
    def state(self) -> str:
        """Its state in one word: the reason of Ready, but for an object that is going."""
        return "Deleting" if self.deleting is not None else self.reason or "Unknown"

    @property
    def tone(self) -> Tone:
        """How it is doing."""
        if self.rollback is not None or self.stalled or self.silent is not None:
            return Tone.BAD
        if self.deleting is not None:
            return Tone.WAITING
        return Tone.WELL if self.complete or self.reason == "Progressing" else Tone.WAITING


def glance(found: Mapping[str, Any], now: float) -> Glance:
    """What an object tells, as the API server gives it."""
    whole = Fields(found)
    metadata, spec, status = whole.part("metadata"), whole.part("spec"), whole.part("status")
    conditions = {one.text("type"): one for one in status.parts("conditions")}
    ready, stalled, applied, contested = (conditions.get(name, Fields(None)) for name in _CONDITIONS)
    record, progress = status.part("record"), status.part("progress")
    unsaved = _since_saved(whole, now) if ready.text("reason") == "Progressing" else 0.0
    all_stages = stages(spec, status, min(unsaved, SAVED_EVERY))
    return Glance(
        namespace=metadata.text("namespace"),
        name=metadata.text("name"),
        now=now,
        revision=status.text("revision") or spec.text("revision"),
        wanted=spec.text("revision") or status.text("revision"),
        sourced="revisionFrom" in spec,
        waiting=status.part("waiting").text("revision"),
        unapproved=_unapproved(spec, status),
        attempt=status.whole("attempt"),
        percentage=progress.whole("applied"),
        asked=status.whole("percentage"),
        holdback=record.whole("holdback"),
        paused=spec.flag("paused"),
        held=progress.flag("paused"),
        guarded=spec.text("afterCompletion") != "Stop",
        created=metadata.moment("creationTimestamp"),
        deleting=metadata.moment("deletionTimestamp"),
        silent=silence(found, now),
        unseen=status.whole("observedGeneration") < metadata.whole("generation"),
        ready=ready.text("status"),
        reason=ready.text("reason"),
        message=ready.text("message"),
        since=ready.moment("lastTransitionTime"),
        stalled=stalled.text("status") == "True",
        traffic="" if applied.text("status") == "True" else applied.text("message"),
        contested=contested.text("message"),
        rollback=_rollback(status) if record.flag("latched") else None,
        stages=all_stages,
        guardrails=guardrails(spec, status),
        history=tuple(map(_step, status.parts("history"))),
    )


def _unapproved(spec: Fields, status: Fields) -> bool:
    progress, waiting = status.part("progress"), status.part("waiting").text("revision")
    paused = spec.flag("paused") or progress.flag("paused")
    cleared = spec.part("revisionFrom").text("approval") != "Manual" or progress.text("cleared") == waiting
    return bool(waiting) and not (paused and cleared)


def _since_saved(whole: Fields, now: float) -> float:
    """Seconds since the status was saved: as long as all is well, healthy time is saved so often, and not at once."""
    return max(0.0, now - (last_written(whole) or now))


def _rollback(status: Fields) -> Rollback:
    progress, runs = status.part("progress"), status.parts("stages")
    # The last stage was passed already where the rollout was complete, and its users lost it all the same.
    left = runs[-1] if runs and runs[-1].text("outcome") in ("RolledBack", "Passed") else None
    return Rollback(
        at=progress.moment("rolledBack"),
        reason=progress.text("reason"),
        message=progress.text("message"),
        since=None if left is None else left.whole("percentage"),
        stage="" if left is None else left.text("name"),
    )


def _step(found: Fields) -> Step:
    return Step(
        at=found.moment("at") or 0.0,
        reason=found.text("reason"),
        message=found.text("message"),
        warning=found.flag("warning"),
        attempt=found.whole("attempt"),
        revision=found.text("revision"),
        stage=found.text("stage"),
        percentage=found.whole("percentage"),
    )
