"""What the operator reports: the `status` of an `MLRollout`.

Enough to go on from after a restart, and no more: single measurements are metrics. What does not
fit is cut here rather than refused by the API server, for a status that can't be written would stop
the rollout. Words with a meaning (reasons, outcomes, findings) are plain strings in the schema, so
that an older CRD does not refuse a newer operator.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, StringConstraints

from .duration import Duration
from .model import Keyed, Model
from .moment import Moment
from .recent import LONGEST as LONGEST_RECENT
from .recent import newest

MAX_MESSAGE = 1024
MAX_CHECKPOINT = 16_384
MAX_STAGES = 32
MAX_GUARDRAILS = 32
MAX_VERBS = 16
MAX_HISTORY = 30
MAX_ONGOING = 16
MAX_RECEIVERS = 48
LONGEST = 99_999 * 3600.0


def _clip(text: object) -> object:
    """At most `MAX_MESSAGE` characters, an ellipsis in place of the rest."""
    return text[: MAX_MESSAGE - 1] + "…" if isinstance(text, str) and len(text) > MAX_MESSAGE else text


def _cut(longest: int) -> Callable[[object], object]:
    """Keeps the beginning of a word. Some come from Redis, where anybody may have written them."""
    return lambda text: text[:longest] if isinstance(text, str) else text


def _whole(text: object) -> object:
    """Nothing, where it is too long: a part of a checkpoint is none."""
    return "" if isinstance(text, str) and len(text) > MAX_CHECKPOINT else text


def _newest(count: int) -> Callable[[object], object]:
    """Keeps the last `count` items of a list."""
    return lambda items: items[-count:] if isinstance(items, Sequence) else items


def _finite(number: object) -> object:
    """NaN and the infinities have no JSON; they become nothing."""
    return None if isinstance(number, float) and not math.isfinite(number) else number


def _writable(seconds: object) -> object:
    """The nearest length of time that `Duration` can write."""
    return min(max(seconds, 0), LONGEST) if isinstance(seconds, int | float) else seconds


Text = Annotated[str, StringConstraints(max_length=253), BeforeValidator(_cut(253))]
Message = Annotated[str, StringConstraints(max_length=MAX_MESSAGE), BeforeValidator(_clip)]
Checkpoint = Annotated[str, StringConstraints(max_length=MAX_CHECKPOINT), BeforeValidator(_whole)]
Looks = Annotated[str, StringConstraints(max_length=LONGEST_RECENT), BeforeValidator(newest)]
Word = Annotated[str, StringConstraints(max_length=64), BeforeValidator(_cut(64))]
Count = Annotated[int, Field(ge=0)]
Percentage = Annotated[int, Field(ge=0, le=100)]
Number = Annotated[float | None, BeforeValidator(_finite)]
Reach = Annotated[Duration, BeforeValidator(_writable)]


class ConditionStatus(StrEnum):
    """Whether a condition holds."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Condition(Model):
    """One aspect of how the rollout is doing."""

    type: Word
    """Ready, Reconciling, Stalled, Contested, GuardrailsHealthy or TrafficApplied."""
    status: ConditionStatus
    """True, False or Unknown."""
    reason: Word
    """Why, in one word that programs may rely on."""
    message: Message
    """Why, for people."""
    last_transition_time: Moment
    """When the status last changed."""
    observed_generation: int | None = None
    """The metadata.generation that this is about."""


class RecordStatus(Model):
    """The record as it shall stand in Redis."""

    attempt: Count
    """The number of the try, by which records are put in order. The object's first is numbered by its creation."""
    latched: bool
    """The rollback mark. It stays for the attempt, and the traffic with it at zero."""
    sequence: Count
    """Counts the steps inside the attempt."""
    percentage: Percentage
    """Share of users in treatment."""
    revision: Text = ""
    """What is being rolled out."""
    stage: Word = ""
    """Name of the stage. Empty before the first is entered and after a rollback."""
    owner: Word = ""
    """The uid of the object that owns the key."""
    holder: Annotated[str, StringConstraints(max_length=512), BeforeValidator(_cut(512))] = ""
    """Namespace and name of that object."""
    holdback: Percentage = 0
    """Per cent of the users who stay in control at every percentage, in the whole attempt. Left out: none."""


