"""What a spec shows of itself, and what its guardrails' answers show of them."""

from collections.abc import Iterable, Mapping
from functools import lru_cache

from mlrollout.api.compare import CompareGuardrail
from mlrollout.api.duration import rough
from mlrollout.api.guardrail import Guardrail
from mlrollout.api.spec import Spec
from mlrollout.api.threshold import ThresholdGuardrail
from mlrollout.evidence.checks.check import Unmeasurable
from mlrollout.evidence.checks.compare import without_control
from mlrollout.evidence.checks.kinds import check_of
from mlrollout.evidence.measurement import Measurement, MeasurementHistory

from .finding import Finding, Level
from .selectors import at_zero, by_selectors
from .threshold import by_answer, by_query

_REMEMBERED = 1024


def of_spec(spec: Spec) -> tuple[Finding, ...]:
    """What can be said of a spec before anything is asked."""
    return tuple(finding for one in spec.guardrails for finding in (*of_guardrail(one), *_of_stages(one, spec)))


def _of_stages(guardrail: Guardrail, spec: Spec) -> tuple[Finding, ...]:
    """What only the stages show of a guardrail."""
    why = without_control(guardrail, spec) if isinstance(guardrail, CompareGuardrail) else ""
    blind = (Finding(Level.WARNING, f"guardrails[{guardrail.name}].compare", why),) if why else ()
    return (*blind, *at_zero(guardrail, spec))


@lru_cache(maxsize=_REMEMBERED)
def of_guardrail(guardrail: Guardrail) -> tuple[Finding, ...]:
    """The same of one guardrail; remembered, for a query takes its time to read."""
    check = check_of(guardrail)
    if isinstance(check, Unmeasurable):
        return (Finding(Level.ERROR, f"guardrails[{guardrail.name}].{check.where}", check.reason),)
    return tuple(by_query(guardrail) if isinstance(guardrail, ThresholdGuardrail) else by_selectors(guardrail))


def of_measurement(guardrail: Guardrail, measurement: Measurement) -> tuple[Finding, ...]:
    """What a measurement shows of its guardrail."""
    if measurement.ahead:
        return (_clocks(measurement.ahead),)
    if measurement.value is None or not isinstance(guardrail, ThresholdGuardrail):
        return ()
    return tuple(by_answer(guardrail, measurement.value))


def _clocks(ahead: float) -> Finding:
    """That two clocks are apart by which the same blocks are counted; of all guardrails the same."""
    if ahead < 0:
        where, so = "behind", "the last samples of a block come when it was counted already, and never count"
    else:
        where, so = "ahead of", "what is counted is older than it seems, and a failure is found that much later"
    message = f"the clock of their Prometheus is more than {rough(abs(ahead))} {where} the operator's: {so}"
    return Finding(Level.WARNING, "guardrails", message, "have both set by NTP")


def warnings(spec: Spec, measurements: Mapping[str, MeasurementHistory]) -> tuple[Finding, ...]:
    """What somebody who has applied a spec should hear: of each field one thing, with a value where there is one.

    Errors are told by themselves, and advice is asked for.
    """
    measured = ((guardrail, measurements.get(guardrail.name)) for guardrail in spec.guardrails)
    shown = (
        of_measurement(guardrail, history.last)
        for guardrail, history in measured
        if history is not None and history.last is not None and history.guardrail == guardrail
    )
    return tuple(finding for finding in merged(of_spec(spec), *shown) if finding.level is Level.WARNING)


def merged(*found: Iterable[Finding]) -> tuple[Finding, ...]:
    """Of each field and level one finding, the last: what an answer shows says more than the query alone."""
    return tuple({(finding.where, finding.level): finding for each in found for finding in each}.values())
