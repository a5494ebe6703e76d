"""Every kind of answer has its verdict, and nothing but a good number on good evidence passes."""

import math
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mlrollout.api.spec import Guardrail, MinSamples, Requirement
from mlrollout.domain.verdict import Finding
from mlrollout.evidence.answer import Answer, Sample
from mlrollout.evidence.judge import Look, exceeds, failed, judge, meets

NOW = 1_700_000_000.0
GUARDRAIL = Guardrail(name="error-rate", query="x", max=0.05, max_age=120.0)
COUNTING = GUARDRAIL.model_copy(update={"min_samples": MinSamples(count=100, query="y")})
FRESH = Answer((Sample(NOW - 10),), evaluated=NOW)


def look(guardrail: Guardrail = GUARDRAIL, reach: float = 300.0) -> Look:
    return Look(guardrail, at=NOW, reach=reach)


def number(*values: float) -> Answer:
    return Answer(tuple(Sample(value) for value in values), evaluated=NOW)


# --- what the answer alone says --------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "finding", "said"),
    [
        (number(), Finding.NO_DATA, "no series matches it"),
        (number(math.nan), Finding.NO_DATA, "nan, which is no evidence"),
        (number(math.inf), Finding.NO_DATA, "inf, which is no evidence"),
        (number(-math.inf), Finding.NO_DATA, "-inf, which is no evidence"),
        (number(0.01, 0.02), Finding.ERROR, "2 series: make them one number, for example with sum or max"),
        (number(0.9, 0.9), Finding.ERROR, "2 series"),
        (replace(number(), kind="matrix"), Finding.ERROR, "answers with a matrix"),
        (replace(number(), kind="string"), Finding.ERROR, "answers with a string"),
        (replace(number(0.01), warnings=("one store is gone",)), Finding.ERROR, "one store is gone"),
        (replace(number(0.9), warnings=("one store is gone",)), Finding.ERROR, "counts for nothing"),
    ],
)
def test_what_is_not_one_complete_number_neither_passes_nor_breaches(
    answer: Answer, finding: Finding, said: str
) -> None:
    verdict = judge(look(), answer, newest=FRESH, samples=None)
    assert (verdict.finding, verdict.value) == (finding, None)
    assert said in verdict.message
    assert exceeds(look(), answer) is None


@pytest.mark.parametrize(
    ("low", "high", "value", "finding"),
    [
        (None, 0.05, 0.05, Finding.PASS),
        (None, 0.05, 0.0500001, Finding.BREACH),
        (0.95, None, 0.95, Finding.PASS),
        (0.95, None, 0.9499999, Finding.BREACH),
        (1.0, 2.0, 0.999, Finding.BREACH),
        (1.0, 2.0, 1.5, Finding.PASS),
        (1.0, 2.0, 2.001, Finding.BREACH),
        (None, 0.0, -0.0, Finding.PASS),
    ],
)
def test_limits_belong_to_the_good_side(low: float | None, high: float | None, value: float, finding: Finding) -> None:
    guardrail = GUARDRAIL.model_copy(update={"min": low, "max": high})
    assert judge(look(guardrail), number(value), newest=FRESH, samples=None).finding is finding


def test_a_scalar_is_a_number() -> None:
    verdict = judge(look(), replace(number(0.01), kind="scalar"), newest=None, samples=None)
    assert verdict.finding is Finding.PASS


def test_a_breach_waits_for_no_companion() -> None:
    breach = exceeds(look(COUNTING), number(0.071))
    assert breach is not None
    assert (breach.finding, breach.value, breach.samples) == (Finding.BREACH, 0.071, None)
    assert breach.message == "0.071 is above max 0.05 (window 5m)"


@pytest.mark.parametrize("newest", [number(), number(NOW - 9999), replace(FRESH, warnings=("partial",)), None])
@pytest.mark.parametrize("samples", [number(), number(3), number(math.nan), replace(number(), kind="matrix"), None])
def test_a_breach_stands_whatever_its_companions_say(newest: Answer | None, samples: Answer | None) -> None:
    assert judge(look(COUNTING), number(0.071), newest=newest, samples=samples).finding is Finding.BREACH