class Progress(Model):
    """The bookkeeping of the attempt and its stage."""

    began: Moment | None = None
    """When the attempt began."""
    clear: Moment | None = None
    """Evidence from before this is about an earlier attempt."""
    since: Moment | None = None
    """When the percentage in force last changed, as far as Redis confirmed it."""
    confirmed: bool = False
    """Whether Redis is known to have held the record."""
    applied: Percentage = 0
    """The percentage that Redis last confirmed."""
    healthy_seconds: Number = None
    """Seconds of good evidence in this stage."""
    paused: bool = False
    """Whether a person paused it by the annotation."""
    approved: Word = ""
    """The stage that a person approved, ahead of entering it."""
    promoted: Word = ""
    """The stage that a person said to leave without serving its time."""
    evidence: Word = ""
    """Fingerprint of the guardrails under which the healthy time was earned."""
    completed: bool = False
    """Whether the last stage has served its time."""
    announced: bool = False
    """Whether the source of revisions knows of that, where spec.revisionFrom says that it shall."""
    cleared: Text = ""
    """The revision that a person approved, ahead of its attempt."""
    cleared_at: Moment | None = None
    """When."""
    reason: Word = ""
    """Why the attempt was taken to zero, in one word."""
    message: Message = ""
    """Why the attempt was taken to zero, for people."""
    rolled_back: Moment | None = None
    """When that was seen."""


class StageStatus(Model):
    """A stage of the present attempt."""

    name: Word
    """Name of the stage."""
    percentage: Percentage
    """Its share of users in treatment."""
    entered: Moment
    """When it began."""
    left: Moment | None = None
    """When it ended."""
    outcome: Word = ""
    """How it ended."""


class CountedStatus(Model):
    """What was counted of one group in this stage."""

    events: Number = None
    """How many events."""
    bad: Number = None
    """How many of them were bad."""


class EvidenceStatus(Model):
    """What a test stands on whose chance of a false alarm holds however often it is looked at."""

    treatment: CountedStatus | None = None
    """The treatment's events in this stage."""
    control: CountedStatus | None = None
    """The control's, where there is one."""
    estimate: Number = None
    """What is tested, as estimated in this stage: a share, a ratio or a difference."""
    low: Number = None
    """The least that it may be."""
    high: Number = None
    """The most that it may be."""
    e_value: Number = None
    """How much stronger than chance the evidence is, over the attempt, that it is worse than allowed."""
    false_alarm: Number = None
    """The chance that it ever breaches although nothing is wrong. It breaches at an e-value of 1 divided by this."""
    proven: Word = ""
    """Safe where that is proven in this stage."""
    design_effect: Number = None
    """How many requests are worth one that has nothing to do with others, as users make several. Above 1.5, single
    users matter much."""


class GuardrailStatus(Model):
    """What a guardrail said last."""

    name: Word
    """Name of the guardrail."""
    finding: Word
    """Pass, Breach, Inconclusive, NoData or Error."""
    value: Number = None
    """The number that the query answered."""
    limit: Number = None
    """The limit that it was held against."""
    window: Reach | None = None
    """How far back its evidence reaches."""
    samples: Number = None
    """How many samples it stands on, where they are counted."""
    at: Moment | None = None
    """When it was seen."""
    message: Message = ""
    """The same for people, or what went wrong and what to do."""
    recent: Looks = ""
    """The values of the last 16 looks of the operator that wrote this, oldest first: ! behind a breach, ? behind what
    is inconclusive, - for none. For people; written when something else is."""
    evidence: EvidenceStatus | None = None
    """What a sequential test stands on."""
    checkpoint: Checkpoint = ""
    """What a sequential test remembers, for another operator to go on from."""


class WaitingStatus(Model):
    """A revision that its source names, and that waits for a person."""

    revision: Text
    """The revision."""
    by: Annotated[str, StringConstraints(max_length=100)] = ""
    """Who brought it there, as far as the source says."""
    at: Moment | None = None
    """When, likewise."""


class VerbStatus(Model):
    """A verb that has been acted on and whose annotation is still to be removed."""

    verb: Word
    """The verb, for example rollback."""
    value: Message = ""
    """What the annotation said, on one line and cut."""
    id: Word = ""
    """What tells the request from one of other words or of another writer."""
    at: Moment | None = None
    """When it was heard."""


