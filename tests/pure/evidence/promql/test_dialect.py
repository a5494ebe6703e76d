"""Queries in words that the parser does not know, and that only the server can judge."""

import pytest
from mlrollout.evidence.promql.query import Query, QueryError

from tests.pure.evidence.promql.test_query import selectors_of

UNREAD = {
    "holt_winters(x[5m], 0.5, 0.5)": (["x{}"], 300, 300),
    "rate(x[$window]) default 0": (["x{}"], 10, 60),
    "sum(rate(x)) by (a, b) / on(c) group_left(d) y{e='f'}": (["x{}", "y{e='f'}"], 600, 600),
    'foo({a="b" or c!="d"}[1h:1m] offset 1d) + keep_metric_names': (['{a="b" or c!="d"}'], 90000, 90000),
    "rate(x[5m] anchored) offset -5m": (["x{}"], 300, 300),
    "sum(rate(x[5m": (["x{}"], 600, 600),
    "x{": (["x{}"], 600, 600),
    "rate(x)": (["x{}"], 600, 600),
    "sum by (a) (rate(x[5m])) default 0": (["x{}"], 300, 300),
    "topk without (a) (3, x[5m] @ end()) limit 5": (["x{}"], 300, 300),
    "foo()": ([], 0, 0),
}


COUNTED = {
    "[5m * 2]": (600, 600),
    "[2 * 5m + 30s]": (630, 630),
    "[30s + 2 * 5m]": (630, 630),
    "[(1m + 1m) * 3]": (360, 360),
    "[2 ^ 3 * 1m]": (480, 480),
    "[1h / 4]": (900, 900),
    "[100s % 60]": (40, 40),
    "[-(1m - 3m)]": (120, 120),
    "[+1.5h]": (5400, 5400),
    "[1e2]": (100, 100),
    "[300 * 1]": (300, 300),
    "[1h30m + 0]": (5400, 5400),
    "[10s - 1m]": (5, 5),
    "[$window * 2]": (20, 120),
    "[$window / 2]": (5, 30),
    "[$window * 1.5 + 1m]": (75, 150),
    "[2 * 5m:1m]": (600, 600),
    "[5m] offset (1m + 30s)": (390, 390),
    "[5m] offset -(2m)": (300, 300),
    "[5m] offset (2 * (1m + 30s))": (480, 480),
    "[5m] offset ($window * 3)": (330, 480),
    "[5m] @ end() offset 1m * 1": (360, 360),
}
"""How far back a rate over it reaches, for windows of 10 s and of a minute."""


@pytest.mark.parametrize("text", COUNTED)
def test_durations_that_are_counted_with_reach_as_far_as_they_come_to(text: str) -> None:
    """Too little would count evidence from before the stage, and too much only waits."""
    query = Query.parse(f"rate(x{text}) default 0")
    assert query.unread
    assert (query.reach(10, 5), query.reach(60, 5)) == COUNTED[text]


@pytest.mark.parametrize(
    "text",
    [
        "[1i]",
        "[step()]",
        "[range() + 5m]",
        "[5m +]",
        "[(5m]",
        "[5m 5m]",
        "[5m5]",
        "[1h / 0]",
        "[1h % 0]",
        "[9 ^ 9 ^ 9]",
        "[(0 - 1) ^ 0.5]",
        f"[{'(' * 30}1m{')' * 30}]",
        "[5m] offset step()",
        "[5m] offset ((1m",
        "[5m] offset -",
    ],
)
def test_a_duration_that_can_t_be_told_is_refused(text: str) -> None:
    with pytest.raises(QueryError, match=r"looks can't be told here: write it out as a duration, such as 5m"):
        Query.parse(f"rate(x{text}) default 0")


@pytest.mark.parametrize("text", ["[$window * $window]", "[5m % $window]", "[1h / $window]", "[$window ^ 2]"])
def test_a_duration_that_does_not_grow_evenly_with_the_window_is_refused(text: str) -> None:
    with pytest.raises(QueryError, match=r"`\$window` "):
        Query.parse(f"rate(x{text}) default 0")


@pytest.mark.parametrize("text", ["rate(x[5m] @ 0) default 0", "x @ (1) default 0"])
def test_a_fixed_time_is_no_evidence_in_any_dialect(text: str) -> None:
    with pytest.raises(QueryError, match="with a fixed time is not evidence about now"):
        Query.parse(text)


