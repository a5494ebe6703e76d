"""The kinds of guardrails that there are: the one place that knows which check a guardrail gets."""

from collections.abc import Mapping
from typing import Any

from mlrollout.api.balance import BalanceGuardrail
from mlrollout.api.compare import CompareGuardrail
from mlrollout.api.guardrail import Guardrail
from mlrollout.api.rate import RateGuardrail
from mlrollout.api.threshold import ThresholdGuardrail

from .balance import BalanceCheck
from .check import Check, Unmeasurable, UnmeasurableError
from .compare import CompareCheck
from .rate import RateCheck
from .threshold import ThresholdCheck

_KINDS: Mapping[type[Guardrail], type[Check[Any]]] = {
    ThresholdGuardrail: ThresholdCheck,
    RateGuardrail: RateCheck,
    CompareGuardrail: CompareCheck,
    BalanceGuardrail: BalanceCheck,
}


def kind_of(guardrail: Guardrail) -> type[Check[Any]]:
    """The kind of a guardrail."""
    return _KINDS[type(guardrail)]


def check_of(guardrail: Guardrail) -> Check[Any]:
    """The check of a guardrail, to be made once; `Unmeasurable` where it can't be measured as it is written."""
    try:
        return kind_of(guardrail)(guardrail)
    except UnmeasurableError as error:
        return Unmeasurable(guardrail, error)
