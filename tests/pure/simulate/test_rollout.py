"""Whole rollouts: against closed forms, and with looks left out against the same with every look made."""

import math
from collections.abc import Callable, Mapping
from random import Random
from statistics import fmean

import pytest
from mlrollout.api.guardrail import BreachAfter, MinSamples
from mlrollout.api.rate import Rate, RateGuardrail
from mlrollout.api.spec import Requirement, Spec, Stage, TrafficSpec
from mlrollout.api.threshold import ThresholdGuardrail
from mlrollout.evidence.measurement import Measurement
from mlrollout.simulate import recognised
from mlrollout.simulate.counters import ReadsCounters
from mlrollout.simulate.forecast import Simulation
from mlrollout.simulate.load import Load
from mlrollout.simulate.outcome import Forecast, SimulationParameters
from mlrollout.simulate.promql import UnknownError
from mlrollout.simulate.rollout import End, Guards, Try
from mlrollout.simulate.watched import GROWN, Age, Outlook, Pace, Watched

HOUR, DAY = 3600.0, 86_400.0
BAD, ALL = 'requests{group="treatment",status="failure"}', 'requests{group="treatment"}'
ERRORS = f"sum(rate({BAD}[$window])) / sum(rate({ALL}[$window]))"
COUNT = f"sum(increase({ALL}[$window]))"


def errors(maximum: float = 0.05, **fields: object) -> ThresholdGuardrail:
    return ThresholdGuardrail.model_validate({"name": "errors", "query": ERRORS, "max": maximum, **fields})


def spec(*guardrails: object, stages: tuple[Stage, ...] = (Stage(name="all", percentage=100, duration=DAY),)) -> Spec:
    traffic = TrafficSpec(key="k")
    return Spec.model_validate({"revision": "a", "traffic": traffic, "stages": stages, "guardrails": guardrails})


def forecast(asked: Spec, requests: float, bad: float, tries: int = 20) -> Forecast:
    return Simulation(asked, SimulationParameters(Load(requests, bad), tries)).run()


class EveryLook(Watched):
    """A guardrail of whose looks none is left out."""

    def __init__(self, guardrail: ThresholdGuardrail) -> None:
        super().__init__(guardrail, recognised.roles([guardrail]), 15.0)
        found = self.outlook

        def closely(pace: Pace, age: Age = GROWN) -> Outlook:
            known = found(pace, age)
            return Outlook(0.0, known.steady, known.passing)

        self.outlook: Callable[[Pace, Age], Outlook] = closely  # type: ignore[assignment]


def ends(watched: Watched, load: Load, tries: int, horizon: float = DAY) -> list[End]:
    guards = Guards([watched], [], [], 15.0)
    asked = spec(watched.guardrail)
    return [Try(asked, guards, load, Random(seed)).run(horizon) for seed in range(tries)]  # noqa: S311 - from a fixed seed


def test_a_model_without_a_bad_event_goes_its_way() -> None:
    stages = (Stage(name="pilot", percentage=10, duration=HOUR), Stage(name="full", percentage=100, duration=2 * HOUR))
    healthy = forecast(spec(errors(), stages=stages), 50.0, 1e-9).healthy

    assert (healthy.taken_back, healthy.arrived, healthy.completed, healthy.waits) == (0, 20, 20, "")
    assert healthy.arrival == pytest.approx(HOUR, abs=60)
    assert healthy.completion == pytest.approx(3 * HOUR, abs=120)


def test_what_the_first_bad_event_takes_back_lasts_as_long_as_none_comes() -> None:
    # With `max: 0` a rollout ends by the first bad event that is shown: after an exponential time.
    bad = 1 / (6 * HOUR)
    guardrail = errors(0.0, maxAge="720h")
    taken = [
        one.taken_back for one in ends(Watched(guardrail, recognised.roles([guardrail]), 15.0), Load(5.0, bad / 5), 400)
    ]
    within = [one for one in taken if one is not None]

    share = 1 - math.exp(-DAY * bad)
    assert len(within) / 400 == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / 400))
    mean = 6 * HOUR - DAY * math.exp(-DAY * bad) / share  # of what is cut off after a day
    assert fmean(within) == pytest.approx(mean, rel=0.15)


@pytest.mark.parametrize(
    ("guardrail", "load"),
    [
        (errors(maxAge="720h"), Load(0.12, 0.005)),
        (errors(maxAge="720h", breachAfter=BreachAfter(failures=3, of=5)), Load(0.2, 0.005)),
        (errors(maxAge="720h", minSamples=MinSamples(count=20, query=COUNT), window="10m"), Load(0.1, 0.006)),
        (
            errors(maxAge="720h", minSamples=MinSamples(count=100, query=COUNT), window="2h", interval="1m"),
            Load(0.05, 0.035),
        ),
    ],
)
def test_to_leave_looks_out_changes_nothing(guardrail: ThresholdGuardrail, load: Load) -> None:
    tries, horizon = 80, 2 * HOUR
    usual = ends(Watched(guardrail, recognised.roles([guardrail]), 15.0), load, tries, horizon)
    every = ends(EveryLook(guardrail), load, tries, horizon)
    some, all_ = (sum(one.taken_back is not None for one in each) for each in (usual, every))

    assert 0.1 < all_ / tries < 0.9, "or nothing is compared"
    assert abs(some - all_) < 4 * math.sqrt(tries / 2)
    after, exactly = ([one.taken_back for one in each if one.taken_back is not None] for each in (usual, every))
    spread = horizon / math.sqrt(12) * math.sqrt(1 / len(after) + 1 / len(exactly))
    assert fmean(after) == pytest.approx(fmean(exactly), abs=4 * spread)