@pytest.mark.parametrize("text", UNREAD)
def test_of_what_only_the_server_may_know_the_words_are_read(text: str) -> None:
    query = Query.parse(text)
    assert query.unread
    assert (selectors_of(text), query.reach(10, 600), query.reach(60, 600)) == (
        tuple(UNREAD[text][0]),
        *UNREAD[text][1:],
    )


def test_a_range_that_may_be_implied_is_taken_for_the_window_that_is_declared() -> None:
    assert Query.parse("rate(x) default 0").reach(10, longest=3600) == 3600
    assert Query.parse("rate(x)/ y[5m] default 0").reach(10, longest=60) == 300


ONLY_WHEN_WRONG = {
    "sum(rate(x)) > 5": "its comparison `>` holds",
    "sum by (a) (rate(x)) >= 5 limit 3": "its comparison `>=` holds",
    "rate(x) == 5": "its comparison `==` holds",
    "1 - -rate(x) ^ 2 * .5 != 1e-3": "its comparison `!=` holds",
    "rate(x) < 5 if y": "its comparison `<` holds",
    "label_set(rate(x) > 5, 'a', 'b')": "its comparison `>` holds",
    "vector(1) if absent(x)": "the series of `absent` are missing",
    "rate(x) / absent(y)": "the series of `absent` are missing",
    "union(absent(x), absent(y))": "the series of `absent` are missing",
    "(absent(x), rate(y) > 5)": "the series of `absent` are missing",
    "holt_winters(ALERTS[5m], 0.5, 0.5)": "an alert is pending or firing",
    "sum({__name__='ALERTS'}) keep_metric_names": "an alert is pending or firing",
}


@pytest.mark.parametrize("text", ONLY_WHEN_WRONG)
def test_what_answers_only_when_something_is_wrong_is_refused_in_any_dialect(text: str) -> None:
    with pytest.raises(QueryError) as refusal:
        Query.parse(text)
    assert ONLY_WHEN_WRONG[text] in str(refusal.value)


@pytest.mark.parametrize(
    "text",
    [
        "sum(rate(x)) >bool 5",
        "rate(x) > 5 default 0",
        "absent(x) default 0",
        "union(absent(x), rate(y))",
        "(absent(x), 0)",
        "rate(x) / (rate(y) > 0)",
        "rate(x) if y > 5",
        "rate(x) ifnot absent(y)",
        "(sum(ALERTS) default 0) and on() count(x)",
        "rate(x) + time()",
        "rate(x) + nan",
    ],
)
def test_what_answers_while_all_is_well_is_taken_in_any_dialect(text: str) -> None:
    assert Query.parse(text).unread


NO_EXPRESSION = (
    *("rate(x) > 5 y", "rate(x) > bool", "* rate(x) > 5", "bool rate(x) > 5", "(rate(x) > 5", "rate(x) > 5)"),
    *("sum(rate(x) > 5,)", "sum(,rate(x) > 5)", "rate(x) > 5 +", "rate(x) > 5, 3 4", "absent(x) > > 3"),
)


@pytest.mark.parametrize("text", NO_EXPRESSION)
def test_of_words_that_make_no_expression_the_server_may_judge(text: str) -> None:
    query = Query.parse(text)
    assert query.unread
    assert not any(one.selection.optional for one in query.selections)


@pytest.mark.parametrize(
    ("text", "optional"),
    [
        ("(sum(rate(x[$window])) default 0) / sum(rate(y[$window]))", {"x{}"}),
        ("(sum(increase(x)) or vector(0)) / sum(increase(y))", {"x{}"}),
        ("(sum by (a) (increase(x)) or vector(0)) / sum(increase(y)) by (a)", {"x{}"}),
        ("increase(x) / increase(y) default 0", {"x{}", "y{}"}),
        ("increase(x) / (increase(y) default 1)", {"y{}"}),
        ("increase(x) + (increase(y), 0)", {"y{}"}),
        ("increase(x) ifnot y", {"y{}"}),
        ("increase(x) unless y or z", {"x{}", "y{}", "z{}"}),
        ("increase(x) if y", set()),
        ("increase(x) + (absent(y) default 0)", {"y{}"}),
        ("increase(x) / increase(y)", set()),
    ],
)
def test_a_fallback_is_for_the_series_beside_it(text: str, optional: set[str]) -> None:
    query = Query.parse(text)
    assert query.unread
    assert {one.selection.selector for one in query.selections if one.selection.optional} == optional
