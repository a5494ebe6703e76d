"""A guardrail on the share of bad events of one group, held against a limit."""

from typing import Annotated, ClassVar, Self

from pydantic import ConfigDict, StringConstraints, model_validator

from .guardrail import PromQL
from .model import Model, rules
from .sequential import SequentialGuardrail, cel_rules, check_share, share_rule

Edge = Annotated[str, StringConstraints(pattern=r"^[0-9]+([.][0-9]+)?([eE][-+]?[0-9]+)?$", max_length=32)]
"""The upper edge of a histogram's bucket, as its label `le` has it."""

_FORM = "rate needs either bad and all, or histogram and above"


class Rate(Model):
    """Bad events out of all, and the share that is still allowed."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                (
                    "has(self.bad) == has(self.all) && has(self.histogram) == has(self.above) "
                    "&& has(self.bad) != has(self.histogram)"
                ),
                _FORM,
            ),
            share_rule("max"),
        )
    )

    bad: PromQL | None = None
    """Selector of the counter of bad events, for example `dispatch_total{group="treatment",status="failure"}`."""
    all: PromQL | None = None
    """Selector of the counter of all events, the bad ones among them."""
    histogram: PromQL | None = None
    """Instead of both: selector of a histogram's buckets, for example `dispatch_seconds_bucket{group="treatment"}`."""
    above: Edge | None = None
    """The edge of a bucket, for example `"2"`: what lies above it is bad."""
    max: float
    """The highest share of bad events that is allowed, between 0 and 1: 0.05 for 5 %."""

    @model_validator(mode="after")
    def _form(self) -> Self:
        pair, exceeds = self.bad is not None, self.histogram is not None
        if pair != (self.all is not None) or exceeds != (self.above is not None) or pair == exceeds:
            raise ValueError(_FORM)
        check_share("max", self.max)
        return self


class RateGuardrail(SequentialGuardrail):
    """A guardrail on the share of bad events of one group, held against a limit."""

    model_config = ConfigDict(json_schema_extra=rules(*cel_rules("rate")))

    MARK: ClassVar[str] = "rate"

    rate: Rate
    """Bad events out of all of one group, tested against a limit with every look. It finds what goes bad late as well
    as early, and a good model is taken back by it with a chance of `falseAlarm` at most, at any traffic."""
