"""Rollouts as the page of the dashboard is sent them. The JSON schema of all that it is sent is made of such models.

`null` means that nothing is known, and never zero. Text is text: the page shows it as such, whatever stands in it.
"""

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr
from pydantic.alias_generators import to_camel

from mlrollout.domain.request import Verb
from mlrollout.glance.rollout import Tone
from mlrollout.glance.stages import StagePlace

Timestamp = str
"""RFC 3339 in UTC, to the millisecond."""


class PageModel(BaseModel):
    """Frozen, `camelCase` in JSON; a field that does not exist is an error."""

    model_config = ConfigDict(
        frozen=True,
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        use_attribute_docstrings=True,
        json_schema_serialization_defaults_required=True,
    )

    def text(self) -> str:
        """As JSON."""
        return self.model_dump_json(by_alias=True)


# --- all rollouts ---------------------------------------------------------------------------------


class LineStage(PageModel):
    """A stage of a rollout."""

    name: str
    """Its name."""
    percentage: int
    """Its share of users in treatment."""
    place: StagePlace
    """Where it lies, seen from where the rollout stands."""
    share: float
    """How much of its time is served, from 0 to 1."""


class WorstGuardrail(PageModel):
    """The guardrail to look at first."""

    name: str
    """Its name."""
    verdict: str
    """Pass, Breach, Inconclusive, NoData or Error; empty where it was not looked at yet."""
    value: float | None
    """What was found."""
    limit: float | None
    """What it was held against."""
    bound: str
    """What the limit is called: `max`, `min`, `ratio`; empty for none."""


class RolloutLine(PageModel):
    """A rollout on one line."""

    namespace: str
    """Of the object."""
    name: str
    """Of the object."""
    uid: str
    """Of the object: one that was deleted and made anew has another."""
    phase: str
    """Its state in one word, such as `Progressing` or `GuardrailBreached`."""
    tone: Tone
    """How it is doing."""
    percentage: int
    """Share of users in treatment, as Redis last confirmed it."""
    asked: int
    """The percentage that shall stand."""
    stages: tuple[LineStage, ...]
    """Every stage of the spec, in its order."""
    stage: str | None
    """The stage that it stands in."""
    revision: str
    """What is being rolled out."""
    attempt: int
    """The number of the try; 0 where none has begun."""
    ready: bool
    """Whether it is complete and well."""
    rolled_back: bool
    """Whether this attempt was taken to zero, for good."""
    reason: str
    """Why it is not ready, in one word."""
    message: str
    """What blocks it, why it was rolled back, or that all is well; one sentence."""
    waiting_for: str
    """What it waits for, in a word or two; empty for nothing."""
    worst: WorstGuardrail | None
    """The guardrail to look at first; `null` where it has none."""
    since: Timestamp | None
    """When Ready last changed its status."""
    updated_at: Timestamp | None
    """When the operator last wrote its status."""
    can: tuple[Verb, ...]
    """Verbs that this person may use now. A line names `rollback` alone; the detail names all."""


# --- one rollout ----------------------------------------------------------------------------------


class DetailStage(LineStage):
    """A stage, with its times."""

    duration: float
    """Seconds of healthy time that it asks for."""
    served: float | None
    """Seconds of healthy time so far; `null` where it is not the one that the rollout stands in."""
    manual: bool
    """Whether it is entered on a person's word alone."""
    entered: Timestamp | None
    """When it was entered."""
    left: Timestamp | None
    """When it was left."""


class GuardrailLook(PageModel):
    """One look at a guardrail."""

    value: float | None
    """What was found."""
    breached: bool
    """Whether it was a breach."""


class DetailGuardrail(PageModel):
    """What a guardrail said last."""

    name: str
    """Its name."""
    kind: str
    """The field that marks its kind: `query`, `rate`, `compare`, `balance`."""
    action: str
    """What a breach of it does: `Rollback`, `Hold`, `Alert`."""
    verdict: str
    """Pass, Breach, Inconclusive, NoData or Error; empty where it was not looked at yet."""
    value: float | None
    """What was found."""
    bound: str
    """What the limit is called: `max`, `min`, `ratio`; empty for none."""
    limit: float | None
    """What it was held against, or will be."""
    message: str
    """The same for people, or what went wrong and what to do."""
    at: Timestamp | None
    """When it was seen."""
    window: float | None
    """Seconds that its evidence reaches back."""
    samples: float | None
    """How many samples or events it stands on."""
    recent: tuple[GuardrailLook, ...]
    """The last looks, oldest first."""
    estimate: float | None
    """What a sequential test has estimated in this stage."""
    interval: tuple[float, float] | None
    """Between what it lies; valid at every look."""
    e_value: float | None
    """How much stronger than chance the evidence is that it is worse than allowed."""
    e_bound: float | None
    """The e-value at which it breaches."""
    proven: bool
    """Whether it is proven safe in this stage."""


class DetailCondition(PageModel):
    """A condition of the object's status."""

    type: str
    """Which."""
    status: str
    """True, False or Unknown."""
    reason: str
    """Why, in one word."""
    message: str
    """Why, for people."""
    since: Timestamp | None
    """When its status last changed."""


class DetailStep(PageModel):
    """A step of the rollout's history."""

    serial: int
    """Counts the steps of the object."""
    at: Timestamp | None
    """When it was."""
    reason: str
    """What happened, in one word."""
    message: str
    """What happened and on which evidence, for people."""
    by: str | None
    """The person who asked for it; `null` where the operator did it by itself, or nobody says."""
    warning: bool
    """Whether it is one."""
    attempt: int
    """The attempt that it belongs to."""
    revision: str
    """What was being rolled out."""
    stage: str
    """The stage after it."""
    was: int | None = Field(alias="from")
    """The percentage before it; `null` where nobody knows any more."""
    to: int
    """The percentage after it."""


class Situation(PageModel):
    """How a rollout stood when somebody looked at it: while nothing of this changes, what a verb does is the same."""

    uid: StrictStr
    """Of the object: one that was deleted and made anew has another."""
    generation: StrictInt
    """Counts the changes of its spec."""
    attempt: StrictInt
    """The number of the try."""
    stage: StrictStr
    """The stage that it stands in; empty for none."""
    step: StrictInt
    """The number of its last step: a stage that is entered, a verb, a rollback and a new attempt are each one."""
    waiting: StrictStr
    """The revision that waits; empty for none."""


class VerbOffer(PageModel):
    """A verb that would be acted on now."""

    verb: Verb
    """The verb."""
    means: str
    """What comes of it."""


class RolloutDetail(RolloutLine):
    """One rollout in full."""

    stages: tuple[DetailStage, ...]
    """Every stage of the spec, in its order, with its times."""
    waiting: str
    """A revision that its source names and that waits, for a person or the end of a pause; empty for none."""
    todo: str
    """What to do; empty for nothing."""
    advised: Verb | None
    """The verb that does it, where one does."""
    traffic: str
    """Why Redis is not known to hold the percentage; empty where it is."""
    contested: str
    """What is said of another writer; empty for none."""
    holdback: int
    """Per cent of the users who are kept in control."""
    key: str
    """The key of the percentage in Redis."""
    guardrails: tuple[DetailGuardrail, ...]
    """All guardrails of the spec."""
    conditions: tuple[DetailCondition, ...]
    """The conditions of the status."""
    history: tuple[DetailStep, ...]
    """The last steps, oldest first."""
    offers: tuple[VerbOffer, ...]
    """What comes of each verb in `can`."""
    situation: Situation
    """How it stands, to be sent along with a verb."""
