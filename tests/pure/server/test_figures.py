import promql_parser
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlrollout.server.ab.figures import LONGEST_WINDOW, MOST_POINTS, QueryRange, counts, figures, query, series
from mlrollout.server.ab.models import Figures

NOTHING = Figures(
    success_rate=None,
    error_rate=None,
    average_score=None,
    average_response_time=None,
    average_satisfaction=None,
    total_dispatches=None,
)


@given(st.integers(1, LONGEST_WINDOW))
def test_a_window_has_few_points_and_each_is_about_the_time_since_the_one_before(minutes: int) -> None:
    window = QueryRange.until(1_000_000, minutes)

    assert 1 <= len(window.points) <= MOST_POINTS
    assert window.points[-1] == window.last == 1_000_000
    assert window.step % 60 == 0
    assert 0 <= minutes * 60 - len(window.points) * window.step < window.step


def test_without_any_count_there_is_no_figure() -> None:
    assert figures({}) == NOTHING


def test_without_a_dispatch_there_is_no_rate_and_their_number_is_known() -> None:
    idle = figures({("control", "success"): 0.0, ("control", "failure"): 0.0, ("control", "scores"): 0.0})

    assert idle == NOTHING.model_copy(update={"total_dispatches": 0})


def test_a_groups_figures_are_its_own_and_the_whole_is_weighed_by_dispatches() -> None:
    added = {
        ("control", "success"): 90.0,
        ("control", "failure"): 10.0,
        ("treatment", "success"): 0.0,
        ("treatment", "failure"): 100.0,
        ("treatment", "score"): 30.0,
        ("treatment", "scores"): 50.0,
    }

    assert figures(added, ["control"]).success_rate == 0.9
    assert figures(added, ["control"]).average_score is None
    assert figures(added, ["treatment"]).error_rate == 1.0
    assert figures(added) == Figures(
        success_rate=0.45,
        error_rate=0.55,
        average_score=0.6,
        average_response_time=None,
        average_satisfaction=None,
        total_dispatches=200,
    )


def test_an_answer_that_took_less_than_no_time_has_none() -> None:
    """The clock of an application was set back right after it began."""
    assert figures({("control", "seconds"): -3.0, ("control", "times"): 2.0}).average_response_time is None


@pytest.mark.parametrize("known", ["success", "failure"])
def test_where_one_status_is_unknown_there_is_no_rate_and_what_was_counted_is_told(known: str) -> None:
    found = figures({("control", known): 4.0, ("treatment", "success"): 9.0, ("treatment", "failure"): 1.0})
    assert (found.success_rate, found.error_rate, found.total_dispatches) == (None, None, 14)
    assert figures({("control", known): 4.0}, ["treatment"]) == NOTHING


def test_numbers_that_are_none_and_groups_that_are_none_are_left_out() -> None:
    answer = [
        ({"group": "control", "figure": "success"}, float("nan")),
        ({"group": "control", "figure": "failure"}, 2.0),
        ({"figure": "success"}, 50.0),
        ({"group": "other", "figure": "success"}, 50.0),
    ]

    assert counts(answer) == {("control", "failure"): 2.0}


def test_every_point_of_a_series_is_there_also_where_nothing_is_known_of_it() -> None:
    window = QueryRange.until(600, 3)

    found = series(window, [({"group": "control", "figure": "success"}, [(480, 1.0), (600, 2.0), (601, 9.0)])])

    assert found == {480: {("control", "success"): 1.0}, 540: {}, 600: {("control", "success"): 2.0}}


@pytest.mark.parametrize("prefix", ["ml_dispatch", "a:b"])
def test_what_is_asked_is_promql(prefix: str) -> None:
    assert isinstance(promql_parser.parse(query(prefix, 60)), promql_parser.BinaryExpr)
