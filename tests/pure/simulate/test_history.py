"""Traffic as it was: what is asked, what the answers mean, and rollouts on it."""

import math
from typing import Any

import pytest
from mlrollout.api.spec import Spec
from mlrollout.evidence.answer import Answer
from mlrollout.evidence.statistics.counting.series import Series
from mlrollout.simulate import history
from mlrollout.simulate.forecast import Simulation
from mlrollout.simulate.load import Load, PastTraffic
from mlrollout.simulate.outcome import SimulationParameters
from mlrollout.simulate.promql import UnknownError

HOUR, DAY = 3600.0, 86_400.0
RATE: dict[str, Any] = {
    "name": "errors",
    "rate": {"bad": 'd_total{group="treatment",status="failure"}', "all": 'd_total{group="treatment"}', "max": 0.05},
}
OLD = {"name": "old", "query": "sum(rate(b_total[5m])) / sum(rate(a_total[5m]))", "max": 0.05}


def spec(*guardrails: dict[str, Any], duration: str = "14d") -> Spec:
    stages = [{"name": "pilot", "percentage": 10, "duration": duration}]
    return Spec.model_validate({"revision": "r", "traffic": {"key": "k"}, "stages": stages, "guardrails": guardrails})


def answer(*values: float | None) -> Answer:
    samples = tuple((1000 * HOUR + HOUR * place, value) for place, value in enumerate(values) if value is not None)
    return Answer((), kind="matrix", series=(Series({}, samples),))


def test_the_counters_of_all_groups_are_asked_hour_by_hour() -> None:
    assert history.questions(spec(OLD, RATE), DAY) == {
        "all": "sum(increase(d_total{}[3600s]))[86400s:3600s]",
        "bad": 'sum(increase(d_total{status="failure"}[3600s]))[86400s:3600s]',
    }
    slow = {"name": "s", "compare": {"histogram": 's_bucket{app="a"}', "above": "2", "ratio": 1.5}}
    assert history.questions(spec(slow), DAY) == {
        "all": 'sum(increase(s_bucket{app="a",le="+Inf"}[3600s]))[86400s:3600s]',
        "good": r'sum(increase(s_bucket{app="a",le=~"2|2\\.0"}[3600s]))[86400s:3600s]',
    }
    score = {"name": "s", "compare": {"sum": "s_sum", "count": "s_count", "difference": 1}}
    with pytest.raises(UnknownError, match="whose counters could tell the traffic"):
        history.questions(spec(OLD, score), DAY)


VARIANT: dict[str, Any] = {
    "name": "errors",
    "rate": {
        "bad": 'd_total{variant="treatment",status="failure"}',
        "all": 'd_total{variant="treatment"}',
        "max": 0.05,
    },
}


@pytest.mark.parametrize(
    "other",
    [
        {"name": "split", "balance": {"users": "u_total", "group": "variant"}},
        {"name": "worse", "compare": {"bad": "b_total", "all": "a_total", "ratio": 2, "group": "variant"}},
    ],
    ids=["balance", "compare"],
)
def test_groups_may_be_told_apart_by_the_label_that_another_guardrail_names(other: dict[str, Any]) -> None:
    assert history.questions(spec(VARIANT, other), DAY) == {
        "all": "sum(increase(d_total{}[3600s]))[86400s:3600s]",
        "bad": 'sum(increase(d_total{status="failure"}[3600s]))[86400s:3600s]',
    }


@pytest.mark.parametrize("asked", ['="treatment"', '!="control"', '=~"treatment|canary"'])
def test_traffic_of_one_group_is_not_taken_for_that_of_all(asked: str) -> None:
    rate = {name: text.replace('="treatment"', asked) for name, text in VARIANT["rate"].items() if name != "max"}
    with pytest.raises(UnknownError, match="asks by `variant` for one group alone, and the traffic of all is needed"):
        history.questions(spec(VARIANT | {"rate": rate | {"max": 0.05}}), DAY)


@pytest.mark.parametrize(
    "kept", ['job="flight-control"', 'handler="/v1/treatment"', 'topic="flight.control"', 'namespace="control"']
)
def test_a_label_that_only_sounds_like_a_group_is_kept(kept: str) -> None:
    rate = {"bad": f'd_total{{{kept},status="bad"}}', "all": f"d_total{{{kept}}}", "max": 0.05}
    found = history.questions(spec(VARIANT | {"rate": rate}), DAY)
    assert found["all"] == f"sum(increase(d_total{{{kept}}}[3600s]))[86400s:3600s]"


def test_the_answers_are_traffic_and_what_is_missing_is_told() -> None:
    found = history.read({"all": answer(3600, 7200, None, 0), "bad": answer(36, None, None, 0)}, 4 * HOUR)
    assert found.past.spans == ((1.0, 0.01), (2.0, 0.0), (0.0, 36 / 10800))
    assert found.past.requests == 1.0
    assert found.past.bad == pytest.approx(36 / 10800)
    assert found.notes == ()
    short = history.read({"all": answer(3600, 3600), "good": answer(3000, 3600)}, 2 * DAY)
    assert short.past.spans == ((1.0, 600 / 3600), (1.0, 0.0))
    assert short.notes == ("46 of 48 hours could not be read, and are left out",)
    for nothing in (Answer((), kind="matrix"), answer(0, 0), answer(math.nan)):
        with pytest.raises(UnknownError, match="has counted nothing in the last 1d"):
            history.read({"all": nothing, "bad": answer()}, DAY)


def test_a_load_changes_with_the_hours_and_begins_anew_after_the_last() -> None:
    past = PastTraffic(HOUR, ((1.0, 0.01), (3.0, 0.02)))
    load = Load(past.requests, 5 * past.bad, legacy=past.bad, past=past, begin=HOUR)
    assert [load.at(seconds).requests for seconds in (0, HOUR - 1, HOUR, 2 * HOUR)] == [3.0, 3.0, 1.0, 3.0]
    assert load.at(0).bad == pytest.approx(0.1)
    assert load.at(0).legacy == 0.02
    assert [load.changes(seconds) for seconds in (0, HOUR - 1, HOUR)] == [HOUR, HOUR, 2 * HOUR]
    steady = Load(1.0, 0.01)
    assert (steady.at(5 * HOUR), steady.changes(0)) == (steady, math.inf)


def test_rollouts_on_traffic_that_sleeps_at_night_leave_a_healthy_model_alone_and_find_a_bad_one_by_day() -> None:
    day = tuple((0.7 if 8 <= hour < 20 else 0.0, 0.01) for hour in range(24))
    past = PastTraffic(HOUR, day)
    parameters = SimulationParameters(Load(past.requests, past.bad, past=past), 20)
    found = Simulation(spec(RATE), parameters).run()
    assert (found.healthy.taken_back, found.healthy.completed) == (0, 20)
    worst = found.detections[-1]
    assert (worst.times, worst.found) == (20.0, 2)
    assert worst.after is not None
    assert worst.after < 13 * HOUR


def test_a_look_at_one_number_is_left_to_steady_traffic() -> None:
    past = PastTraffic(HOUR, ((1.0, 0.01),))
    simulation = Simulation(spec(RATE, OLD), SimulationParameters(Load(1.0, 0.01, past=past), 10))
    assert [one.why_not for one in simulation.covered] == [
        "",
        "a look at one number is simulated at steady traffic alone (--traffic)",
    ]
