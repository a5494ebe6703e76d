"""From answers to a verdict: pure and total.

Down is always allowed and up must be earned: a value outside its limits is a breach whatever its
companions say, and one inside them passes only if every companion is good. An answer that Prometheus
itself calls partial says nothing in either direction, though: what it lacks may be what was counted
as well as what it was divided by.
"""

import math
from dataclasses import dataclass, replace

from mlrollout.api.spec import Guardrail, Requirement
from mlrollout.domain.verdict import Finding, Verdict

from . import wording
from .answer import Answer

_NUMERIC = frozenset({"vector", "scalar"})


@dataclass(frozen=True, slots=True)
class Look:
    """One evaluation of a guardrail, before its outcome is known.

    Attributes:
        guardrail: What is looked at.
        at: When its queries were sent, seconds since the epoch by the operator's clock.
        reach: How many seconds before its evaluation the query's evidence begins.
    """

    guardrail: Guardrail
    at: float
    reach: float


@dataclass(frozen=True, slots=True)
class _Doubt:
    """Why a look neither passes nor breaches."""

    finding: Finding
    reason: str


def judge(look: Look, answer: Answer, *, newest: Answer | None, samples: Answer | None) -> Verdict:
    """The verdict on a look.

    Args:
        look: What was asked, and when.
        answer: What the guardrail's query answered.
        newest: What `Query.newest` answered; `None` only where the query has no selector.
        samples: What `minSamples.query` answered; `None` only where the guardrail has none.
    """
    useless = _useless(answer)
    if useless:
        return Verdict(useless.finding, look.at, look.reach, message=useless.reason)
    breach = exceeds(look, answer, samples)
    if breach:
        return breach
    doubt = _stale(look, answer, newest, samples) or _too_few(look, samples)
    if doubt:
        return _verdict(doubt.finding, look, answer, samples, but=f", but {doubt.reason}")
    # The evidence begins with its newest sample at the latest, however short the query's window is.
    age = _age(newest) if newest else 0.0
    return _verdict(Finding.PASS, replace(look, reach=max(look.reach, age)), answer, samples)


def exceeds(look: Look, answer: Answer, samples: Answer | None = None) -> Verdict | None:
    """The breach that an answer shows by itself, so that nobody need wait for its companions; else `None`."""
    if _useless(answer) or _inside(look.guardrail, answer.samples[0].value):
        return None
    return _verdict(Finding.BREACH, look, answer, samples)


def failed(look: Look, reason: str) -> Verdict:
    """The verdict on a look that got no answer."""
    return Verdict(Finding.ERROR, look.at, look.reach, message=reason)


def meets(requirement: Requirement, verdict: Verdict) -> bool:
    """Whether a look passed with a value inside a stage's stricter limit, too."""
    return verdict.finding is Finding.PASS and verdict.value is not None and _inside(requirement, verdict.value)


def _verdict(finding: Finding, look: Look, answer: Answer, samples: Answer | None, *, but: str = "") -> Verdict:
    value = answer.samples[0].value
    count = None if samples is None or _useless(samples) else samples.samples[0].value
    message = wording.line(look.guardrail, value, look.reach, count) + but
    return Verdict(finding, look.at, look.reach + answer.lag, value, count, message)


def _inside(limits: Guardrail | Requirement, value: float) -> bool:
    return (limits.min is None or limits.min <= value) and (limits.max is None or value <= limits.max)


def _useless(answer: Answer) -> _Doubt | None:
    """Why an answer is not one finite number."""
    if unread := _unread(answer):
        return unread
    if not answer.samples:
        return _Doubt(
            Finding.NO_DATA,
            "the query has no answer: no series matches it now; check its labels, and that its target is scraped",
        )
    if len(answer.samples) > 1:
        return _Doubt(
            Finding.ERROR,
            f"the query answers with {len(answer.samples)} series: make them one number, for example with sum or max",
        )
    if not math.isfinite(answer.samples[0].value):
        return _Doubt(
            Finding.NO_DATA,
            f"the query's answer is {answer.samples[0].value}, which is no evidence: there was nothing to divide by, "
            "or nothing observed",
        )
    return None


def _unread(answer: Answer) -> _Doubt | None:
    """Why an answer's samples can't be relied on, however many there are."""
    if answer.warnings:
        return _Doubt(Finding.ERROR, f"the answer may be partial and counts for nothing: {answer.warnings[0]}")
    if answer.kind not in _NUMERIC:
        return _Doubt(Finding.ERROR, f"the query answers with a {answer.kind}: make it one number")
    return None


def _stale(look: Look, answer: Answer, newest: Answer | None, samples: Answer | None) -> _Doubt | None:
    """Why an answer may be about a time that is over."""
    limit = look.guardrail.max_age
    for each in (answer, newest, samples):
        if each is not None and not each.lag <= limit:
            return _Doubt(
                Finding.NO_DATA, f"it was evaluated {wording.ago(each.lag, limit)}: something serves old answers"
            )
    if newest is None:
        return None
    if unread := _unread(newest):
        return _Doubt(unread.finding, f"the age of its samples is unknown: {unread.reason}")
    if not newest.samples:
        return _Doubt(
            Finding.NO_DATA,
            "none of its series has a sample any more: their targets are gone, or silent for longer than "
            "the lookback of Prometheus (5m unless set)",
        )
    age = _age(newest)
    if age > limit:
        return _Doubt(Finding.NO_DATA, f"its newest sample was taken {wording.ago(age, limit)}: is its target scraped?")
    return None


def _age(newest: Answer) -> float:
    """Seconds since the newest sample of the selector that has been silent for longest."""
    if newest.evaluated is None:
        return math.inf
    ages = [newest.evaluated - sample.value + newest.lag for sample in newest.samples]
    return max(ages) if all(math.isfinite(age) for age in ages) else math.inf


def _too_few(look: Look, samples: Answer | None) -> _Doubt | None:
    """Why an answer does not stand on enough samples."""
    wanted = look.guardrail.min_samples
    if wanted is None:
        return None
    if samples is None:
        return _Doubt(Finding.INCONCLUSIVE, "its samples were not counted")
    if useless := _useless(samples):
        finding = Finding.ERROR if useless.finding is Finding.ERROR else Finding.INCONCLUSIVE
        return _Doubt(finding, f"its samples can't be counted (minSamples.query): {useless.reason}")
    if samples.samples[0].value < wanted.count:
        return _Doubt(Finding.INCONCLUSIVE, f"at least {wanted.count} samples are needed")
    return None