def test_two_weeks_of_a_window_that_is_a_day_long_take_few_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    guardrail = errors(
        window="24h", minSamples=MinSamples(count=500, query=COUNT), breachAfter={"failures": 3, "of": 5}
    )
    made: list[float] = []
    measure = Watched.measure

    def counted(self: Watched, counters: ReadsCounters, at: float, stood: float) -> Measurement:
        made.append(at)
        return measure(self, counters, at, stood)

    stages = (Stage(name="pilot", percentage=100, duration=14 * DAY),)
    simulation = Simulation(spec(guardrail, stages=stages), SimulationParameters(Load(0.035, 0.01), 10))
    monkeypatch.setattr(Watched, "measure", counted)
    healthy = simulation.run().healthy

    assert (healthy.taken_back, healthy.completed) == (0, 10)
    assert healthy.completion == pytest.approx(14 * DAY + 500 / 0.035, rel=0.02)
    assert len(made) < simulation.tries * DAY / guardrail.interval / 4, (
        "of the first day alone there are four times as many"
    )


def test_few_requests_and_many_samples_wanted_never_end_and_say_why() -> None:
    samples = MinSamples(count=500, query=COUNT)
    found = forecast(spec(errors(0.9, minSamples=samples)), 0.1, 0.01, tries=2)

    assert found.healthy.completed == 0
    assert "at least 500 samples are needed" in found.healthy.waits


def test_bad_values_that_never_gather_their_samples_take_back_where_the_user_says_so() -> None:
    samples = {"count": 500, "query": COUNT, "onTooFew": {"action": "Rollback", "after": "10m"}}
    found = forecast(spec(errors(minSamples=samples)), 0.1, 0.5, tries=4)

    assert (found.healthy.taken_back, dict(found.healthy.by)) == (4, {"errors": 4})
    assert found.healthy.after is not None
    assert 600 <= found.healthy.after < 1800


def test_who_is_held_back_is_not_in_treatment() -> None:
    whole = spec(errors())
    held = whole.model_copy(update={"traffic": TrafficSpec(key="k", holdback=20)})
    found = forecast(held, 10.0, 0.05, tries=2).detections[-1]

    assert found.after is not None
    assert found.users == pytest.approx(found.after * 10.0 * 0.8)


def test_looks_with_too_few_samples_make_a_stage_longer() -> None:
    # 300 requests in five minutes in the mean, and 285 are wanted: many looks have fewer.
    samples = MinSamples(count=285, query=COUNT)
    healthy = forecast(spec(errors(0.5, minSamples=samples)), 1.0, 0.01).healthy

    assert healthy.completed == 20
    assert healthy.completion is not None
    assert 1.1 * DAY < healthy.completion < 2 * DAY


def test_a_burst_is_recognised_by_its_counter_and_guards() -> None:
    burst = ThresholdGuardrail(name="burst", query=f"sum(increase({BAD}[$window]))", max=20, window=60.0)
    found = forecast(spec(errors(0.9), burst), 1.0, 0.5)

    assert found.healthy.taken_back == 20
    assert set(found.healthy.by) == {"burst"}


def test_a_success_rate_is_one_of_good_events() -> None:
    good = 'requests{group="treatment",status="success"}'
    success = ThresholdGuardrail(
        name="success", query=f"sum(rate({good}[$window])) / sum(rate({ALL}[$window]))", min=0.95
    )
    assert forecast(spec(success), 10.0, 0.01).healthy.taken_back == 0
    assert forecast(spec(success), 10.0, 0.2).healthy.taken_back == 20


def test_what_is_not_simulated_is_said_and_passes() -> None:
    slow = ThresholdGuardrail(name="slow", query="histogram_quantile(0.9, sum by (le) (rate(b[5m])))", max=2)
    require = (Requirement(guardrail="slow", max=1.0),)
    found = forecast(
        spec(errors(0.9), slow, stages=(Stage(name="all", percentage=100, duration=HOUR, require=require),)), 5.0, 0.01
    )

    assert [(one.name, bool(one.why_not)) for one in found.covered] == [("errors", False), ("slow", True)]
    assert found.healthy.completed == 20


