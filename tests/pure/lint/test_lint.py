"""A guardrail that can't do its work is found, by its query or by what that answers; and one that can is left alone."""

import math
from dataclasses import replace
from typing import Any

import promql_parser as promql
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlrollout.api.guardrail import MinSamples
from mlrollout.api.kinds import guardrail as reader
from mlrollout.api.spec import Spec
from mlrollout.api.threshold import ThresholdGuardrail
from mlrollout.evidence.measurement import Measurement, MeasurementHistory, Verdict
from mlrollout.lint.bounds import ANYTHING, Bounds, bounds
from mlrollout.lint.finding import Level
from mlrollout.lint.lint import merged, of_guardrail, of_measurement, of_spec, warnings
from mlrollout.lint.tree import read

SHARE = 'sum(rate(d_total{group="t",status="ok"}[$window])) / sum(rate(d_total{group="t"}[$window]))'
OTHER = "sum(rate(bad_total[5m])) / sum(rate(all_total[5m]))"
ENOUGH = MinSamples(count=100, query="sum(increase(d_total[5m]))")


def guardrail(query: str, **changes: Any) -> ThresholdGuardrail:
    return ThresholdGuardrail(**{"name": "g", "query": query, "min_samples": ENOUGH, **changes})


def found(one: ThresholdGuardrail, value: float | None = None) -> list[tuple[str, str]]:
    last = () if value is None else of_measurement(one, Measurement(Verdict.PASS, 0.0, 0.0, value=value))
    return [(finding.where.removeprefix("guardrails[g]."), str(finding)) for finding in merged(of_guardrail(one), last)]


@pytest.mark.parametrize(
    ("query", "limits", "where", "said"),
    [
        (SHARE, {"max": 5}, "max", "from 0 to 1, all of them within max 5; for 5 %, write max: 0.05"),
        (SHARE, {"max": 1}, "max", "it can never be breached"),
        (SHARE, {"min": 0}, "min", "it can never be breached"),
        (SHARE, {"min": 2}, "min", "it can never pass"),
        (f"1 - {SHARE}", {"max": -0.5}, "max", "it can never pass: the query answers with numbers from 0 to 1"),
        (f"100 * {SHARE}", {"min": 0.95}, "min", "per cent, and the limit 0.95 seems to be a share; write min: 95"),
        (f"({SHARE}) * 100", {"max": 0.05}, "max", "write max: 5"),
        (f"100 - 100 * ({SHARE})", {"max": 0.05}, "max", "write max: 5"),
        (
            "100 * job:success:ratio5m",
            {"min": 0.95},
            "min",
            "per cent, and the limit 0.95 seems to be a share; write min: 95",
        ),
        ("avg(job:success:ratio5m * 100)", {"min": 0.95}, "min", "multiplied by 100"),
        ("100 - (100 * job:errors:ratio5m)", {"min": 0.95}, "min", "multiplied by 100"),
        ("100 * job:success:ratio5m or vector(100)", {"min": 0.95}, "min", "multiplied by 100"),
        ("sum(increase(x_total[5m]))", {"min": 0}, "min", "it can never be breached"),
        (
            'rate(d_total{status="ok"}[5m]) / rate(d_total[5m])',
            {"min": 0.95},
            "query",
            "each series is divided by itself, which is 1 whatever happens",
        ),
        ("rate(ok_total[5m]) / rate(all_total[5m])", {"min": 0.95}, "query", "write sum(…) / sum(…)"),
        ("a / b", {"max": 2}, "query", "only series that have all labels in common"),
    ],
)
def test_a_guardrail_that_cannot_do_its_work_is_found_by_its_query(
    query: str, limits: dict[str, float], where: str, said: str
) -> None:
    ((field, message),) = found(guardrail(query, **limits))
    assert field == where
    assert said in message


@pytest.mark.parametrize(
    ("query", "limits", "value", "where", "said"),
    [
        (f"100 * {OTHER}", {"min": 0.95}, 99.0, "min", "value 99 against limit 0.95: the query seems to answer in per"),
        (f"100 * {SHARE}", {"min": 0.95}, 100.0, "min", "value 100 against limit 0.95"),
        ("100 * job:success:ratio5m", {"min": 0.95}, 99.0, "min", "value 99 against limit 0.95"),
        ("100 * job:success:ratio5m", {"min": 1}, 99.0, "min", "value 99 against limit 1"),
        (OTHER, {"max": 5}, 0.3, "max", "value 0.3 against limit 5: the query seems to answer with a share"),
        ("avg(x_seconds)", {"max": 500}, 0.2, "max", "the limit seems to be in milliseconds; write max: 0.5"),
        ("avg(x_seconds)", {"max": 60}, 0.6, "max", "the limit seems to be in milliseconds; write max: 0.06"),
    ],
)
def test_or_by_what_it_answers(query: str, limits: dict[str, float], value: float, where: str, said: str) -> None:
    ((field, message),) = found(guardrail(query, **limits), value)
    assert field == where
    assert said in message


