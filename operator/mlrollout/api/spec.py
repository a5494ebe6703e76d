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
from .approval import Approval
from .duration import Between, Duration
from .fingerprint import fingerprint, first_fingerprint
from .guardrail import Guardrail, Name, Proof
from .kinds import AnyGuardrail
from .limits import Limit
from .model import Ascending, Keyed, Model, Rule, Unique, rules
from .notification import Notification
from .revision_from import RevisionFrom
from .secret_ref import SecretKeyRef, SecretRef

Percentage = Annotated[int, Field(ge=0, le=100)]
Holdback = Annotated[int, Field(ge=0, le=50)]


class AfterCompletion(StrEnum):
    """What happens after the last stage."""

    GUARD = "Guard"
    STOP = "Stop"


class OnDelete(StrEnum):
    """What happens to the traffic when the object is deleted."""

    ZERO = "Zero"
    RETAIN = "Retain"


class RedisConnection(Model):
    """A Redis of the object's own."""

    secret_ref: SecretKeyRef
    """Where the URL stands, for example `rediss://user:password@host:6379/0`."""


class TrafficSpec(Model):
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
    holdback: Holdback | None = None
    """Per cent of the users, 0 to 50, who stay in control at every percentage, so that there is a control group at
    100, too: with 5, a stage at 100 has 95 % of the users in treatment. Who they are follows from the user's id, and
    is independent of who enters first. It changes together with the revision alone: it holds for a whole attempt.
    Where revisionFrom names the revision, a change counts from the next attempt on.
    Applications need a client that knows it (docs/redis-contract.md). Left out: nobody."""


class Prometheus(Model):
    """A Prometheus of the object's own; its address must match a pattern the administrator allows."""

    address: Annotated[str, StringConstraints(min_length=8, max_length=1024, pattern=r"^https?://[^\s@]+$")]
    """For example `http://prometheus.monitoring:9090`, without user name or password."""
    secret_ref: SecretRef | None = None
    """What it is shown: a Secret with any of token, username and password, headers, ca, certificate and key, as
    docs/managed-prometheus.md says. The operator must be allowed to read it. Left out: nothing."""


_NOTHING = "a requirement needs a limit (min, max or both) or proven"


class Requirement(Model):
    """A stricter limit that a guardrail must meet before its stage is left upwards."""

    model_config = ConfigDict(
        json_schema_extra=rules(("has(self.min) || has(self.max) || has(self.proven)", _NOTHING), limits.CROSSED_RULE)
    )

    guardrail: Name
    """Name of the guardrail."""
    min: Limit | None = None
    """The lowest good value."""
    max: Limit | None = None
    """The highest good value."""
    proven: Proof | None = None
    """Safe: the guardrail has proven in this stage that it keeps its limit. Of guardrails that test at every look."""

    @model_validator(mode="after")
    def _limits(self) -> Self:
        if self.min is None and self.max is None and self.proven is None:
            raise ValueError(_NOTHING)
        limits.check_order(self)
        return self


class Early(Model):
    """When a stage may be left before its duration."""

    after: Annotated[Duration, Between("0s", "8760h")]
    """The healthy time that it takes at least, up to 8760h."""


class Stage(Model):
    """One step of the percentage."""

    name: Name
    """Name of the stage, unique in the object."""
    percentage: Percentage
    """Share of users in treatment, a whole number from 0 to 100."""
    duration: Annotated[Duration, Between("0s", "8760h")]
    """How long the stage must be healthy before the next is entered, up to 8760h. Only time with good evidence
    counts: downtime, missing data and pauses do not. With 0s it is left once every guardrail has passed in it."""
    early: Early | None = None
    """Leave the stage before its duration, once every guardrail that tests at every look is proven safe in it, and it
    was healthy for so long. Left out: its duration is served in any case."""
    require: Annotated[tuple[Requirement, ...], Field(max_length=32), Keyed("guardrail")] = ()
    """Stricter limits that must be met before the stage is left for the next."""
    approval: Approval = Approval.AUTOMATIC
    """Manual: the stage is entered only once a person has approved it."""


DEFAULT_STAGES = (
    Stage(name="pilot", percentage=10, duration=14 * 24 * 3600.0),
    Stage(name="expansion", percentage=30, duration=14 * 24 * 3600.0),
    Stage(name="full", percentage=100, duration=24 * 3600.0),
)

_UNKNOWN = "a stage requires a guardrail that is not in spec.guardrails"
_UNPROVABLE = "proven can be required only of a guardrail that tests at every look, not of one with query or balance"
_NEVER_EARLY = "early needs a guardrail that tests at every look: one with query or balance proves nothing"


