"""What a user asks for: the `spec` of an `MLRollout`.

Docstrings here are what `kubectl explain` prints. Each rule stands twice on purpose: as CEL, so
that `kubectl apply` refuses nonsense, and as a validator, so that the operator and the command
line refuse the same where no API server is asked. A test holds the two against each other.
"""

from enum import StrEnum
from functools import cached_property
from typing import Annotated, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from . import limits
from .duration import Between, Duration, in_days, written
from .fingerprint import fingerprint, first_fingerprint
from .model import Ascending, Keyed, Model, Unique, rules

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", min_length=1, max_length=63)]
Percentage = Annotated[int, Field(ge=0, le=100)]
PromQL = Annotated[str, StringConstraints(min_length=1, max_length=4096)]
Limit = Annotated[float, Field(allow_inf_nan=False)]


class Action(StrEnum):
    """What a breach of a guardrail does."""

    ROLLBACK = "Rollback"
    HOLD = "Hold"
    ALERT = "Alert"


class MissingAction(StrEnum):
    """What missing evidence does once it has lasted."""

    HOLD = "Hold"
    ROLLBACK = "Rollback"


class Approval(StrEnum):
    """Whether a stage is entered by itself or on a person's word."""

    AUTOMATIC = "Automatic"
    MANUAL = "Manual"


class AfterCompletion(StrEnum):
    """What happens after the last stage."""

    GUARD = "Guard"
    STOP = "Stop"


class OnDelete(StrEnum):
    """What happens to the traffic when the object is deleted."""

    ZERO = "Zero"
    RETAIN = "Retain"


class SecretKeyRef(Model):
    """One key of a Secret in the object's own namespace."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=253)]
    """Name of the Secret."""
    key: Annotated[str, StringConstraints(min_length=1, max_length=253)]
    """Key inside the Secret."""


class RedisConnection(Model):
    """A Redis of the object's own."""

    secret_ref: SecretKeyRef
    """Where the URL stands, for example `rediss://user:password@host:6379/0`."""


class Traffic(Model):
    """Where the percentage is kept."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            ("self.key == oldSelf.key", "the key cannot change: delete the object and create another for the new key"),
            (
                "has(self.redis) == has(oldSelf.redis) && (!has(self.redis) || self.redis == oldSelf.redis)",
                "the Redis connection cannot change: delete the object and create another",
            ),
        )
    )

    key: Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=r"^[!-~]+$")]
    """The Redis key that holds the percentage, for example `ml_dispatch:rollout_percentage`. On Redis Cluster
    it needs a hash tag, for example `{ml_dispatch}:rollout_percentage`. One key has one MLRollout."""
    redis: RedisConnection | None = None
    """A Redis of the object's own. Left out: the operator's."""
    lease: Annotated[Duration, Between("5s", "720h")] | None = None
    """How long the percentage outlives the operator, 5s to 720h: the keys expire after this unless renewed, and
    traffic falls to zero when nobody watches it. Left out: the percentage stays."""


class Prometheus(Model):
    """A Prometheus of the object's own; its address must match a pattern the administrator allows."""

    address: Annotated[str, StringConstraints(min_length=8, max_length=1024, pattern=r"^https?://[^\s@]+$")]
    """For example `http://prometheus.monitoring:9090`, without user name or password."""


class Requirement(Model):
    """A stricter limit that a guardrail must meet before its stage is left upwards."""

    model_config = ConfigDict(json_schema_extra=rules(*limits.cel_rules("a requirement")))

    guardrail: Name
    """Name of the guardrail."""
    min: Limit | None = None
    """The lowest good value."""
    max: Limit | None = None
    """The highest good value."""

    @model_validator(mode="after")
    def _limits(self) -> Self:
        limits.check(self, "a requirement")
        return self


class Stage(Model):
    """One step of the percentage."""

    name: Name
    """Name of the stage, unique in the object."""
    percentage: Percentage
    """Share of users in treatment, a whole number from 0 to 100."""
    duration: Annotated[Duration, Between("0s", "8760h")]
    """How long the stage must be healthy before the next is entered, up to 8760h. Only time with good evidence
    counts: downtime, missing data and pauses do not. With 0s it is left once every guardrail has passed in it."""
    require: Annotated[tuple[Requirement, ...], Field(max_length=32), Keyed("guardrail")] = ()
    """Stricter limits that must be met before the stage is left for the next."""
    approval: Approval = Approval.AUTOMATIC
    """Manual: the stage is entered only once a person has approved it."""


_FAILURES = "failures must not be greater than of, the number of looks that they are counted in"


class BreachAfter(Model):
    """How many of the last looks must be bad before the guardrail counts as breached."""

    model_config = ConfigDict(json_schema_extra=rules(("self.failures <= self.of", _FAILURES)))

    failures: Annotated[int, Field(ge=1, le=100)] = 1
    """Bad looks needed."""
    of: Annotated[int, Field(ge=1, le=100)] = 1
    """Out of so many last looks that had an answer."""

    @model_validator(mode="after")
    def _order(self) -> Self:
        if self.failures > self.of:
            raise ValueError(_FAILURES)
        return self


class MinSamples(Model):
    """How much traffic the evidence must stand on before it may help a stage forward."""

    count: Annotated[int, Field(ge=1, le=1_000_000_000)]
    """The fewest samples, for example requests of the treatment group."""
    query: PromQL
    """PromQL that counts them, one number. `$window` stands for the evidence's window."""