def test_a_value_inside_its_limits_is_no_breach() -> None:
    assert exceeds(look(), number(0.01)) is None


def test_a_failed_look_is_an_error_with_its_reason() -> None:
    verdict = failed(look(), "Prometheus can't be reached")
    assert (verdict.finding, verdict.at, verdict.reach) == (Finding.ERROR, NOW, 300)
    assert verdict.message == "Prometheus can't be reached"


# --- how old it is ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("newest", "finding", "said"),
    [
        (number(NOW - 120), Finding.PASS, ""),
        (number(NOW - 121), Finding.NO_DATA, "2m1s ago (maxAge is 2m)"),
        (number(NOW - 1, NOW - 121), Finding.NO_DATA, "2m1s ago"),
        (replace(number(NOW - 1), lag=120.5), Finding.NO_DATA, "2m500ms ago (maxAge is 2m)"),
        (replace(number(NOW - 100), lag=100.0), Finding.NO_DATA, "3m20s ago"),
        (number(), Finding.NO_DATA, "targets are gone"),
        (number(NOW, math.nan), Finding.NO_DATA, "at an unknown time"),
        (replace(FRESH, evaluated=None), Finding.NO_DATA, "at an unknown time"),
        (replace(FRESH, lag=math.nan), Finding.NO_DATA, "at an unknown time"),
        (replace(FRESH, warnings=("one store is gone",)), Finding.ERROR, "one store is gone"),
        (replace(FRESH, kind="string"), Finding.ERROR, "the age of its samples is unknown"),
    ],
)
def test_good_values_of_old_samples_are_no_data(newest: Answer, finding: Finding, said: str) -> None:
    verdict = judge(look(), number(0.01), newest=newest, samples=None)
    assert verdict.finding is finding
    assert said in verdict.message
    assert verdict.value == 0.01


def test_a_good_value_that_was_evaluated_long_ago_is_no_data() -> None:
    verdict = judge(look(), replace(number(0.01), lag=150.0), newest=FRESH, samples=None)
    assert verdict.finding is Finding.NO_DATA
    assert verdict.message == (
        "0.01 is within max 0.05 (window 5m), "
        "but it was evaluated 2m30s ago (maxAge is 2m): something serves old answers"
    )


def test_evidence_begins_with_its_newest_sample_at_the_latest() -> None:
    assert judge(look(reach=0), number(0.01), newest=FRESH, samples=None).begins == NOW - 10
    assert judge(look(reach=300), number(0.01), newest=FRESH, samples=None).begins == NOW - 300


def test_evidence_that_was_evaluated_earlier_begins_earlier() -> None:
    assert judge(look(), replace(number(0.01), lag=60.0), newest=FRESH, samples=None).begins == NOW - 360
    assert judge(look(), replace(number(0.9), lag=60.0), newest=FRESH, samples=None).begins == NOW - 360


# --- how much it stands on -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("samples", "finding", "said"),
    [
        (number(100), Finding.PASS, "(window 5m, 100 samples)"),
        (number(99.9), Finding.INCONCLUSIVE, "(window 5m, 99 samples), but at least 100 samples are needed"),
        (number(), Finding.INCONCLUSIVE, "can't be counted"),
        (number(math.nan), Finding.INCONCLUSIVE, "can't be counted"),
        (number(math.inf), Finding.INCONCLUSIVE, "can't be counted"),
        (None, Finding.INCONCLUSIVE, "were not counted"),
        (number(100, 100), Finding.ERROR, "(minSamples.query): the query answers with 2 series"),
        (replace(number(), kind="matrix"), Finding.ERROR, "(minSamples.query)"),
        (replace(number(100), warnings=("one store is gone",)), Finding.ERROR, "one store is gone"),
        (replace(number(100), lag=121.0), Finding.NO_DATA, "2m1s ago"),
    ],
)
def test_a_good_value_needs_enough_samples(samples: Answer | None, finding: Finding, said: str) -> None:
    verdict = judge(look(COUNTING), number(0.01), newest=FRESH, samples=samples)
    assert verdict.finding is finding
    assert said in verdict.message


