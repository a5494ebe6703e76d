"""Every kind of answer has its verdict, and nothing but a good number on good evidence passes."""

import math
from dataclasses import replace

import pytest
from mlrollout.api.spec import Requirement
from mlrollout.api.threshold import ThresholdGuardrail
from mlrollout.evidence.answer import Answer, Sample
from mlrollout.evidence.checks.check import Failure, Occasion
from mlrollout.evidence.checks.threshold import VALUE, ThresholdCheck, exceeds, judge
from mlrollout.evidence.measurement import Held, Verdict
from mlrollout.evidence.presence import COUNT, Presence, needs
from mlrollout.evidence.promql.query import Query

from tests.pure.evidence.checks.thresholds import COUNTING, FRESH, GUARDRAIL, HASTY, NOW, QUERY, look, newest, number

OCCASION = Occasion(at=NOW, stood=300.0)


TWO = Query.parse("sum(rate(x[5m])) / sum(rate(y[5m]))")


# --- what the answer alone says --------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "verdict", "said"),
    [
        (number(), Verdict.NO_DATA, "no answer, though its series live"),
        (number(math.nan), Verdict.NO_DATA, "NaN, which is no evidence"),
        (number(0.01, 0.02), Verdict.ERROR, "2 series: make them one number, for example with sum or max"),
        (number(0.9, 0.9), Verdict.ERROR, "2 series"),
        (replace(number(), kind="matrix"), Verdict.ERROR, "answers with a matrix"),
        (replace(number(), kind="string"), Verdict.ERROR, "answers with a string"),
        (replace(number(0.01), warnings=("one store is gone",)), Verdict.ERROR, "one store is gone"),
        (replace(number(0.9), warnings=("one store is gone",)), Verdict.ERROR, "counts for nothing"),
    ],
)
def test_what_is_not_one_complete_number_neither_passes_nor_breaches(
    answer: Answer, verdict: Verdict, said: str
) -> None:
    measurement = judge(look(), answer, presence=FRESH, samples=None)
    assert (measurement.verdict, measurement.value) == (verdict, None)
    assert said in measurement.message
    assert exceeds(look(), answer) is None


@pytest.mark.parametrize(
    ("low", "high", "value", "verdict"),
    [
        (None, 0.05, 0.05, Verdict.PASS),
        (None, 0.05, 0.0500001, Verdict.BREACH),
        (0.95, None, 0.95, Verdict.PASS),
        (0.95, None, 0.9499999, Verdict.BREACH),
        (1.0, 2.0, 0.999, Verdict.BREACH),
        (1.0, 2.0, 1.5, Verdict.PASS),
        (1.0, 2.0, 2.001, Verdict.BREACH),
        (None, 0.0, -0.0, Verdict.PASS),
        (None, 1.5, math.inf, Verdict.BREACH),
        (0.5, None, math.inf, Verdict.PASS),
        (None, 1.5, -math.inf, Verdict.PASS),
        (0.5, None, -math.inf, Verdict.BREACH),
    ],
)
def test_limits_belong_to_the_good_side(low: float | None, high: float | None, value: float, verdict: Verdict) -> None:
    guardrail = GUARDRAIL.model_copy(update={"min": low, "max": high})
    assert judge(look(guardrail), number(value), presence=FRESH, samples=None).verdict is verdict


def test_a_scalar_is_a_number() -> None:
    measurement = judge(look(), replace(number(0.01), kind="scalar"), presence=None, samples=None)
    assert measurement.verdict is Verdict.PASS


def test_errors_divided_by_none_are_more_than_any_limit() -> None:
    breach = exceeds(look(), number(math.inf))
    assert breach is not None
    assert breach.message == "+Inf is above max 0.05 (window 5m)"
    assert not ThresholdCheck.meets(Requirement(guardrail="error-rate", max=0.5), breach)


@pytest.mark.parametrize("guardrail", [GUARDRAIL, HASTY])
def test_a_breach_waits_for_no_companion_but_a_count_that_was_asked_for(guardrail: ThresholdGuardrail) -> None:
    assert exceeds(look(COUNTING), number(0.071)) is None
    breach = exceeds(look(guardrail), number(0.071))
    assert breach is not None
    assert (breach.verdict, breach.value, breach.samples) == (Verdict.BREACH, 0.071, None)
    assert breach.message == "0.071 is above max 0.05 (window 5m)"