class TransitionStatus(Model):
    """One step of the rollout."""

    serial: Count
    """Counts the steps of the object."""
    at: Moment
    """When the transition happened."""
    reason: Word
    """What happened, in one word that programs may rely on; also the reason of the Event."""
    message: Message
    """What happened and on which evidence, for people."""
    warning: bool = False
    """Whether its Event is a warning."""
    attempt: Count
    """The attempt it belongs to."""
    revision: Text = ""
    """What was being rolled out."""
    stage: Word = ""
    """The stage after it."""
    percentage: Percentage
    """The percentage after it."""


class OngoingStatus(Model):
    """Something that goes on, or went on lately, and that receivers of notifications are told of."""

    number: Count
    """Counts what went on in the object's life."""
    reason: Word
    """What it is, in one word that programs may rely on."""
    subject: Text = ""
    """What it is about, for example a guardrail."""
    message: Message
    """The same for people, as it was when it began."""
    since: Moment
    """When it was seen to go on."""
    until: Moment | None = None
    """When it had not been seen for a while. Left out: it goes on."""
    attempt: Count
    """The attempt that it is about."""
    after: Count = 0
    """The serial of the last transition before it."""


class ReceiverStatus(Model):
    """What a receiver of notifications has been told."""

    name: Text
    """The receiver: `operator/` and its name where it is the operator's, `own/` and its name where the object's."""
    serial: Count = 0
    """The serial of the last transition that it has been told of, or that is none of its topics."""
    ongoing: Count = 0
    """The number of the last of status.ongoing, likewise."""


class Status(Model):
    """How far the rollout is, and why."""

    observed_generation: int | None = None
    """The metadata.generation that everything here is about. -1 before the operator has seen the object."""
    conditions: Annotated[tuple[Condition, ...], Field(max_length=16), Keyed("type")] = ()
    """How the rollout is doing, for people, kubectl wait and GitOps tools."""
    percentage: Percentage | None = None
    """Share of users in treatment, as the record says."""
    attempt: Count | None = None
    """Counts the tries of this object. A new revision or a retry is a new attempt."""
    stage: Word = ""
    """Name of the stage."""
    revision: Text = ""
    """What is being rolled out."""
    waiting: WaitingStatus | None = None
    """A revision that spec.revisionFrom names and that begins once a person approves it."""
    served: Text = ""
    """How long this stage has been healthy, of how long it must be."""
    next: Text = ""
    """The stage that comes next, and its share of users."""
    record: RecordStatus | None = None
    """The record as it shall stand in Redis."""
    progress: Progress | None = None
    """The bookkeeping of the attempt and its stage."""
    stages: Annotated[tuple[StageStatus, ...], Field(max_length=MAX_STAGES), BeforeValidator(_newest(MAX_STAGES))] = ()
    """The stages of the present attempt so far, oldest first."""
    guardrails: Annotated[
        tuple[GuardrailStatus, ...], Field(max_length=MAX_GUARDRAILS), BeforeValidator(_newest(MAX_GUARDRAILS))
    ] = ()
    """What each guardrail said last."""
    verbs: Annotated[tuple[VerbStatus, ...], Field(max_length=MAX_VERBS), BeforeValidator(_newest(MAX_VERBS))] = ()
    """Verbs that have been acted on and whose annotations are still to be removed."""
    history: Annotated[
        tuple[TransitionStatus, ...], Field(max_length=MAX_HISTORY), BeforeValidator(_newest(MAX_HISTORY))
    ] = ()
    """The last transitions, oldest first."""
    serial: Count | None = None
    """The number of the last transition."""
    ongoing: Annotated[
        tuple[OngoingStatus, ...], Field(max_length=MAX_ONGOING), BeforeValidator(_newest(MAX_ONGOING))
    ] = ()
    """What goes on, or went on lately, that receivers of notifications are told of, oldest first."""
    receivers: Annotated[
        tuple[ReceiverStatus, ...], Field(max_length=MAX_RECEIVERS), BeforeValidator(_newest(MAX_RECEIVERS))
    ] = ()
    """How far each receiver of notifications has been told."""
    written_by: Text = ""
    """The Lease of the operators that wrote this. Where it changes again and again, two installations lead."""

    @classmethod
    def read(cls, found: Mapping[str, Any]) -> Self:
        """The status of an object as the API server gives it; fields that an older operator lacks are ignored."""
        return cls.model_validate(found.get("status") or {})

    def render(self) -> dict[str, Any]:
        """What is written into the object: no empty field, no null, no NaN."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_defaults=True)
