"""Monitoring figures, from a real Prometheus that scrapes an application and the server itself."""

import asyncio
from collections.abc import Iterator, Mapping
from itertools import pairwise

import pytest
from mlrollout.adapters.prometheus import PrometheusSource
from mlrollout.ports import Ref
from mlrollout.server.config import DashboardSettings
from mlrollout.server.dashboard.feed import FigureFeed
from mlrollout.server.dashboard.figure_models import ShownFigure

from devstack.prometheus_server import PrometheusServer
from devstack.redis_server import RedisServer
from tests.components.assignment.place import KEY, placed, until
from tests.components.server.ab.calls import ALL_LINES, APP, NAME, VIEWER, Api
from tests.components.server.place import Answer, served
from tests.support.target import Target, target

COUNTERS = """
ml_dispatch_total{{group="control",status="success"}} {control_success}
ml_dispatch_total{{group="control",status="failure"}} {control_failure}
ml_dispatch_total{{group="treatment",status="success"}} {treatment_success}
ml_dispatch_total{{group="treatment",status="failure"}} {treatment_failure}
ml_dispatch_score_sum{{group="control"}} {control_score}
ml_dispatch_score_count{{group="control"}} {control_success}
ml_dispatch_score_sum{{group="treatment"}} {treatment_score}
ml_dispatch_score_count{{group="treatment"}} {treatment_success}
ml_dispatch_response_time_seconds_sum{{group="control"}} {control_seconds}
ml_dispatch_response_time_seconds_count{{group="control"}} {control_success}
ml_dispatch_response_time_seconds_sum{{group="treatment"}} {treatment_seconds}
ml_dispatch_response_time_seconds_count{{group="treatment"}} {treatment_success}
"""
BORN = dict.fromkeys(
    [f"{group}_{what}" for group in ("control", "treatment") for what in ("success", "failure", "score", "seconds")], 0
)
COUNTED = {
    "control_success": 300,
    "control_failure": 100,
    "control_score": 150,
    "control_seconds": 600,
    "treatment_success": 100,
    "treatment_failure": 0,
    "treatment_score": 90,
    "treatment_seconds": 50,
}
NOTHING = {
    "success_rate": None,
    "error_rate": None,
    "average_score": None,
    "average_response_time": None,
    "average_satisfaction": None,
}


@pytest.fixture(scope="module")
def application() -> Iterator[Target]:
    with target("") as scraped:
        yield scraped


@pytest.fixture(scope="module")
def prometheus() -> Iterator[PrometheusServer]:
    with PrometheusServer() as running:
        yield running


@pytest.fixture(scope="module")
def api(redis_server: RedisServer, prometheus: PrometheusServer, application: Target) -> Iterator[Api]:
    """A server whose rollout has had some dispatches, and two ratings."""
    config = {
        "rollouts": [{"name": NAME, "key": KEY}, {"name": "idle", "key": "idle"}, {"name": "unborn", "key": "unborn"}],
        "prometheus": prometheus.url,
    }
    idle = COUNTERS.replace("ml_dispatch", "idle").format(**BORN)
    with served(redis_server.url, config, ALL_LINES) as running, placed(redis_server) as place:
        found = Api(running)
        place.put(100)
        until(lambda: found.assigned("kim")["ml_enabled"], "treatment")
        application.text = COUNTERS.format(**BORN) + idle
        prometheus.set_targets("app", [application.address, f"127.0.0.1:{running.port}"])
        until(lambda: len(prometheus.query("count_over_time(ml_dispatch_total[1m]) > 1")) == 4, "a first scrape")
        until(lambda: prometheus.query("count_over_time(ml_dispatch_satisfaction_count[1m]) > 1"), "likewise")
        application.text = COUNTERS.format(**COUNTED) + idle
        assert [found.rate(user, rating, "m").status for user, rating in (("a", 3), ("b", 5))] == [201, 201]
        until(lambda: asked(found).json["average_satisfaction"], "the ratings")
        until(lambda: asked(found).json["total_dispatches"], "the dispatches")
        yield found


def asked(api: Api, window: object = 5, token: str | None = VIEWER) -> Answer:
    return api.get(f"monitoring/metrics?window_minutes={window}", token=token)


def test_each_group_and_both_have_their_figures(api: Api) -> None:
    answer = asked(api)

    assert answer.status == 200
    found = answer.json
    control, treatment = found["groups"]["control"], found["groups"]["treatment"]
    assert control["success_rate"] == pytest.approx(0.75)
    assert control["error_rate"] == pytest.approx(0.25)
    assert control["average_score"] == pytest.approx(0.5)
    assert control["average_response_time"] == pytest.approx(2.0)
    assert control["average_satisfaction"] is None
    assert treatment["success_rate"] == pytest.approx(1.0)
    assert treatment["error_rate"] == 0
    assert treatment["average_score"] == pytest.approx(0.9)
    assert treatment["average_response_time"] == pytest.approx(0.5)
    assert treatment["average_satisfaction"] == pytest.approx(4.0)
    assert found["success_rate"] == pytest.approx(0.8)
    assert found["average_score"] == pytest.approx(0.6)
    assert 500 <= found["total_dispatches"] <= 1000  # Prometheus extrapolates, and these series are seconds old


def test_a_series_tells_when_it_was(api: Api) -> None:
    found = asked(api, 5).json

    series = found["series"]
    assert (found["window_minutes"], found["step_seconds"], len(series)) == (5, 60, 5)
    assert [late["at"] - early["at"] for early, late in pairwise(series)] == [60] * 4
    assert 500 <= sum(point["total_dispatches"] or 0 for point in series) <= 1000
    assert {name: series[0][name] for name in NOTHING} == NOTHING
    assert series[0]["total_dispatches"] is None