@pytest.mark.parametrize("presence", [newest(), newest(NOW - 9999), replace(FRESH, now=number()), None])
@pytest.mark.parametrize("samples", [number(), number(3), number(math.nan), replace(number(), kind="matrix"), None])
def test_a_breach_stands_whatever_its_companions_say(presence: Presence | None, samples: Answer | None) -> None:
    assert judge(look(HASTY), number(0.071), presence=presence, samples=samples).verdict is Verdict.BREACH
    assert judge(look(COUNTING), number(0.071), presence=presence, samples=number(100)).verdict is Verdict.BREACH
    held = judge(look(COUNTING), number(0.071), presence=presence, samples=samples)
    assert held.verdict not in (Verdict.PASS, Verdict.BREACH)
    assert held.held is (Held.FEW if samples == number(3) else Held.UNCOUNTED)


@pytest.mark.parametrize(
    ("samples", "verdict", "held", "said"),
    [
        (number(100), Verdict.BREACH, None, "0.071 is above max 0.05 (window 5m, 100 samples)"),
        (number(99.9), Verdict.INCONCLUSIVE, Held.FEW, "(window 5m, 99 samples), but at least 100 samples are needed"),
        (number(0), Verdict.INCONCLUSIVE, Held.FEW, "(window 5m, 0 samples), but at least 100 samples are needed"),
        (number(-1), Verdict.INCONCLUSIVE, Held.FEW, "at least 100"),
        (number(math.inf), Verdict.INCONCLUSIVE, Held.UNCOUNTED, "at least 100"),
        (
            number(math.nan),
            Verdict.INCONCLUSIVE,
            Held.UNCOUNTED,
            "max 0.05 (window 5m), but its samples",
        ),
        (number(), Verdict.INCONCLUSIVE, Held.UNCOUNTED, "can't be counted"),
        (None, Verdict.INCONCLUSIVE, Held.UNCOUNTED, "were not counted"),
        (number(100, 100), Verdict.ERROR, Held.UNCOUNTED, "(minSamples.query): the query answers with 2 series"),
        (replace(number(100), warnings=("one store is gone",)), Verdict.ERROR, Held.UNCOUNTED, "one store is gone"),
    ],
)
def test_a_bad_value_is_held_back_until_it_has_enough_samples(
    samples: Answer | None, verdict: Verdict, held: Held | None, said: str
) -> None:
    measurement = judge(look(COUNTING), number(0.071), presence=FRESH, samples=samples)
    assert (measurement.verdict, measurement.held, measurement.value) == (verdict, held, 0.071)
    assert said in measurement.message


@pytest.mark.parametrize("samples", [number(100), number(3), number()])
def test_no_good_value_passes_on_a_count_whose_series_went_silent(samples: Answer) -> None:
    needed = needs(QUERY, 300.0, 120.0) + needs(Query.parse("sum(increase(y[5m])) or vector(100)"), 300.0, 120.0, COUNT)
    lives, lived = (
        Answer((Sample(value, {"selector": name}),), evaluated=NOW) for name, value in (("0", NOW), ("1 lived", 1.0))
    )
    presence = Presence(needed, 120.0, lives, lived)
    measurement = judge(look(COUNTING), number(0.01), presence=presence, samples=samples)
    assert measurement.verdict is Verdict.NO_DATA
    assert "minSamples.query: `y` has gone silent" in measurement.message


@pytest.mark.parametrize(("value", "held"), [(0.01, None), (0.07, Held.UNCOUNTED), (math.nan, None)])
def test_what_the_deadline_cuts_off_does_not_forget_the_value(value: float, held: Held | None) -> None:
    check = ThresholdCheck(COUNTING.model_copy(update={"query": QUERY.text}))
    found = check.unanswered(OCCASION, {VALUE: number(value)}, "too slow")
    assert (found.verdict, found.held) == (Verdict.ERROR, held)
    assert found.value == (None if math.isnan(value) else value)
    assert found.message.endswith("too slow")
    assert check.unanswered(OCCASION, {}, "too slow") == check.failed(OCCASION, "too slow")
    assert check.unanswered(OCCASION, {VALUE: Failure("x")}, "too slow") == check.failed(OCCASION, "too slow")