@pytest.mark.parametrize(
    ("query", "limits", "values"),
    [
        (SHARE, {"max": 0.05}, (0.0, 0.01, 0.9)),
        (SHARE, {"min": 0.95}, (1.0,)),
        (f"100 * {SHARE}", {"min": 95}, (99.0,)),
        (OTHER, {"max": 1.5}, (1.1, 40.0)),
        ("avg(score)", {"min": 0.6}, (0.7, 70.0)),
        ("100 * job:success:ratio5m", {"min": 95}, (99.0,)),
        ("100 * job:errors:ratio5m", {"max": 0.5}, (0.1, 2.0)),
        ("60 * job:success:ratio5m", {"min": 0.95}, (60.0,)),
        ("100 * sum(rate(x_total[5m]))", {"min": 0.5}, (20.0,)),
        ("job:success:ratio5m / (100 * y)", {"min": 0.5}, (0.6,)),
        ("sum(100 * x)", {"min": 0.5}, (20.0,)),
        ("time() - max(x_timestamp_seconds)", {"max": 3600}, (5.0,)),
        ("avg(x_seconds)", {"max": 2}, (0.001,)),
        ("avg(x_seconds)", {"max": 500}, (300.0, 20.0, 0.0, math.nan, math.inf)),
        ("avg(x_seconds)", {"max": 60}, (1.0,)),
        ("sum(rate(x_total[5m]))", {"max": 0.05}, (0.0,)),
        ("a / on (job) b", {"max": 2}, (1.5,)),
        ("sum(a) / 2", {"max": 2}, (1.5,)),
        ("x default 0", {"max": 5}, (0.1,)),
        (f"({OTHER}) or vector(0)", {"max": 0.05}, (0.0,)),
    ],
)
def test_one_that_can_is_left_alone(query: str, limits: dict[str, float], values: tuple[float, ...]) -> None:
    for value in values:
        assert found(guardrail(query, **limits), value) == []


@pytest.mark.parametrize(
    ("query", "remedy"),
    [
        (SHARE, "give minSamples, or write it as `rate`, which needs none"),
        ("sum(rate(score_sum[5m])) / sum(rate(score_count[5m]))", "give minSamples"),
    ],
)
def test_a_ratio_of_counters_needs_enough_samples(query: str, remedy: str) -> None:
    ((where, message),) = found(guardrail(query, max=0.5, min_samples=None))
    assert where == "minSamples"
    assert message.endswith(remedy)


def test_what_is_no_ratio_needs_none() -> None:
    assert of_guardrail(guardrail("avg(score)", min=0.6, min_samples=None)) == ()


def test_instead_of_a_quantile_an_edge_is_proposed_that_can_be_written_so() -> None:
    query = 'histogram_quantile(0.95, sum by (le) (rate(x_seconds_bucket{group="t",a=~"b|c"}[$window])))'
    (finding,) = of_guardrail(guardrail(query, max=2))
    assert finding.level is Level.ADVICE
    assert finding.remedy == (
        "ask how many lie above an edge of them: "
        """rate: {histogram: 'x_seconds_bucket{group="t",a=~"b|c"}', above: "2", max: 0.05}"""
    )
    rate = {"histogram": 'x_seconds_bucket{group="t",a=~"b|c"}', "above": "2", "max": 0.05}
    reader.validate_python({"name": "slow", "rate": rate})
    assert of_guardrail(guardrail(query, min=0.1)) == ()


def test_a_query_that_is_no_evidence_is_an_error() -> None:
    (finding,) = of_guardrail(guardrail("x > 5", max=1))
    assert (finding.level, finding.where) == (Level.ERROR, "guardrails[g].query")


def test_of_one_field_people_hear_once_and_with_the_value() -> None:
    doubtful = guardrail(f"100 * {SHARE}", min=0.95)
    spec = Spec.model_validate({"revision": "r", "traffic": {"key": "k"}, "guardrails": [doubtful]})
    measured = MeasurementHistory(doubtful).add(Measurement(Verdict.PASS, 0.0, 0.0, value=100.0))
    (plain,), (valued,) = warnings(spec, {}), warnings(spec, {"g": measured})
    assert plain == of_spec(spec)[0]
    assert "value 100 against limit 0.95" in valued.message
    stale = MeasurementHistory(guardrail(SHARE, min=0.95)).add(Measurement(Verdict.PASS, 0.0, 0.0, value=100.0))
    assert warnings(spec, {"g": stale}) == (plain,)
    assert of_measurement(doubtful, Measurement(Verdict.NO_DATA, 0.0, 0.0)) == ()


# --- bounds ----------------------------------------------------------------------------------

NUMBERS = st.integers(-5, 5).map(lambda number: (f"({number})", float(number)))


