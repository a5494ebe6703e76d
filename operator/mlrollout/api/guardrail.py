"""What every kind of guardrail has: a name, how often it is looked at, and what follows."""

from enum import StrEnum
from typing import Annotated, ClassVar, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator
from pydantic.config import JsonDict

from .duration import Between, Duration, in_days, written
from .model import Model, rules

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", min_length=1, max_length=63)]
PromQL = Annotated[str, StringConstraints(min_length=1, max_length=4096)]


class Action(StrEnum):
    """What a breach of a guardrail does."""

    ROLLBACK = "Rollback"
    HOLD = "Hold"
    ALERT = "Alert"


class MissingAction(StrEnum):
    """What missing evidence does once it has lasted."""

    HOLD = "Hold"
    ROLLBACK = "Rollback"


class Proof(StrEnum):
    """What a sequential guardrail can prove, as long as its stage lasts."""

    SAFE = "Safe"


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


class Missing(Model):
    """What missing evidence does, and when."""

    action: MissingAction = MissingAction.HOLD
    """Hold: stay at this percentage. Rollback: go to zero."""
    after: Annotated[Duration, Between("0s", "720h")] = 600.0
    """How long it must be missing before that is done, or (with Hold) before it is announced; up to 720h."""


class HoldsBack(StrEnum):
    """What waits for enough samples."""

    BOTH = "Both"
    PASS = "Pass"  # noqa: S105 - not a password


_AT_ONCE = "onTooFew means nothing where holdsBack is Pass: a bad value is a breach on any number of samples"


class MinSamples(Model):
    """How much traffic the evidence must stand on before it bears a verdict."""

    model_config = ConfigDict(
        json_schema_extra=rules(("!has(self.onTooFew) || !has(self.holdsBack) || self.holdsBack != 'Pass'", _AT_ONCE))
    )

    count: Annotated[int, Field(ge=1, le=1_000_000_000)]
    """The fewest samples, for example requests of the treatment group."""
    query: PromQL | None = None
    """Beside `query`: PromQL that counts them, one number. `$window` stands for the evidence's window."""
    holds_back: HoldsBack | None = None
    """Beside `query`: what waits for so many samples. Both: a pass and a breach. Pass: only a pass, and a value outside
    the limits is a breach on any number of samples. Left out: Both."""
    on_too_few: Missing | None = None
    """Beside `query`: what happens when values outside the limits go on without enough samples for a breach. Left out:
    as onNoData."""

    @model_validator(mode="after")
    def _meant(self) -> Self:
        if self.on_too_few is not None and self.holds_back is HoldsBack.PASS:
            raise ValueError(_AT_ONCE)
        return self


_STALE = "maxAge must not be shorter than the interval, or no evidence would ever be fresh"


def _own_default(schema: JsonDict) -> None:
    """Leave the default to the kind: an API server that fills it in can't know which kind it is for."""
    schema.pop("default", None)


class Guardrail(Model):
    """One thing that must stay healthy while the percentage grows.

    What every kind of guardrail has; `kinds.py` names the kinds.
    """

    MARK: ClassVar[str] = ""
    """The field, as the object has it, by which a kind is told from the others; required, and without a default."""
    sequential: ClassVar[bool] = False
    """Whether it is a test that is allowed a chance of a false alarm over the attempt, which it divides with others."""
    proves: ClassVar[bool] = False
    """Whether it can prove that its limit is kept."""

    model_config = ConfigDict(
        json_schema_extra=rules(
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
    action: Annotated[Action, Field(json_schema_extra=_own_default)] = Action.ROLLBACK
    """What a breach does. Rollback: traffic goes to zero. Hold: it does not grow. Alert: it is only announced. Left
    out: Rollback, but beside balance Hold."""
    interval: Annotated[Duration, Between("250ms", "1h")] = 15.0
    """Time from one look to the next, 250ms to 1h."""
    deadline: Annotated[Duration, Between("50ms", "1m")] = 5.0
    """How long a query may take in all, 50ms to 1m."""
    window: Annotated[Duration, Between("1s", "720h")] = 300.0
    """The longest that `$window` becomes, 1s to 720h."""
    breach_after: BreachAfter = BreachAfter()
    """How many bad looks make a breach. Left out: the first."""
    max_age: Annotated[Duration, Between("250ms", "720h")] = 120.0
    """How old the newest sample of each series that is asked about may be, from the interval to 720h. Older is no
    data."""
    on_no_data: Missing = Missing()
    """What happens when there is no data."""
    on_error: Missing = Missing()
    """What happens when the query fails."""

    @model_validator(mode="after")
    def _ages(self) -> Self:
        if self.max_age < self.interval:
            raise ValueError(_STALE)
        return self

    @property
    def on_held_back(self) -> Missing:
        """What happens when bad values go on that are no breach because they stand on too little."""
        return self.on_no_data

    @property
    def gates(self) -> bool:
        """Whether traffic may grow only while this guardrail passes."""
        return self.action is not Action.ALERT
