"""A whole rollout at a glance."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from mlrollout.api import GROUP

from .fields import Fields
from .guardrails import GuardrailGlance, guardrails
from .stages import StageGlance, StagePlace, stages

SAVED_EVERY = 60.0
"""Seconds of healthy time that may not be saved yet, as `domain/saving.py` has it."""
SILENT = 300.0
"""Seconds from when the operator should have written from which nobody is taken to look at a rollout."""
COUNTED_EVERY = 300.0
"""Seconds between two writes for the sake of evidence alone, as `domain/saving.py` has it."""
UNCOUNTED = 3600.0
"""Seconds that a block of evidence may grow while nothing is scraped, as `evidence/checks/block_test.py` has it."""
_FINALIZER = f"{GROUP}/traffic"
_INTERVAL, _MAX_AGE = 15.0, 120.0  # of a guardrail that says nothing else
_BY_SHARE = "balance"
"""The kind of guardrail that counts only while Redis says which share of the users is in treatment."""
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


def silence(found: Mapping[str, Any], now: float) -> float | None:
    """For how many seconds the operator was not heard of, where that can't be but for its absence; else `None`.

    A status is written only where something in it has changed (`domain/saving.py`), so that its age alone says nothing:
    where no guardrail keeps a checkpoint, it may rest for days under an operator that is well.

    Args:
        found: The object.
        now: When it is looked at, seconds since the epoch.
    """
    whole = Fields(found)
    heard = last_written(whole) or whole.part("metadata").moment("creationTimestamp")
    due = min(_due(whole), default=None)
    return None if heard is None or due is None or now - max(heard, due) <= SILENT else now - heard


def last_written(whole: Fields) -> float | None:
    """When the status was last written; `None` where the object does not say so."""
    return _newest(whole, of_status=True)


def _newest(whole: Fields, *, of_status: bool) -> float | None:
    managed = whole.part("metadata").parts("managedFields")
    found = (one.moment("time") for one in managed if (one.text("subresource") == "status") is of_status)
    return max((at for at in found if at is not None), default=None)


def _due(whole: Fields) -> Iterator[float]:
    """The moments at which an operator that lives writes at the latest, whatever else it does."""
    metadata, status = whole.part("metadata"), whole.part("status")
    deleted = metadata.moment("deletionTimestamp")
    if deleted is not None:
        # It waits a minute for Redis and then lets go; once it has, nothing more of it is to come.
        finalizers = whole.mapping("metadata").get("finalizers")
        if isinstance(finalizers, list) and _FINALIZER in finalizers:
            yield deleted
        return
    yield from _unseen(whole)
    conditions = {one.text("type"): one for one in status.parts("conditions")}
    written = last_written(whole)
    resting = status.part("record").flag("latched") or conditions.get("Stalled", Fields(None)).text("status") == "True"
    if written is None or resting:
        return
    if conditions.get("Ready", Fields(None)).text("reason") == "Progressing":
        # Healthy time goes on with each look, and is saved; once it is served, the next stage is.
        yield written + min(map(_interval, whole.part("spec").parts("guardrails")), default=_INTERVAL)
    known = conditions.get("TrafficApplied", Fields(None)).text("status") == "True"
    yield from (written + seconds for seconds in _counting(whole, known=known))


def _unseen(whole: Fields) -> Iterator[float]:
    """When somebody changed what the operator takes in at once, where it has not: the spec, or that there is one."""
    metadata, status = whole.part("metadata"), whole.part("status")
    ready = [one.text("reason") for one in status.parts("conditions") if one.text("type") == "Ready"]
    created = metadata.moment("creationTimestamp")
    if ready == ["AwaitingOperator"] and created is not None:
        yield created
        return
    changed = _newest(whole, of_status=False)
    if status.whole("observedGeneration") < metadata.whole("generation") and ready and changed is not None:
        yield changed


def _counting(whole: Fields, *, known: bool) -> Iterator[float]:
    """Seconds after its last word by which each guardrail that counts has counted more, which is saved."""
    spec, status = whole.part("spec"), whole.part("status")
    in_stage = status.part("record").text("stage") and status.part("progress").moment("since") is not None
    over = status.part("progress").flag("completed") and spec.text("afterCompletion") == "Stop"
    if not in_stage or over:
        return
    said = {one.text("name"): one for one in status.parts("guardrails")}
    for asked in spec.parts("guardrails"):
        one = said.get(asked.text("name"), Fields(None))
        if "checkpoint" not in one or (_BY_SHARE in asked and not known):
            continue
        # A source that fails, and a breach that is held while it does, leave everything as it is for as long.
        wait = {"Pass": 0.0, "Inconclusive": 0.0, "NoData": UNCOUNTED}.get(one.text("finding"))
        if wait is not None:
            max_age = asked.seconds("maxAge")
            yield COUNTED_EVERY + wait + (_MAX_AGE if max_age is None else max_age) + 2 * _interval(asked)


def _interval(guardrail: Fields) -> float:
    found = guardrail.seconds("interval")
    return _INTERVAL if found is None else found