def joined(inner: st.SearchStrategy[tuple[str, float]]) -> st.SearchStrategy[tuple[str, float]]:
    def join(left: tuple[str, float], op: str, right: tuple[str, float]) -> tuple[str, float]:
        value = {"+": left[1] + right[1], "-": left[1] - right[1], "*": left[1] * right[1]}.get(op)
        if value is None:
            value = left[1] / right[1] if right[1] else math.nan
        return f"({left[0]} {op} {right[0]})", value

    return st.builds(join, inner, st.sampled_from("+-*/"), inner)


@given(st.recursive(NUMBERS, joined, max_leaves=12))
def test_what_numbers_come_to_lies_within_their_bounds(expression: tuple[str, float]) -> None:
    text, value = expression
    possible = bounds(promql.parse(text), {})
    assert math.isnan(value) or possible.low - 1e-6 <= value <= possible.high + 1e-6


@pytest.mark.parametrize(
    ("query", "low", "high"),
    [
        ("up", 0, 1),
        ("x_total", 0, math.inf),
        ("avg(up)", 0, 1),
        ("count(x)", 0, math.inf),
        ("sum(x_count)", 0, math.inf),
        ("x > bool 5", 0, 1),
        ("up and x", 0, 1),
        ("up or vector(5)", 0, 5),
        ("vector(3) - up", 2, 3),
        ("histogram_fraction(0, 1, x)", 0, 1),
        ("changes(x[5m])", 0, math.inf),
        ('(sum(rate(d_total{s="f"}[5m])) or vector(0)) / sum(rate(d_total[5m]))', 0, 1),
        ('sum by (a) (d_total{s="f"}) / sum by (a) (d_total)', 0, 1),
        ('sum(rate(d_total{s="f"}[5m])) / sum(rate(d_total{s="g"}[5m]))', 0, math.inf),
        ("sum(rate(d_total[5m])) / sum(rate(d_total[1m]))", 0, math.inf),
        ("d_total * e_total / f_total", 0, math.inf),
        ("sum(rate(d_total[5m])) / sum(rate(e_total[5m]))", 0, math.inf),
        ("sum(rate(d_total[5m])) / sum(rate(d_total[5m] offset 1h))", 0, math.inf),
        ("sum(rate(d_total[5m])) / sum(increase(d_total[5m]))", 0, math.inf),
    ],
)
def test_what_a_query_can_answer(query: str, low: float, high: float) -> None:
    assert bounds_of(query) == Bounds(low, high)


@pytest.mark.parametrize(
    "query",
    [
        *("x", "sum(x)", "-up", "up ^ 2", "stddev(up)", "max_over_time(up[5m])", "abs(x)"),
        '(sum(rate(d_total{s="f"}[5m])) or x) / sum(rate(d_total[5m]))',
    ],
)
def test_what_is_not_known_may_be_anything(query: str) -> None:
    assert bounds_of(query) == ANYTHING


def bounds_of(query: str) -> Bounds:
    found = read(query)
    assert found is not None
    return bounds(*found)


@pytest.mark.parametrize(
    ("changes", "compare", "warned"),
    [
        ({}, {}, True),
        ({"traffic": {"key": "k", "holdback": 5}}, {}, False),
        ({}, {"max": 0.1}, False),
        ({"stages": [{"name": "half", "percentage": 50, "duration": "1h"}]}, {}, False),
    ],
)
def test_a_comparison_that_loses_its_control_is_told_ahead(
    changes: dict[str, Any], compare: dict[str, Any], *, warned: bool
) -> None:
    one = {"name": "worse", "compare": {"bad": "bad_total", "all": "all_total", "ratio": 1.5, **compare}}
    asked = Spec.model_validate({"revision": "r", "traffic": {"key": "k"}, "guardrails": [one], **changes})
    said = [str(finding) for finding in of_spec(asked)]
    assert any("at 100 % there is no control to compare with" in each for each in said) is warned


@pytest.mark.parametrize(
    ("ahead", "said"),
    [
        (
            -30.0,
            "the clock of their Prometheus is more than 30s behind the operator's: the last samples of a block come",
        ),
        (30.0, "the clock of their Prometheus is more than 30s ahead of the operator's: what is counted is older"),
    ],
)
def test_clocks_that_are_apart_are_told_once_for_all_guardrails(ahead: float, said: str) -> None:
    rate = {"bad": 'x_total{status="failure"}', "all": "x_total", "max": 0.05}
    raws = [{"name": name, "rate": rate} for name in ("a", "b")]
    spec = Spec.model_validate({"revision": "1", "traffic": {"key": "k"}, "guardrails": raws})
    apart = Measurement(Verdict.PASS, 0.0, 0.0, value=0.01, ahead=ahead)
    histories = {one.name: MeasurementHistory(one).add(apart) for one in spec.guardrails}

    (finding,) = warnings(spec, histories)
    assert (finding.where, finding.message.startswith(said)) == ("guardrails", True)
    well = {one.name: MeasurementHistory(one).add(replace(apart, ahead=0.0)) for one in spec.guardrails}
    assert warnings(spec, well) == ()
