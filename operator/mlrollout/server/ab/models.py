"""What the A/B API takes and answers. The OpenAPI document is made of these."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictInt, StrictStr, WithJsonSchema

from mlrollout.assignment import Group, Reason
from mlrollout.assignment.ids import LONGEST, text_of, trouble_with
from mlrollout.domain.request import Verb
from mlrollout.replay.document import DocumentObject, GuardrailBlocks, MissingBlocks


def _whole(number: object) -> object:
    """JSON knows one kind of number: 30.0 is 30."""
    return int(number) if isinstance(number, float) and number.is_integer() else number


def _canonical(user_id: object) -> str:
    """An id by its text: what is nobody's in an assignment is nobody's here."""
    text = text_of(user_id)
    if text is None:
        raise ValueError(f"this is nobody's id: {trouble_with(user_id)}")
    return text


Text = Annotated[StrictStr, Field(min_length=1, max_length=200)]
UserId = Annotated[
    StrictStr,
    BeforeValidator(_canonical),
    WithJsonSchema(
        {
            "anyOf": [{"type": "string", "minLength": 1, "maxLength": LONGEST}, {"type": "integer"}],
            "description": f"Text of at most {LONGEST} bytes in UTF-8; a whole number is the user of its digits.",
        }
    ),
]
Share = Annotated[float | None, Field(ge=0, le=1)]
Percentage = Annotated[StrictInt, Field(ge=0, le=100), BeforeValidator(_whole)]
Number = Annotated[int, Field(ge=0)]


class ApiModel(BaseModel):
    """Frozen; a field that does not exist is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class ApiRequest(ApiModel):
    """The body of a request."""


class ApiAnswer(ApiModel):
    """The body of an answer, every field in it."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    @property
    def changed(self) -> bool:
        """Whether anything was done; what was not has a status of its own."""
        return True


# --- requests ----------------------------------------------------------------------------------


class RolloutRequest(ApiRequest):
    """A percentage to be brought about."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"percentage": 0, "reason": "customers complain"}]})

    percentage: Percentage
    """Share of users in treatment. 0 rolls back, less demotes, the next stage's promotes."""
    reason: Annotated[StrictStr, Field(max_length=200)] = ""
    """Why; it stands in the history with the caller's name."""


class RollbackRequest(ApiRequest):
    """The manual rollback."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "customers complain"}]})

    reason: Annotated[StrictStr, Field(max_length=200)] = ""
    """Why; it stands in the history with the caller's name."""


class SatisfactionRequest(ApiRequest):
    """One user's answer about one dispatch."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"dispatch_id": "d-1027", "rating": 4, "user_id": "kim"}]}
    )

    dispatch_id: Text
    """What is rated."""
    rating: Annotated[StrictInt, Field(ge=1, le=5), BeforeValidator(_whole)]
    """From 1, bad, to 5, good."""
    user_id: UserId | None = None
    """Who rates. With a user's own session it can be left out."""
    ticket: Annotated[StrictStr, Field(min_length=1, max_length=16_384)] | None = None
    """What the application gave this user for this dispatch. With the application's own token it is not asked for."""


class RatingTicketRequest(ApiRequest):
    """A dispatch that happened, which a user may rate."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"dispatch_id": "d-1027", "user_id": "kim"}]})

    dispatch_id: Text
    """What may be rated."""
    user_id: UserId
    """Who may."""


# --- answers -----------------------------------------------------------------------------------


class AssignmentAnswer(ApiAnswer):
    """Which path a user gets."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"group": "treatment", "ml_enabled": True, "reason": "Split"}]}
    )

    group: Group
    """The group."""
    ml_enabled: bool
    """Whether it is treatment."""
    reason: Reason
    """Why; NoUser where no user is named."""


class Satisfaction(ApiAnswer):
    """What the survey says of a group in this attempt."""

    ratings: Number
    """How many ratings there are."""
    average: Annotated[float | None, Field(ge=1, le=5)]
    """Their mean; null without any."""


