"""What guardrails have in common that test at every look, and are allowed one chance of a false alarm for all looks."""

from typing import ClassVar, Self

from pydantic import model_validator

from .duration import in_days, written
from .guardrail import Guardrail, MinSamples

FALSE_ALARM = 0.01
"""The chance of a false alarm over an attempt, where an object does not say another."""

_CHANCE = "falseAlarm is a chance between 0 and 1, neither of them: 0.01 for one attempt in a hundred"
_COUNTS = "minSamples has nothing but a count here: the guardrail counts its events itself"
_WINDOW = "window means nothing here: all of the attempt counts"
_BREACH_AFTER = "breachAfter means nothing here: a breach is one by all that was seen, not by single looks"


def cel_rules(mark: str) -> tuple[tuple[str, str], ...]:
    """The rules of every kind that tests so, as CEL with their messages; `mark` is the kind's."""
    # What was left out, the API server fills in before it asks; so a default spelled out can't be told from that.
    return (
        ("!has(self.falseAlarm) || (0.0 < self.falseAlarm && self.falseAlarm < 1.0)", _CHANCE),
        (
            (
                "!has(self.minSamples) || "
                "(!has(self.minSamples.query) && !has(self.minSamples.holdsBack) && !has(self.minSamples.onTooFew))"
            ),
            _COUNTS,
        ),
        (
            (
                f"!has(self.window) || !{written('self.window')} "
                f"|| (!{in_days('self.window')} && duration(self.window) == duration('5m'))"
            ),
            f"{_WINDOW}, beside {mark}",
        ),
        (
            "!has(self.breachAfter) || (self.breachAfter.failures == 1 && self.breachAfter.of == 1)",
            f"{_BREACH_AFTER}, beside {mark}",
        ),
    )


def share_rule(field: str) -> tuple[str, str]:
    """That a field is a share, as CEL with its message."""
    return (f"0.0 < self.{field} && self.{field} < 1.0", _share(field))


def check_share(field: str, value: float) -> None:
    """Refuse what is no share.

    Raises:
        ValueError: It is none; most often it was meant as per cent.
    """
    if not 0 < value < 1:
        raise ValueError(_share(field))


def _share(field: str) -> str:
    return f"{field} is a share between 0 and 1, neither of them, and no per cent: 0.05 for 5 %"


class SequentialGuardrail(Guardrail):
    """A guardrail that tests at every look, with one chance of a false alarm for all looks of an attempt together."""

    sequential: ClassVar[bool] = True
    proves: ClassVar[bool] = True

    false_alarm: float | None = None
    """The chance that it takes a good model back, over the whole attempt, however often it is looked at. It is divided
    equally among the guardrails of the object that test so. Left out: 0.01."""
    min_samples: MinSamples | None = None
    """How much a verdict must stand on. Beside `query`: on fewer samples a look is neither a pass nor a breach, and
    traffic neither grows nor falls. Beside the other kinds: on fewer events of the treatment group, in its stage, it is
    no pass."""

    @model_validator(mode="after")
    def _sequential(self) -> Self:
        if self.false_alarm is not None and not 0 < self.false_alarm < 1:
            raise ValueError(_CHANCE)
        if self.min_samples is not None and self.min_samples != MinSamples(count=self.min_samples.count):
            raise ValueError(_COUNTS)
        if self.window != Guardrail.model_fields["window"].default:
            raise ValueError(f"{_WINDOW}, beside {self.MARK}")
        if self.breach_after != Guardrail.model_fields["breach_after"].default:
            raise ValueError(f"{_BREACH_AFTER}, beside {self.MARK}")
        return self

    def level(self, sharing: int) -> float:
        """Its own chance of a false alarm, where so many guardrails share."""
        return (FALSE_ALARM if self.false_alarm is None else self.false_alarm) / max(1, sharing)

    @property
    def events(self) -> int:
        """The fewest events of the treatment group that a pass stands on: without any, nothing was seen."""
        return 1 if self.min_samples is None else self.min_samples.count
