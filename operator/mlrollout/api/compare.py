"""A guardrail on the treatment against the control, which the same moment brings the same weather."""

from enum import StrEnum
from typing import Annotated, ClassVar, Self

from pydantic import ConfigDict, StringConstraints, model_validator

from .guardrail import PromQL
from .model import Model, rules
from .rate import Edge
from .sequential import SequentialGuardrail, cel_rules, check_share, share_rule

Label = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$", max_length=128)]
"""The name of a label."""

_FORM = "compare needs either bad and all, or histogram and above, or sum and count"
_TOLERATED = "compare needs what is tolerated: either ratio or difference"
_RATIO = "ratio says how many times worse is tolerated, from 1 to 1000: 1.5 for half as much again"
_DIFFERENCE = "difference says how much worse is tolerated: a number above 0"
_MEAN_LIMIT = "max is a share of bad events: a mean has none"
_MEAN_ALONE = "worse means something for a mean alone: of bad events, more are worse"
_MOST = 1000


class Worse(StrEnum):
    """Which of two means is the worse one."""

    HIGHER = "Higher"
    LOWER = "Lower"


class Compare(Model):
    """What is compared, and by how much the treatment may be worse. All selectors are of both groups."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                (
                    "has(self.bad) == has(self.all) && has(self.histogram) == has(self.above) "
                    "&& has(self.sum) == has(self.count) "
                    "&& [has(self.bad), has(self.histogram), has(self.sum)].exists_one(form, form)"
                ),
                _FORM,
            ),
            ("has(self.ratio) != has(self.difference)", _TOLERATED),
            (f"!has(self.ratio) || (1.0 <= self.ratio && self.ratio <= {_MOST}.0)", _RATIO),
            ("!has(self.difference) || 0.0 < self.difference", _DIFFERENCE),
            (f"has(self.sum) || !has(self.difference) || ({share_rule('difference')[0]})", share_rule("difference")[1]),
            ("!has(self.max) || !has(self.sum)", _MEAN_LIMIT),
            (f"!has(self.max) || ({share_rule('max')[0]})", share_rule("max")[1]),
            ("!has(self.worse) || has(self.sum)", _MEAN_ALONE),
        )
    )

    bad: PromQL | None = None
    """Selector of the counter of bad events of both groups, for example `dispatch_total{status="failure"}`."""
    all: PromQL | None = None
    """Selector of the counter of all events of both groups, the bad ones among them."""
    histogram: PromQL | None = None
    """Instead of both: selector of a histogram's buckets, for example `dispatch_seconds_bucket`."""
    above: Edge | None = None
    """The edge of a bucket, for example `"2"`: what lies above it is bad."""
    sum: PromQL | None = None
    """Instead of bad events, to compare means: selector of what is added up, for example `dispatch_score_sum`."""
    count: PromQL | None = None
    """Selector of how many values there were, for example `dispatch_score_count`."""
    worse: Worse | None = None
    """Which mean is the worse one. Left out: the higher."""
    group: Label = "group"
    """The label by which the groups are told apart; its values are treatment and control."""
    ratio: float | None = None
    """How many times the control's share of bad events the treatment's may be, or its mean: 1.5 for half as much
    again. With a lower mean as the worse one, how many times the treatment's the control's may be."""
    difference: float | None = None
    """By how much the treatment's share of bad events may be above the control's (0.02 for two in a hundred), or its
    mean be worse."""
    max: float | None = None
    """The highest share of bad events that is allowed where there is no control, which is at 100 % without a holdback:
    0.05 for 5 %. Left out: nothing can be said there, and no stage is left."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        forms = ((self.bad, self.all), (self.histogram, self.above), (self.sum, self.count))
        given = [one is not None for one, _ in forms]
        if given != [other is not None for _, other in forms] or given.count(True) != 1:
            raise ValueError(_FORM)
        if (self.ratio is None) == (self.difference is None):
            raise ValueError(_TOLERATED)
        if self.ratio is not None and not 1 <= self.ratio <= _MOST:
            raise ValueError(_RATIO)
        if self.difference is not None and not self.difference > 0:
            raise ValueError(_DIFFERENCE)
        if self.max is not None:
            if self.of_means:
                raise ValueError(_MEAN_LIMIT)
            check_share("max", self.max)
        if self.of_means:
            return self
        if self.difference is not None:
            check_share("difference", self.difference)
        if self.worse is not None:
            raise ValueError(_MEAN_ALONE)
        return self

    @property
    def of_means(self) -> bool:
        """Whether means are compared, and not shares of bad events."""
        return self.sum is not None


class CompareGuardrail(SequentialGuardrail):
    """A guardrail on the treatment against the control."""

    model_config = ConfigDict(json_schema_extra=rules(*cel_rules("compare")))

    MARK: ClassVar[str] = "compare"

    compare: Compare
    """Treatment against control, tested with every look. What makes both worse at once is no breach: a bad hour of a
    database, for example. A good model is taken back by it with a chance of `falseAlarm` at most, at any traffic."""