def _none_requires(wrong: str, message: str) -> Rule:
    """That no stage has a requirement `r` of which the CEL `wrong` holds; the first that has one is named."""
    requiring = f"has(s.require) && s.require.exists(r, {wrong})"
    stage = f"self.stages.map(s, {requiring}, s.name)[0]"
    guardrail = f"self.stages.map(s, {requiring}, s.require.map(r, {wrong}, r.guardrail)[0])[0]"
    return f"!self.stages.exists(s, {requiring})", message, f"'stage ' + {stage} + ' requires ' + {guardrail}"


_RULES = "x-kubernetes-validations"
_EXISTING = rules(_none_requires("!self.guardrails.exists(g, g.name == r.guardrail)", _UNKNOWN))
_PROVING = rules(
    _none_requires(
        "has(r.proven) && self.guardrails.exists(g, g.name == r.guardrail && (has(g.query) || has(g.balance)))",
        _UNPROVABLE,
    ),
    (
        "self.stages.all(s, !has(s.early)) || self.guardrails.exists(g, !has(g.query) && !has(g.balance))",
        _NEVER_EARLY,
        "'stage ' + self.stages.map(s, has(s.early), s.name)[0]",
    ),
)
_NAMED = "name the revision, or where it comes from: one of revision and revisionFrom"
_NAMING = rules(("has(self.revision) != has(self.revisionFrom)", _NAMED))
_WITHIN = "the holdback cannot change within a revision: change spec.revision with it, for it holds for a whole attempt"
# CEL for the holdback; absent and 0 mean the same.
_HOLDBACK = "(has({0}.traffic.holdback) ? {0}.traffic.holdback : 0)"
# Of what a source names, the next attempt has the new one.
_SAME = "has(self.revision) && has(oldSelf.revision) && self.revision == oldSelf.revision"
_LASTING = rules((f"!({_SAME}) || {_HOLDBACK.format('self')} == {_HOLDBACK.format('oldSelf')}", _WITHIN))

Stages = Annotated[
    tuple[Stage, ...], Field(min_length=1, max_length=32), Ascending("percentage", name="name"), Unique("name")
]


class Spec(Model):
    """How far the feature may be rolled out, on which evidence."""

    model_config = ConfigDict(
        json_schema_extra={_RULES: [one for found in (_EXISTING, _PROVING, _NAMING, _LASTING) for one in found[_RULES]]}
    )

    revision: Annotated[str, StringConstraints(min_length=1, max_length=253)] | None = None
    """What is being rolled out, for example a model's version. A new value is a new attempt, from the first stage."""
    revision_from: RevisionFrom | None = None
    """A source that names it, in the place of revision: a model registry, a ConfigMap or a JSON document."""
    traffic: TrafficSpec
    """Where the percentage is kept."""
    prometheus: Prometheus | None = None
    """A Prometheus of the object's own. Left out: the operator's."""
    stages: Stages = DEFAULT_STAGES
    """The percentages, strictly ascending. Left out: 10 and 30 for two weeks each, then 100."""
    guardrails: Annotated[tuple[AnyGuardrail, ...], Field(min_length=1, max_length=32), Keyed("name")]
    """What must stay healthy. At least one: nothing grows without evidence."""
    paused: bool = False
    """Stop growing. A breach still takes the traffic to zero."""
    after_completion: AfterCompletion = AfterCompletion.GUARD
    """After the last stage. Guard: go on looking, and roll back on a breach. Stop: look no more."""
    on_delete: OnDelete = OnDelete.ZERO
    """When the object is deleted. Zero: traffic goes to zero first. Retain: it stays where it is."""
    notifications: Annotated[tuple[Notification, ...], Field(max_length=8), Keyed("name")] = ()
    """Who is told what happens to the object, beside the receivers of the operator."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.revision is None) == (self.revision_from is None):
            raise ValueError(_NAMED)
        known = {guardrail.name: guardrail for guardrail in self.guardrails}
        for where, required in ((stage.name, one) for stage in self.stages for one in stage.require):
            if required.guardrail not in known:
                raise ValueError(f"{_UNKNOWN}: stage {where} requires {required.guardrail}")
            if required.proven is not None and not known[required.guardrail].proves:
                raise ValueError(f"{_UNPROVABLE}: stage {where} requires {required.guardrail}")
        early = next((stage.name for stage in self.stages if stage.early), None)
        if early is not None and not any(one.proves for one in self.guardrails):
            raise ValueError(f"{_NEVER_EARLY}: stage {early}")
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