@pytest.mark.parametrize("minutes", [1, 60, 121, 10_080])
def test_a_window_has_at_most_120_points(api: Api, minutes: int) -> None:
    found = asked(api, minutes).json

    assert found["window_minutes"] == minutes
    assert 1 <= len(found["series"]) <= 120


def test_an_hour_is_the_window_that_is_left_out(api: Api) -> None:
    assert api.get("monitoring/metrics", token=VIEWER).json["window_minutes"] == 60


def test_without_a_dispatch_there_is_no_rate(api: Api) -> None:
    found = Api(api.server, "/api/idle").get("monitoring/metrics", token=VIEWER).json

    assert {name: found[name] for name in NOTHING} == NOTHING
    assert found["total_dispatches"] == 0


def test_without_metrics_there_is_not_even_a_total(api: Api) -> None:
    found = Api(api.server, "/api/unborn").get("monitoring/metrics", token=VIEWER).json

    assert {name: found[name] for name in NOTHING} == NOTHING
    assert found["total_dispatches"] is None


@pytest.mark.parametrize(
    "window", ["0", "-1", "10081", "1.5", "abc", "", "1e3", "NaN", "9" * 400, "9" * 6000, "0000019999999", "%D9%A1"]
)
def test_a_window_that_is_none_is_refused(api: Api, window: str) -> None:
    answer = asked(api, window)

    assert answer.status == 422
    assert "from 1 to 10080" in answer.json["detail"]


@pytest.mark.parametrize(("token", "status"), [(None, 401), (APP, 403)], ids=["nobody", "assign"])
def test_who_may_not_see_them(api: Api, token: str | None, status: int) -> None:
    assert asked(api, token=token).status == status


def test_a_prometheus_that_hangs_or_is_gone_is_told(redis_server: RedisServer) -> None:
    with PrometheusServer() as own:
        config = {"rollouts": [{"name": NAME, "key": KEY}], "prometheus": own.url}
        with served(redis_server.url, config, ALL_LINES) as running:
            found = Api(running)
            own.pause()
            hung = asked(found)
            own.resume()
            own.kill()
            gone = asked(found)

        assert (hung.status, gone.status) == (503, 503)
        assert "within 5 s" in hung.json["detail"]
        assert "can't be reached" in gone.json["detail"]
        assert "Retry-After" in gone.headers


def test_without_a_prometheus_that_is_told(redis_server: RedisServer) -> None:
    with served(redis_server.url, None, ALL_LINES) as running:
        answer = asked(Api(running))

        assert answer.status == 501
        assert "`prometheus`" in answer.json["detail"]


# --- the dashboard, which asks for a trend of the same -----------------------------------------

RELATIVE: dict[str, object] = {
    "key": "seconds",
    "title": {"en": "Working time", "ko": "작업 시간"},
    "query": "sum by (group) (increase(${metrics}_response_time_seconds_sum[$window]))",
    "target": {"op": "<=", "value": -30, "relative": True},
}


async def _shown(address: str, prefix: str, *business: Mapping[str, object]) -> dict[str, ShownFigure]:
    """What the dashboard shows of an application."""
    source, woken = PrometheusSource(address), asyncio.Event()
    settings = DashboardSettings.model_validate({"business": business, "window": "5m"})
    try:
        async with FigureFeed(source, settings, lambda _: prefix).following(Ref("a", "b"), woken) as followed:
            await asyncio.wait_for(woken.wait(), 20)
            return {one.key: one for one in followed.shown or ()}
    finally:
        await source.close()


async def test_the_dashboard_shows_the_five_of_each_group_against_their_targets(
    api: Api, prometheus: PrometheusServer
) -> None:
    shown = await _shown(prometheus.url, "ml_dispatch", RELATIVE)
    now = {key: (one.groups["control"], one.groups["treatment"]) for key, one in shown.items()}

    assert [[group.value for group in now[key]] for key in now] == [
        [pytest.approx(75), pytest.approx(100)],
        [pytest.approx(0.5), pytest.approx(0.9)],
        [pytest.approx(2), pytest.approx(0.5)],
        [pytest.approx(25), 0],
        [None, pytest.approx(4)],
        [
            pytest.approx(asked(api).json["groups"]["control"]["total_dispatches"] * 1.5, rel=0.5),
            pytest.approx(65, rel=0.5),
        ],
    ]
    assert [[group.ok for group in now[key]] for key in now] == [
        [False, True],
        [False, True],
        [False, True],
        [False, True],
        [None, True],
        [None, True],
    ]
    assert shown["seconds"].change == pytest.approx(-91.7, abs=0.1)
    samples = [group.samples for group in now["success_rate"]]
    assert samples[0] == pytest.approx(4 * (samples[1] or 0), abs=2)
    assert [value for _, value in now["success_rate"][0].points][:-2].count(None) > 50  # before anything was counted


async def test_the_dashboard_shows_nothing_of_what_was_not_counted(api: Api, prometheus: PrometheusServer) -> None:
    for prefix in ("idle", "unborn"):
        for figure in (await _shown(prometheus.url, prefix)).values():
            assert [(group.value, group.ok) for group in figure.groups.values()] == [(None, None), (None, None)]
            assert figure.error is None


async def test_the_dashboard_says_why_nothing_is_known(prometheus: PrometheusServer) -> None:
    shown = await _shown("http://127.0.0.1:9", "ml_dispatch", RELATIVE)
    assert all("can't be reached" in (one.error or "") for one in shown.values())
    wrong = await _shown(prometheus.url, "ml_dispatch", RELATIVE | {"query": "sum("})
    assert wrong["success_rate"].error is None
    assert "parse error" in (wrong["seconds"].error or "")
    assert "Nobody says" in ((await _shown(prometheus.url, ""))["success_rate"].error or "")