def test_a_value_inside_its_limits_is_no_breach() -> None:
    assert exceeds(look(), number(0.01)) is None


def test_a_failed_look_is_an_error_with_its_reason() -> None:
    check = ThresholdCheck(GUARDRAIL.model_copy(update={"query": QUERY.text}))
    measurement = check.failed(OCCASION, "Prometheus can't be reached")
    assert (measurement.verdict, measurement.at, measurement.reach) == (Verdict.ERROR, NOW, 300)
    assert measurement.message == "Prometheus can't be reached"


# --- how old it is ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("presence", "verdict", "said"),
    [
        (newest(NOW - 120), Verdict.PASS, ""),
        (newest(NOW - 121), Verdict.NO_DATA, "2m1s ago (maxAge is 2m)"),
        (newest(NOW - 1, NOW - 121, query=TWO), Verdict.NO_DATA, "the newest sample of `y` was taken 2m1s ago"),
        (newest(NOW - 1, lag=120.5), Verdict.NO_DATA, "2m500ms ago (maxAge is 2m)"),
        (newest(NOW - 100, lag=100.0), Verdict.NO_DATA, "3m20s ago"),
        (newest(), Verdict.NO_DATA, "`x` has gone silent: its targets are gone"),
        (newest(NOW, query=TWO), Verdict.NO_DATA, "`y` has gone silent: its targets are gone"),
        (newest(math.nan), Verdict.NO_DATA, "`x` has gone silent"),
        (newest(NOW, evaluated=None), Verdict.NO_DATA, "`x` has gone silent"),
        (newest(NOW, lag=math.nan), Verdict.NO_DATA, "at an unknown time"),
        (replace(FRESH, now=replace(FRESH.now, warnings=("one store is gone",))), Verdict.ERROR, "one store is gone"),
        (replace(FRESH, now=replace(FRESH.now, kind="string")), Verdict.ERROR, "the age of its samples is unknown"),
    ],
)
def test_good_values_of_old_samples_are_no_data(presence: Presence, verdict: Verdict, said: str) -> None:
    measurement = judge(look(), number(0.01), presence=presence, samples=None)
    assert measurement.verdict is verdict
    assert said in measurement.message
    assert measurement.value == 0.01


@pytest.mark.parametrize("value", [0.0, math.nan, None])
def test_what_died_is_named_before_anything_that_follows_from_it(value: float | None) -> None:
    answer = number() if value is None else number(value)
    measurement = judge(look(query=TWO), answer, presence=newest(NOW, query=TWO), samples=None)
    assert measurement.verdict is Verdict.NO_DATA
    assert "`y` has gone silent" in measurement.message


def test_buckets_without_le_are_told_in_words_that_help() -> None:
    query = Query.parse("histogram_quantile(0.9, sum(rate(x_bucket[5m])))")
    warned = replace(number(), warnings=('PromQL warning: bucket label "le" is missing',))
    measurement = judge(look(query=query), warned, presence=newest(NOW, query=query), samples=None)
    assert measurement.verdict is Verdict.NO_DATA
    assert "write `sum by (le) (…)` inside it" in measurement.message
    partial = replace(warned, samples=(Sample(1.0),))
    assert judge(look(query=query), partial, presence=newest(NOW, query=query), samples=None).verdict is Verdict.ERROR


def test_a_query_of_another_dialect_passes_where_its_series_live_and_says_how_it_was_read() -> None:
    query = Query.parse("sum(rate(x[5m])) default 0")
    measurement = judge(look(query=query), number(0.01), presence=newest(NOW, query=query), samples=None)
    assert measurement.verdict is Verdict.PASS
    assert "(window 5m); read word by word, as its grammar is not known here: " in measurement.message
    assert judge(look(query=query), number(0.01), presence=newest(query=query), samples=None).missing