class StatsAnswer(ApiAnswer):
    """Who has taken part in this attempt, and where it stands."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "total_users": 1000,
                    "control_count": 905,
                    "treatment_count": 95,
                    "treatment_percentage": 9.5,
                    "rollout_percentage": 10,
                    "holdback": 5,
                    "stage": "pilot",
                    "revision": "ranker-2026-11-03",
                    "attempt": 1,
                    "reason": "Split",
                    "satisfaction": {
                        "control": {"ratings": 12, "average": 3.9},
                        "treatment": {"ratings": 0, "average": None},
                    },
                }
            ]
        }
    )

    total_users: Number
    """Distinct users that were assigned by this server, estimated to some 1 %."""
    control_count: Number
    """Those of them who have been in control."""
    treatment_count: Number
    """Those of them who have been in treatment; who moved counts in both groups, and once in the total."""
    treatment_percentage: Annotated[float | None, Field(ge=0)]
    """Treatment's share of the total; null without any user."""
    rollout_percentage: Percentage
    """Share of users in treatment now, as Redis says, of those who are not held back."""
    holdback: Percentage
    """Share of users who stay in control at every percentage; 0 where nothing is under way."""
    stage: str
    """Name of the stage; empty before the first and after a rollback."""
    revision: str
    """What is being rolled out."""
    attempt: Number
    """Which try this is; 0 where nothing is known."""
    reason: Reason
    """What the percentage comes from."""
    satisfaction: dict[Group, Satisfaction]
    """The survey, by group."""


class Figures(ApiAnswer):
    """How some dispatches went; null where nothing was counted."""

    success_rate: Share
    """Share of dispatches that succeeded."""
    error_rate: Share
    """Share that failed."""
    average_score: float | None
    """Mean score."""
    average_response_time: Annotated[float | None, Field(ge=0)]
    """Mean time to answer, in seconds."""
    average_satisfaction: float | None
    """Mean rating, 1 to 5."""
    total_dispatches: Annotated[int | None, Field(ge=0)]
    """How many there were."""


class Grouped(Figures):
    """How they went, together and by group."""

    groups: dict[Group, Figures]
    """Each group's own."""


class Point(Grouped):
    """A part of the window."""

    at: int
    """Its end, in seconds since the epoch; it begins where the one before ends."""


class MonitoringAnswer(Grouped):
    """How the dispatches of a window went."""

    window_minutes: int
    """How long the window is; it ends now."""
    step_seconds: int
    """How long each part of it is."""
    series: Annotated[list[Point], Field(max_length=120)]
    """Its parts, oldest first."""


class ActAnswer(ApiAnswer):
    """What was asked of the operator."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "verb": "demote",
                    "percentage": 10,
                    "means": "back to stage pilot at 10 % at once, to be earned again from there",
                }
            ]
        }
    )

    verb: Verb | None
    """The verb that stands on the MLRollout now; null where nothing was to be done."""
    percentage: Percentage
    """What is in force once the operator has done it."""
    means: str
    """What comes of it, for people."""

    @property
    def changed(self) -> bool:
        """Whether anything was asked of the operator."""
        return self.verb is not None


class SatisfactionAnswer(ApiAnswer):
    """The rating was taken."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"group": "control", "counted": True, "because": ""}]})

    group: Group
    """The group that it counts for: the user's at this moment."""
    counted: bool
    """Whether it counts for evidence: of one user one rating does in a day (or what `survey.every` says)."""
    because: str
    """Why not; empty where it does."""

    @property
    def changed(self) -> bool:
        """Whether it counts."""
        return self.counted


class RatingTicketAnswer(ApiAnswer):
    """What lets a user rate a dispatch."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"ticket": "eyJhbGciOi…", "expires_at": 1795651200}]})

    ticket: str
    """For the user's browser, to be sent with the rating."""
    expires_at: int
    """Until when it holds, in seconds since the epoch."""


class BlocksAnswer(ApiAnswer):
    """What the last verdicts stand on; docs/replay.md says what each field means."""

    format: str
    """The form of the document."""
    object: DocumentObject
    """Which object it is about."""
    read: float
    """When the samples were read, seconds since the epoch."""
    guardrails: tuple[GuardrailBlocks, ...]
    """What each guardrail stands on that tests block by block."""
    missing: tuple[MissingBlocks, ...]
    """Those of which that can't be said, and why."""


class ProblemDocument(ApiAnswer):
    """What went wrong, by RFC 9457."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {
                    "type": "about:blank",
                    "title": "Conflict",
                    "status": 409,
                    "detail": "It stands at 10 %, and traffic grows by one stage at a time. "
                    "What can be asked for now: 0, 10, 30.",
                    "percentage": 10,
                    "percentages": [0, 10, 30],
                }
            ]
        },
    )

    type: str
    """`about:blank`."""
    title: str
    """The status in words."""
    status: Annotated[int, Field(ge=400, le=599)]
    """The status."""
    detail: str
    """What happened, what it means and what to do."""