def test_nothing_to_simulate_is_an_error() -> None:
    slow = ThresholdGuardrail(name="slow", query="histogram_quantile(0.9, sum by (le) (rate(b[5m])))", max=2)
    with pytest.raises(UnknownError, match="slow"):
        Simulation(spec(slow), SimulationParameters(Load(1.0, 0.01)))


RATES = [
    RateGuardrail(name="errors", rate=Rate(bad=BAD, all=ALL, max=0.05)),
    RateGuardrail(name="errors", rate=Rate(histogram="seconds_bucket", above="2", max=0.05)),
]


@pytest.mark.parametrize("guardrail", RATES)
def test_a_rate_leaves_a_healthy_model_alone_and_finds_a_bad_one(guardrail: RateGuardrail) -> None:
    stages = (Stage(name="pilot", percentage=10, duration=14 * DAY),)
    found = forecast(spec(guardrail, stages=stages), 0.35, 0.01)

    assert found.healthy.taken_back == 0
    assert found.healthy.completed == 20
    assert found.healthy.completion == pytest.approx(14 * DAY, rel=0.02)
    worst = found.detections[-1]
    assert (worst.times, worst.share, worst.found, worst.tries) == (20.0, 0.2, 2, 2)
    assert worst.after is not None
    assert worst.users == pytest.approx(worst.after * 0.035)
    assert worst.after < HOUR


def test_a_rate_and_a_threshold_on_the_same_counters() -> None:
    found = forecast(spec(errors(0.9), RATES[0].model_copy(update={"name": "rate"})), 5.0, 0.2)

    assert set(found.healthy.by) == {"rate"}


def both_groups(*guardrails: Mapping[str, object], holdback: int | None = None, percentage: int = 10) -> Spec:
    stages = [{"name": "pilot", "percentage": percentage, "duration": "2d"}]
    return Spec.model_validate(
        {
            "revision": "a",
            "traffic": {"key": "k", **({} if holdback is None else {"holdback": holdback})},
            "stages": stages,
            "guardrails": guardrails,
        }
    )


WORSE: Mapping[str, object] = {
    "name": "worse",
    "compare": {"bad": 'requests{status="failure"}', "all": "requests", "ratio": 1.5},
}
SLOWER: Mapping[str, object] = {
    "name": "slower",
    "compare": {"histogram": "seconds_bucket", "above": "2", "ratio": 1.5},
}
SPLIT: Mapping[str, object] = {"name": "split", "balance": {"users": "users"}}


@pytest.mark.parametrize("guardrail", [WORSE, SLOWER])
def test_a_comparison_leaves_a_healthy_model_alone_and_finds_one_that_is_worse_than_the_control(
    guardrail: Mapping[str, object],
) -> None:
    found = forecast(both_groups(guardrail, SPLIT), 3.5, 0.2)

    assert [one.why_not for one in found.covered] == ["", ""]
    assert (found.healthy.taken_back, found.healthy.completed) == (0, 20)
    by_times = {one.times: one for one in found.detections}
    assert by_times[1.5].found == 0  # which is tolerated
    assert (by_times[5.0].share, by_times[5.0].found) == (1.0, 2)
    assert by_times[5.0].after is not None
    assert by_times[5.0].after < HOUR / 2


def test_a_holdback_keeps_a_comparison_alive_at_100_percent_and_without_one_it_waits() -> None:
    held, alone = (
        forecast(both_groups(WORSE, holdback=holdback, percentage=100), 3.5, 0.02) for holdback in (10, None)
    )

    assert held.healthy.completed == 20
    assert held.detections[-1].found == 2
    assert held.detections[-1].users is not None
    assert held.detections[-1].after is not None
    assert held.detections[-1].users == pytest.approx(held.detections[-1].after * 3.5 * 0.9)
    assert (alone.healthy.completed, alone.detections[-1].found) == (0, 0)
    assert "at 100 % there is no control to compare with" in alone.healthy.waits


def test_a_split_that_holds_is_left_alone_whatever_else_fails() -> None:
    found = forecast(both_groups(SPLIT, holdback=20, percentage=50), 1.0, 0.01)

    assert (found.healthy.taken_back, found.healthy.completed) == (0, 20)
    assert {one.found for one in found.detections} == {0}


def test_nobody_knows_what_values_a_mean_has() -> None:
    score: Mapping[str, object] = {"name": "score", "compare": {"sum": "s_sum", "count": "s_count", "difference": 0.1}}
    found = forecast(both_groups(WORSE, score), 1.0, 0.01)

    assert found.covered[1].why_not == "it compares means, and what values come is not known"


def test_the_same_seed_tells_the_same() -> None:
    asked, parameters = spec(errors()), SimulationParameters(Load(1.0, 0.01), 10)

    assert Simulation(asked, parameters).run() == Simulation(asked, parameters).run()


def test_each_try_is_told() -> None:
    told: list[int] = []
    simulation = Simulation(
        spec(errors(), RATES[0].model_copy(update={"name": "rate"})), SimulationParameters(Load(1.0, 0.01), 10)
    )
    simulation.run(lambda: told.append(1))

    assert 10 < len(told) <= simulation.tries
