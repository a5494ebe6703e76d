"""The same for any answer that a search can think of."""

import math
from dataclasses import replace

from hypothesis import example, given
from hypothesis import strategies as st
from mlrollout.api.threshold import ThresholdGuardrail
from mlrollout.evidence.answer import Answer, Sample
from mlrollout.evidence.checks.threshold import exceeds, judge
from mlrollout.evidence.measurement import Verdict
from mlrollout.evidence.presence import COUNT, Presence, needs

from tests.pure.evidence.checks.thresholds import COUNTING, FRESH, GUARDRAIL, HASTY, NOW, QUERY, look, number

finite = st.floats(allow_nan=False, allow_infinity=False)
answers = st.builds(
    Answer,
    samples=st.lists(st.builds(Sample, st.floats() | st.sampled_from([0.01, 0.05, 0.07, NOW, 200.0])), max_size=3).map(
        tuple
    ),
    evaluated=st.none() | finite | st.just(NOW),
    lag=st.just(0.0) | st.floats(min_value=0) | st.just(math.nan),
    warnings=st.just(()) | st.just(("partial",)),
    kind=st.sampled_from(["vector", "scalar", "matrix", "string", "other"]),
)
good = st.builds(Answer, st.tuples(st.builds(Sample, finite | st.sampled_from([0.01, 0.05]))), evaluated=st.just(NOW))
bounds = st.tuples(finite, finite).map(sorted)
guardrails = st.one_of(
    st.just(COUNTING),
    st.just(HASTY),
    st.just(GUARDRAIL),
    bounds.map(lambda pair: GUARDRAIL.model_copy(update={"min": pair[0], "max": pair[1]})),
)


presences = st.builds(
    lambda answer, where: Presence(needs(QUERY, 300.0, 120.0, where), 120.0, answer),
    answers.map(
        lambda answer: replace(answer, samples=tuple(replace(s, labels={"selector": "0"}) for s in answer.samples))
    ),
    st.sampled_from(["", COUNT]),
)


def sound(answer: Answer) -> bool:
    return not answer.warnings and answer.kind in ("vector", "scalar") and answer.lag <= GUARDRAIL.max_age


def one_number(answer: Answer) -> bool:
    return sound(answer) and len(answer.samples) == 1 and not math.isnan(answer.samples[0].value)


def counted(samples: Answer | None) -> float:
    """How many samples an answer tells of; none where it does not say."""
    if samples is None or samples.warnings or samples.kind not in ("vector", "scalar") or len(samples.samples) != 1:
        return -math.inf
    count = samples.samples[0].value
    return count if math.isfinite(count) else -math.inf


def inside(guardrail: ThresholdGuardrail, value: float) -> bool:
    low = -math.inf if guardrail.min is None else guardrail.min
    return low <= value <= (math.inf if guardrail.max is None else guardrail.max)


@given(guardrails, answers | good, st.none() | presences | st.just(FRESH), st.none() | answers | st.just(number(200)))
@example(COUNTING, number(0.01), FRESH, number(200))
def test_only_a_good_number_with_good_companions_passes(
    guardrail: ThresholdGuardrail, answer: Answer, presence: Presence | None, samples: Answer | None
) -> None:
    measurement = judge(look(guardrail), answer, presence=presence, samples=samples)

    good_number = one_number(answer) and inside(guardrail, answer.samples[0].value)
    now = None if presence is None else presence.now
    alive = now is None or (
        sound(now)
        and now.evaluated is not None
        and bool(now.samples)
        and now.evaluated - now.samples[-1].value + now.lag <= GUARDRAIL.max_age
        and math.isfinite(now.evaluated - now.samples[-1].value)
    )
    not_late = samples is None or samples.lag <= GUARDRAIL.max_age
    enough = guardrail.min_samples is None or counted(samples) >= 100
    assert (measurement.verdict is Verdict.PASS) == (good_number and alive and not_late and enough)


@given(guardrails, answers | good, st.none() | presences, st.none() | answers)
@example(COUNTING, number(0.07), FRESH, number(200))
@example(COUNTING, number(0.07), FRESH, number(99))
@example(COUNTING, number(0.07), FRESH, number(math.nan))
def test_a_breach_is_told_by_the_answer_and_its_count_alone(
    guardrail: ThresholdGuardrail, answer: Answer, presence: Presence | None, samples: Answer | None
) -> None:
    measurement = judge(look(guardrail), answer, presence=presence, samples=samples)
    assert (measurement.verdict is Verdict.BREACH) == (exceeds(look(guardrail), answer, samples) is not None)
    assert measurement.held is None or measurement.verdict not in (Verdict.PASS, Verdict.BREACH)
    if measurement.value is not None:
        bad, bears = not inside(guardrail, measurement.value), guardrail is not COUNTING or counted(samples) >= 100
        assert (measurement.verdict is Verdict.BREACH) == (bad and bears)
        # A bad value is a breach or known to be held back, whatever its companions are: none is lost.
        assert (measurement.held is not None) == (bad and not bears)


@given(guardrails, good, st.none() | presences, st.integers(0, 300), st.integers(0, 300))
def test_more_samples_never_take_a_verdict_away(
    guardrail: ThresholdGuardrail, answer: Answer, presence: Presence | None, few: int, more: int
) -> None:
    first, then = (
        judge(look(guardrail), answer, presence=presence, samples=number(count)).verdict
        for count in sorted((few, more))
    )
    assert first not in (Verdict.PASS, Verdict.BREACH) or then is first


@given(guardrails, answers, st.none() | presences, st.none() | answers)
def test_a_verdict_holds_numbers_or_none(
    guardrail: ThresholdGuardrail, answer: Answer, presence: Presence | None, samples: Answer | None
) -> None:
    measurement = judge(look(guardrail), answer, presence=presence, samples=samples)
    assert measurement.message
    assert measurement.value is None or not math.isnan(measurement.value)
    assert measurement.samples is None or math.isfinite(measurement.samples)
    if measurement.verdict is Verdict.PASS:
        assert 300 <= measurement.reach <= 300 + 2 * GUARDRAIL.max_age
