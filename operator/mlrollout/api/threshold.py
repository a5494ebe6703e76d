"""A guardrail whose query answers with one number, which has to stay inside limits."""

from typing import ClassVar, Self

from pydantic import ConfigDict, model_validator

from . import limits
from .guardrail import Guardrail, MinSamples, Missing, PromQL
from .limits import Limit
from .model import rules

_COUNTED = "minSamples needs a query that counts them, beside query"


class ThresholdGuardrail(Guardrail):
    """A guardrail whose query answers with one number, which has to stay inside limits."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            *limits.cel_rules("a guardrail"), ("!has(self.minSamples) || has(self.minSamples.query)", _COUNTED)
        )
    )

    MARK: ClassVar[str] = "query"

    query: PromQL
    """PromQL with one number as its answer. `$window` stands for the time since this stage began, at most
    `window`."""
    max: Limit | None = None
    """The highest good value."""
    min: Limit | None = None
    """The lowest good value."""
    min_samples: MinSamples | None = None
    """How much a verdict must stand on. Beside `query`: on fewer samples a look is neither a pass nor a breach, and
    traffic neither grows nor falls. Beside the other kinds: on fewer events of the treatment group, in its stage, it is
    no pass."""

    @property
    def on_held_back(self) -> Missing:
        """What its user says for too few samples, or else for no data."""
        return (self.min_samples and self.min_samples.on_too_few) or self.on_no_data

    @model_validator(mode="after")
    def _limits(self) -> Self:
        limits.check(self, "a guardrail")
        if self.min_samples is not None and self.min_samples.query is None:
            raise ValueError(_COUNTED)
        return self
