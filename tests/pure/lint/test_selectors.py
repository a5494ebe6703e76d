"""What selectors of counters show of themselves, and a stage without users."""

from typing import Any

import pytest
from mlrollout.api.kinds import guardrail
from mlrollout.api.spec import Spec
from mlrollout.lint.finding import Level
from mlrollout.lint.lint import of_guardrail, of_spec
from mlrollout.lint.selectors import SelectorField, by_selectors

T = 'd_total{group="treatment"}'
BAD = 'd_total{group="treatment",status="failure"}'


def rate(**fields: Any) -> dict[str, Any]:
    return {"name": "g", "rate": {"max": 0.05, **fields}}


def compare(**fields: Any) -> dict[str, Any]:
    return {"name": "g", "compare": {"ratio": 1.5, **fields}}


FINE = [
    rate(bad=BAD, all=T),
    rate(histogram='s_bucket{group="treatment"}', above="2"),
    compare(bad='d_total{status="failure"}', all="d_total"),
    compare(histogram="s_bucket", above="2"),
    compare(sum="score_sum", count="score_count"),
    {"name": "g", "balance": {"users": 'users_total{app="a"}'}},
    rate(bad='{__name__="bad", group="treatment"}', all='{group="treatment"}'),
    rate(bad='{__name__="d_total", group="treatment", status="failure"}', all=T),
    rate(bad=BAD, all="d_total{group='treatment'}"),
    rate(bad=BAD, all="d_total{group=`treatment`}"),
    rate(bad=BAD, all='d_total{group="treatment",status=~"success|failure"}'),
    rate(
        bad='d_total{group="treatment",status=~"failure|timeout"}', all='d_total{group="treatment",status!="skipped"}'
    ),
    rate(bad=BAD, all='d_total{group="treatment",status!~"skipped|ignored"}'),
    rate(bad=BAD, all='d_total{group="treatment",status=~".+"}'),
    rate(bad='d_total{group="treatment",code=~"5.."}', all='d_total{group="treatment",code=~".*"}'),
    rate(bad='d_total{code=~"5..",app=~"a.*"}', all='d_total{app=~"a.*"}'),
    compare(bad='s_bucket{le="3.0"}', all='s_bucket{le="+Inf"}'),
    compare(bad='s_bucket{le="3.0",app="a"}', all='s_count{app="a"}'),
    rate(bad=r"""d_total{a="x\"y",s="f"}""", all=r"""d_total{a='x"y'}"""),
]


@pytest.mark.parametrize("raw", FINE)
def test_selectors_that_belong_together_are_left_alone(raw: dict[str, Any]) -> None:
    assert of_guardrail(guardrail.validate_python(raw)) == ()


WRONG = [
    (rate(bad=T, all=T), "rate.bad", "it is the same as `all`: every event is a bad one"),
    (rate(bad="d_total{group='treatment'}", all=T), "rate.bad", "it is the same as `all`: every event is a bad one"),
    (rate(bad=BAD, all='d_total{group="treatment",status="ok"}'), "rate.bad", 'for status="ok": no event is in both'),
    (rate(bad=BAD, all='d_total{group="control"}'), "rate.bad", 'which asks for group="control": no event is in both'),
    (rate(bad=BAD, all='d_total{group="treatment",status!="failure"}'), "rate.bad", "no event is in both"),
    (
        rate(
            bad='d_total{group="treatment",status=~"failure|skipped"}',
            all='d_total{group="treatment",status!="skipped"}',
        ),
        "rate.bad",
        'give `bad` status!="skipped", too',
    ),
    (
        rate(bad='d_total{group="treatment",code=~"5.."}', all='d_total{group="treatment",code=~"[25].."}'),
        "rate.bad",
        'give `bad` code=~"[25]..", too',
    ),
    (rate(bad=BAD, all='d_total{group="treatment",status=~"[fs].*"}'), "rate.bad", 'give `bad` status=~"[fs].*", too'),
    (rate(bad='x_total{status="failure"}', all=T), "rate.bad", 'give `bad` group="treatment", too'),
    (rate(bad=BAD, all="d_total"), "rate.all", 'it counts every group, and `bad` group="treatment" alone'),
    (compare(bad='s_bucket{le="+Inf"}', all='s_bucket{le="3.0"}'), "compare.bad", "no event is in both"),
    (compare(bad='s_bucket{le="3.0"}', all='s_bucket{le="3.0"}'), "compare.bad", "it is the same as `all`"),
    (compare(bad='s_bucket{le="3.0"}', all='t_bucket{le="+Inf"}'), "compare.bad", "no event is in both"),
    (compare(bad='s_bucket{le="three"}', all='s_bucket{le="+Inf"}'), "compare.bad", "no event is in both"),
    (compare(bad='s_bucket{le="3.0",app="a"}', all='s_count{app="b"}'), "compare.bad", "no event is in both"),
    (rate(histogram='s_bucket{le="2"}', above="2"), "rate.histogram", "leave `le` out"),
    (rate(histogram="seconds", above="2"), "rate.histogram", "write seconds_bucket"),
    (rate(histogram="seconds_count", above="2"), "rate.histogram", "write seconds_bucket"),
    (compare(histogram="seconds", above="2"), "compare.histogram", "write seconds_bucket"),
    (compare(sum="score_sum", count="seconds_count"), "compare.sum", "are not sum and count of the same values"),
    (compare(sum='a_sum{x="1"}', count="a_count"), "compare.sum", 'a_sum{x="1"} and a_count are not sum and count'),
    (
        compare(bad='d_total{status="failure"}', all="d_total", ratio=150),
        "compare.ratio",
        "for 150 %, write ratio: 1.5",
    ),
    ({"name": "g", "balance": {"users": T}}, "balance.users", "leave `group` out"),
]


