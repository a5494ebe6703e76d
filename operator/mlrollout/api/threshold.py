"""A guardrail whose query answers with one number, which has to stay inside limits."""

from typing import Annotated, ClassVar, Self

from pydantic import ConfigDict, Field, model_validator

from . import limits
from .guardrail import Guardrail, PromQL
from .limits import Limit
from .model import Model, rules


class MinSamples(Model):
    """How much traffic the evidence must stand on before it may help a stage forward."""

    count: Annotated[int, Field(ge=1, le=1_000_000_000)]
    """The fewest samples, for example requests of the treatment group."""
    query: PromQL
    """PromQL that counts them, one number. `$window` stands for the evidence's window."""


class ThresholdGuardrail(Guardrail):
    """A guardrail whose query answers with one number, which has to stay inside limits."""

    model_config = ConfigDict(json_schema_extra=rules(*limits.cel_rules("a guardrail")))

    MARK: ClassVar[str] = "query"

    query: PromQL
    """PromQL with one number as its answer. `$window` stands for the time since this stage began, at most
    `window`."""
    max: Limit | None = None
    """The highest good value."""
    min: Limit | None = None
    """The lowest good value."""
    min_samples: MinSamples | None = None
    """How many samples a good look must stand on. Too few make it inconclusive: traffic neither grows nor falls."""

    @model_validator(mode="after")
    def _limits(self) -> Self:
        limits.check(self, "a guardrail")
        return self