def test_a_query_whose_series_nobody_knows_never_passes() -> None:
    measurement = judge(look(query=Query.parse("now()")), number(0.01), presence=None, samples=None)
    assert measurement.verdict is Verdict.NO_DATA
    assert "nothing shows which series it asks about" in measurement.message
    assert judge(look(query=Query.parse("time()")), number(0.01), presence=None, samples=None).verdict is Verdict.PASS


def test_a_good_value_that_was_evaluated_long_ago_is_no_data() -> None:
    measurement = judge(look(), replace(number(0.01), lag=150.0), presence=FRESH, samples=None)
    assert measurement.verdict is Verdict.NO_DATA
    assert measurement.message == (
        "0.01 is within max 0.05 (window 5m), "
        "but it was evaluated 2m30s ago (maxAge is 2m): something serves old answers"
    )


def test_evidence_begins_with_its_newest_sample_at_the_latest() -> None:
    assert judge(look(reach=0), number(0.01), presence=FRESH, samples=None).begins == NOW - 10
    assert judge(look(reach=300), number(0.01), presence=FRESH, samples=None).begins == NOW - 300


def test_evidence_that_was_evaluated_earlier_begins_earlier() -> None:
    assert judge(look(), replace(number(0.01), lag=60.0), presence=FRESH, samples=None).begins == NOW - 360
    assert judge(look(), replace(number(0.9), lag=60.0), presence=FRESH, samples=None).begins == NOW - 360


# --- how much it stands on -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("samples", "verdict", "said"),
    [
        (number(100), Verdict.PASS, "(window 5m, 100 samples)"),
        (number(99.9), Verdict.INCONCLUSIVE, "(window 5m, 99 samples), but at least 100 samples are needed"),
        (number(), Verdict.INCONCLUSIVE, "can't be counted"),
        (number(math.nan), Verdict.INCONCLUSIVE, "can't be counted"),
        (number(math.inf), Verdict.INCONCLUSIVE, "at least 100 samples are needed"),
        (number(-math.inf), Verdict.INCONCLUSIVE, "at least 100 samples are needed"),
        (None, Verdict.INCONCLUSIVE, "were not counted"),
        (number(100, 100), Verdict.ERROR, "(minSamples.query): the query answers with 2 series"),
        (replace(number(), kind="matrix"), Verdict.ERROR, "(minSamples.query)"),
        (replace(number(100), warnings=("one store is gone",)), Verdict.ERROR, "one store is gone"),
        (replace(number(100), lag=121.0), Verdict.NO_DATA, "2m1s ago"),
    ],
)
def test_a_good_value_needs_enough_samples(samples: Answer | None, verdict: Verdict, said: str) -> None:
    measurement = judge(look(COUNTING), number(0.01), presence=FRESH, samples=samples)
    assert measurement.verdict is verdict
    assert said in measurement.message


def test_the_number_of_samples_is_told_even_where_none_is_required() -> None:
    measurement = judge(look(), number(0.071), presence=FRESH, samples=number(1240.3))
    assert measurement.samples == 1240.3
    assert measurement.message == "0.071 is above max 0.05 (window 5m, 1240 samples)"


# --- a stage's stricter limit ----------------------------------------------------------------


@pytest.mark.parametrize(("value", "met"), [(0.03, True), (0.030001, False), (0.01, False), (0.02, True)])
def test_a_requirement_is_met_by_a_pass_inside_it(value: float, met: bool) -> None:  # noqa: FBT001 - a table's column
    requirement = Requirement(guardrail="error-rate", min=0.02, max=0.03)
    assert ThresholdCheck.meets(requirement, judge(look(), number(value), presence=FRESH, samples=None)) is met


def test_a_requirement_is_met_by_nothing_but_a_pass() -> None:
    requirement = Requirement(guardrail="error-rate", max=0.5)
    for measurement in (
        judge(look(), number(0.07), presence=FRESH, samples=None),
        judge(look(COUNTING), number(0.01), presence=FRESH, samples=number(1)),
        judge(look(), number(0.01), presence=newest(), samples=None),
        ThresholdCheck(GUARDRAIL).failed(OCCASION, "no answer"),
        replace(judge(look(), number(0.01), presence=FRESH, samples=None), value=None),
    ):
        assert not ThresholdCheck.meets(requirement, measurement)