@pytest.mark.parametrize(("raw", "where", "said"), WRONG)
def test_selectors_that_do_not_are_warned_of(raw: dict[str, Any], where: str, said: str) -> None:
    (finding,) = of_guardrail(guardrail.validate_python(raw))
    assert (finding.level, finding.where) == (Level.WARNING, f"guardrails[g].{where}")
    assert said in str(finding)


def test_a_guardrail_of_another_kind_has_no_selectors() -> None:
    assert list(by_selectors(guardrail.validate_python({"name": "g", "query": "up", "min": 1}))) == []


def test_a_selector_is_written_as_it_is_asked_and_what_is_none_is_none() -> None:
    found = SelectorField.of("rate.bad", 'd_total{b=~"x|y", a!="1"}')
    assert found is not None
    assert (found.name, found.written) == ("d_total", ['a!="1"', 'b=~"x|y"'])
    assert SelectorField.of("rate.bad", "sum(d_total)") is None


def test_two_metrics_may_be_meant() -> None:
    (finding,) = of_guardrail(guardrail.validate_python(rate(bad="failures_total", all="requests_total")))
    assert (finding.level, finding.where) == (Level.ADVICE, "guardrails[g].rate.bad")
    assert "failures_total and requests_total are two metrics" in finding.message


RATIO = f"sum(rate({BAD}[5m])) / sum(rate({T}[5m]))"
ENOUGH = {"count": 1, "query": f"sum(increase({T}[5m]))"}


@pytest.mark.parametrize(
    ("raw", "stays"),
    [
        (rate(bad=BAD, all=T), True),
        (rate(histogram='s_bucket{group="treatment"}', above="2"), True),
        (rate(histogram="s_bucket{group='treatment'}", above="2"), True),
        (rate(bad='d_total{status="failure"}', all="d_total"), False),
        (rate(bad=BAD, all=T) | {"action": "Alert"}, False),
        (compare(bad='d_total{status="failure"}', all="d_total"), True),
        ({"name": "g", "balance": {"users": "users_total"}}, True),
        ({"name": "g", "query": RATIO, "max": 0.05, "minSamples": ENOUGH}, True),
        ({"name": "g", "query": "max(up)", "min": 1}, False),
        ({"name": "g", "query": "max(up) / 2", "min": 0.5}, False),
    ],
)
def test_a_stage_without_users_never_passes_what_asks_for_their_events(raw: dict[str, Any], *, stays: bool) -> None:
    stages = [
        {"name": "shadow", "percentage": 0, "duration": "1h"},
        {"name": "pilot", "percentage": 10, "duration": "1h"},
    ]
    spec = Spec.model_validate({"revision": "r", "traffic": {"key": "k"}, "stages": stages, "guardrails": [raw]})
    found = [one for one in of_spec(spec) if one.where == "stages[shadow].percentage"]
    assert len(found) == stays
    if found:
        assert "at 0 % nobody has the treatment, so that guardrail g never passes" in found[0].message