def test_the_number_of_samples_is_told_even_where_none_is_required() -> None:
    verdict = judge(look(), number(0.071), newest=FRESH, samples=number(1240.3))
    assert verdict.samples == 1240.3
    assert verdict.message == "0.071 is above max 0.05 (window 5m, 1240 samples)"


# --- a stage's stricter limit ----------------------------------------------------------------


@pytest.mark.parametrize(("value", "met"), [(0.03, True), (0.030001, False), (0.01, False), (0.02, True)])
def test_a_requirement_is_met_by_a_pass_inside_it(value: float, met: bool) -> None:  # noqa: FBT001 - a table's column
    requirement = Requirement(guardrail="error-rate", min=0.02, max=0.03)
    assert meets(requirement, judge(look(), number(value), newest=FRESH, samples=None)) is met


def test_a_requirement_is_met_by_nothing_but_a_pass() -> None:
    requirement = Requirement(guardrail="error-rate", max=0.5)
    for verdict in (
        judge(look(), number(0.07), newest=FRESH, samples=None),
        judge(look(COUNTING), number(0.01), newest=FRESH, samples=number(1)),
        judge(look(), number(0.01), newest=number(), samples=None),
        failed(look(), "no answer"),
        replace(judge(look(), number(0.01), newest=FRESH, samples=None), value=None),
    ):
        assert not meets(requirement, verdict)


# --- for any answer --------------------------------------------------------------------------

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
    st.just(GUARDRAIL),
    bounds.map(lambda pair: GUARDRAIL.model_copy(update={"min": pair[0], "max": pair[1]})),
)


def sound(answer: Answer) -> bool:
    return not answer.warnings and answer.kind in ("vector", "scalar") and answer.lag <= GUARDRAIL.max_age


def one_number(answer: Answer) -> bool:
    return sound(answer) and len(answer.samples) == 1 and math.isfinite(answer.samples[0].value)


def inside(guardrail: Guardrail, value: float) -> bool:
    low = -math.inf if guardrail.min is None else guardrail.min
    return low <= value <= (math.inf if guardrail.max is None else guardrail.max)


@given(guardrails, answers | good, st.none() | answers | st.just(FRESH), st.none() | answers | st.just(number(200)))
@example(COUNTING, number(0.01), FRESH, number(200))
def test_only_a_good_number_with_good_companions_passes(
    guardrail: Guardrail, answer: Answer, newest: Answer | None, samples: Answer | None
) -> None:
    verdict = judge(look(guardrail), answer, newest=newest, samples=samples)

    good_number = one_number(answer) and inside(guardrail, answer.samples[0].value)
    alive = newest is None or (
        sound(newest)
        and newest.evaluated is not None
        and bool(newest.samples)
        and all(newest.evaluated - sample.value + newest.lag <= GUARDRAIL.max_age for sample in newest.samples)
    )
    not_late = samples is None or samples.lag <= GUARDRAIL.max_age
    enough = guardrail is not COUNTING or (
        samples is not None and one_number(samples) and samples.samples[0].value >= 100
    )
    assert (verdict.finding is Finding.PASS) == (good_number and alive and not_late and enough)


@given(guardrails, answers | good, st.none() | answers, st.none() | answers)
def test_a_breach_is_told_by_the_answer_alone(
    guardrail: Guardrail, answer: Answer, newest: Answer | None, samples: Answer | None
) -> None:
    verdict = judge(look(guardrail), answer, newest=newest, samples=samples)
    assert (verdict.finding is Finding.BREACH) == (exceeds(look(guardrail), answer) is not None)
    if verdict.value is not None:
        assert (verdict.finding is Finding.BREACH) == (not inside(guardrail, verdict.value))


@given(guardrails, answers, st.none() | answers, st.none() | answers)
def test_a_verdict_holds_finite_numbers_or_none(
    guardrail: Guardrail, answer: Answer, newest: Answer | None, samples: Answer | None
) -> None:
    verdict = judge(look(guardrail), answer, newest=newest, samples=samples)
    assert verdict.message
    assert all(number is None or math.isfinite(number) for number in (verdict.value, verdict.samples))
    if verdict.finding is Finding.PASS:
        assert 300 <= verdict.reach <= 300 + 2 * GUARDRAIL.max_age