class Missing(Model):
    """What missing evidence does, and when."""

    action: MissingAction = MissingAction.HOLD
    """Hold: stay at this percentage. Rollback: go to zero."""
    after: Annotated[Duration, Between("0s", "720h")] = 600.0
    """How long it must be missing before that is done, or (with Hold) before it is announced; up to 720h."""


_STALE = "maxAge must not be shorter than the interval, or no evidence would ever be fresh"


class Guardrail(Model):
    """One thing that must stay healthy while the percentage grows."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            *limits.cel_rules("a guardrail"),
            (
                (
                    f"!{written('self.maxAge')} || !{written('self.interval')} "
                    f"|| {in_days('self.maxAge')} || {in_days('self.interval')} "
                    "|| duration(self.maxAge) >= duration(self.interval)"
                ),
                _STALE,
            ),
        )
    )

    name: Name
    """Name of the guardrail, unique in the object."""
    query: PromQL
    """PromQL with one number as its answer. `$window` stands for the time since this stage began, at most
    `window`."""
    max: Limit | None = None
    """The highest good value."""
    min: Limit | None = None
    """The lowest good value."""
    action: Action = Action.ROLLBACK
    """What a breach does. Rollback: traffic goes to zero. Hold: it does not grow. Alert: it is only announced."""
    interval: Annotated[Duration, Between("250ms", "1h")] = 15.0
    """Time from one look to the next, 250ms to 1h."""
    deadline: Annotated[Duration, Between("50ms", "1m")] = 5.0
    """How long a query may take in all, 50ms to 1m."""
    window: Annotated[Duration, Between("1s", "720h")] = 300.0
    """The longest that `$window` becomes, 1s to 720h."""
    breach_after: BreachAfter = BreachAfter()
    """How many bad looks make a breach. Left out: the first."""
    min_samples: MinSamples | None = None
    """How many samples a good look must stand on. Too few make it inconclusive: traffic neither grows nor falls."""
    max_age: Annotated[Duration, Between("250ms", "720h")] = 120.0
    """How old the newest sample of each series that is asked about may be, from the interval to 720h. Older is no
    data."""
    on_no_data: Missing = Missing()
    """What happens when there is no data."""
    on_error: Missing = Missing()
    """What happens when the query fails."""

    @model_validator(mode="after")
    def _bounds(self) -> Self:
        limits.check(self, "a guardrail")
        if self.max_age < self.interval:
            raise ValueError(_STALE)
        return self

    @property
    def gates(self) -> bool:
        """Whether traffic may grow only while this guardrail passes."""
        return self.action is not Action.ALERT


DEFAULT_STAGES = (
    Stage(name="pilot", percentage=10, duration=14 * 24 * 3600.0),
    Stage(name="expansion", percentage=30, duration=14 * 24 * 3600.0),
    Stage(name="full", percentage=100, duration=24 * 3600.0),
)

_UNKNOWN = "a stage requires a guardrail that is not in spec.guardrails"
# CEL for the first requirement of what does not exist.
_ABSENT = "!self.guardrails.exists(g, g.name == r.guardrail)"
_REQUIRING = f"has(s.require) && s.require.exists(r, {_ABSENT})"
_REQUIRED = (
    f"'stage ' + self.stages.map(s, {_REQUIRING}, s.name)[0] + ' requires ' + "
    f"self.stages.map(s, {_REQUIRING}, s.require.map(r, {_ABSENT}, r.guardrail)[0])[0]"
)

Stages = Annotated[
    tuple[Stage, ...], Field(min_length=1, max_length=32), Ascending("percentage", name="name"), Unique("name")
]


class Spec(Model):
    """How far the feature may be rolled out, on which evidence."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                (
                    "self.stages.all(s, !has(s.require) || "
                    "s.require.all(r, self.guardrails.exists(g, g.name == r.guardrail)))"
                ),
                _UNKNOWN,
            ),
            naming=_REQUIRED,
        )
    )

    revision: Annotated[str, StringConstraints(min_length=1, max_length=253)]
    """What is being rolled out, for example a model's version. A new value is a new attempt, from the first stage."""
    traffic: Traffic
    """Where the percentage is kept."""
    prometheus: Prometheus | None = None
    """A Prometheus of the object's own. Left out: the operator's."""
    stages: Stages = DEFAULT_STAGES
    """The percentages, strictly ascending. Left out: 10 and 30 for two weeks each, then 100."""
    guardrails: Annotated[tuple[Guardrail, ...], Field(min_length=1, max_length=32), Keyed("name")]
    """What must stay healthy. At least one: nothing grows without evidence."""
    paused: bool = False
    """Stop growing. A breach still takes the traffic to zero."""
    after_completion: AfterCompletion = AfterCompletion.GUARD
    """After the last stage. Guard: go on looking, and roll back on a breach. Stop: look no more."""
    on_delete: OnDelete = OnDelete.ZERO
    """When the object is deleted. Zero: traffic goes to zero first. Retain: it stays where it is."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        known = {guardrail.name for guardrail in self.guardrails}
        for stage in self.stages:
            for required in stage.require:
                if required.guardrail not in known:
                    raise ValueError(f"{_UNKNOWN}: stage {stage.name} requires {required.guardrail}")
        return self

    @cached_property
    def fingerprint(self) -> str:
        """Names the guardrails that gate: healthy time earned under others does not count."""
        return fingerprint(self._gating)

    @cached_property
    def fingerprints(self) -> frozenset[str]:
        """Every name that any version has given them."""
        return frozenset({self.fingerprint, first_fingerprint(self._gating)})

    @property
    def _gating(self) -> tuple[Guardrail, ...]:
        return tuple(guardrail for guardrail in self.guardrails if guardrail.gates)
