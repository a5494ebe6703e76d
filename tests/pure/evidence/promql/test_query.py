"""What is refused as evidence, how far back a query looks, and where it takes its samples."""

import json
from contextlib import suppress

import promql_parser
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlrollout.evidence.presence import ask, needs
from mlrollout.evidence.promql.query import Query, QueryError

RATIO = """
sum(rate(ml_dispatch_total{group="treatment",status="failure"}[$window]))
  / sum(rate(ml_dispatch_total{group="treatment"}[$window]))  # $nothing here
"""

REFUSED = {
    "rate(x[$__rate_interval])": "`$__rate_interval` is not known here: only `$window`",
    "rate(x[$windows])": "`$windows` is not known here",
    "x[5m]": "wrap it, for example in rate",
    "(x[1h:1m])": "wrap it, for example in rate",
    '"0.05"': "a string, not a number",
    "x > 0.05": "max or min, or write `> bool`",
    "-((x)) <= y": "write `<= bool`",
    "(x != 3)": "write `!= bool`",
    "x > 0.05 and y > 100": "write `> bool`",
    "(x == 1) unless y": "write `== bool`",
    "count(x > 5)": "where nothing left means healthy, write `(…) or vector(0)`",
    "100 * (x > 5)": "its comparison `>` holds",
    "(x > 5) / y": "its comparison `>` holds",
    "abs(label_replace(5 < x, 'a', '', '', ''))": "its comparison `<` holds",
    "max_over_time((x > 5)[1h:])": "its comparison `>` holds",
    "sum(x > 5) > bool 2": "its comparison `>` holds",
    "scalar(x > 5)": "its comparison `>` holds",
    "x > 5 or y > 6": "its comparison `>` holds",
    "absent(x)": "write `absent(…) or vector(0)`, with max: 0",
    "max(absent_over_time(x[5m]))": "write `absent_over_time(…) or vector(0)`",
    "absent(x) or absent(y)": "the series of `absent` are missing",
    "count(ALERTS{alertname='slow'})": "only while an alert is pending or firing",
    "count(ALERTS_FOR_STATE{alertname='slow'})": "only while an alert is pending or firing",
    "count_over_time(ALERTS[5m])": "better still, ask what the alert asks",
    "count({__name__='ALERTS',alertname='slow'})": "only while an alert is pending or firing",
    "count({alertname='slow',__name__=~`ALERTS|ALERTS_FOR_STATE`})": "only while an alert is pending or firing",
    'count({__name__=~"ALERTS.*"})': "only while an alert is pending or firing",
    'count({"ALERTS",alertname="slow"})': "only while an alert is pending or firing",
    "vector(1) and on() absent(x)": "write `absent(…) or vector(0)`, with max: 0",
    "x and on() absent(y)": "where it is well that they are missing, `… unless on() …`",
    "x and on() (count(ALERTS) > 0)": "only while an alert is pending or firing",
    "x / count(ALERTS)": "only while an alert is pending or firing",
    "x / (absent(y) > 0)": "the series of `absent` are missing",
    "vector(1) and on() x > 5": "its comparison `>` holds",
    "(vector(1) and on() x > 5) / y": "its comparison `>` holds",
    "x @ 1700000000": "a fixed time is not evidence about now",
    "rate(x[5m] @ -1)": "a fixed time is not evidence about now",
    "sum_over_time(x[1h:] @ 0)": "a fixed time is not evidence about now",
    "rate(x[5m] offset -$window)": "looks into the future",
    'x{a="b" or c="d"}': "use a regular expression",
    "WITH (a = x) a / y": "write the query out",
}


@pytest.mark.parametrize("text", REFUSED)
def test_a_query_that_cannot_be_evidence_is_refused_with_what_to_do(text: str) -> None:
    with pytest.raises(QueryError) as refusal:
        Query.parse(text)
    assert REFUSED[text] in str(refusal.value)


ANSWERED = (
    "x > 5 or vector(0)",
    "count(x > 5) or vector(0)",
    "(x or y) > bool 5",
    "absent(x) or vector(0)",
    "y - (absent(x) or vector(0))",
    "sum(x) / (sum(y) > 0)",
    "x % (y != 0)",
    "x and y > 0",
    "x and (y > 0) / z",
    "x and on() (absent(y) or vector(0))",
    "x unless y",
    "x unless y > 5",
    "x unless on() absent(y)",
    "x unless on() ALERTS",
    "count({a='b',__name__!='ALERTS'})",
    "count({__name__=~'ALERTS|x'})",
    "count(ALERTS_of_mine)",
    "vector(1) and on() x",
    "(count(ALERTS) or vector(0)) and on() count(x)",
    "1 > bool 2",
)


@pytest.mark.parametrize("text", ANSWERED)
def test_a_query_that_answers_while_all_is_well_is_taken(text: str) -> None:
    assert not Query.parse(text).unread


REACH = {
    "x": (0, 0),
    "time()": (0, 0),
    "x offset 5m": (300, 300),
    "x offset -5m": (0, 0),
    "rate(x[5m])": (300, 300),
    "rate(x[500ms])": (0.5, 0.5),
    "rate(x[300])": (300, 300),
    "rate(x[5m] offset 1h)": (3900, 3900),
    "rate(x[5m] offset -1m)": (240, 240),
    "rate(x[$window])": (10, 60),
    "rate(x[$window] offset $window)": (20, 120),
    "rate(x[$window] offset -5s)": (5, 55),
    "rate(x[$window] offset -$window) + x": (0, 0),
    "rate(x[$window]) / rate(x[$window] offset 1d)": (86410, 86460),
    "max_over_time(rate(x[5m])[1h:1m] offset 3m)": (4080, 4080),
    "max_over_time(rate(x[$window])[$window:])": (20, 120),
    "max_over_time(deriv(rate(x[1m])[5m:])[1h:])": (3960, 3960),
    "x @ end()": (0, 0),
    "rate(x[5m] @ start() offset 1m)": (360, 360),
    "max_over_time(rate(x[5m] @ end())[1h:])": (300, 300),
    "max_over_time(rate(x[5m])[1h:] @ end())": (3900, 3900),
    "quantile(scalar(p offset 1d), x)": (86400, 86400),
    "label_replace(-(rate(x[5m])), 'a', '', '', '') or vector(0)": (300, 300),
    'sum by (a) (rate(x{b="[1h]"}[5m])) > bool 1': (300, 300),
    "x and y offset 1m > 0": (60, 60),
    "increase(x[$window]) / $window": (10, 60),
}


@pytest.mark.parametrize("text", REACH)
def test_reach_is_the_distance_to_the_oldest_moment_a_query_looks_at(text: str) -> None:
    query = Query.parse(text)
    assert (query.reach(10), query.reach(60)) == REACH[text]


def test_a_window_is_written_to_the_millisecond_and_never_longer_than_it_is() -> None:
    query = Query.parse("rate(x[$window])")
    assert query.render(5400.0209) == "rate(x[1h30m20ms])"
    assert query.reach(5400.0209) == 5400.020


def test_a_window_is_at_least_a_second() -> None:
    query = Query.parse("rate(x[$window])")
    assert [query.render(window) for window in (-5, 0, 0.4)] == ["rate(x[1s])"] * 3
    assert query.reach(0.4) == 1


def test_strings_and_comments_are_sent_as_they_are() -> None:
    text = """x{a="$window",b='$window',c=`$window\\d`} # $window"""
    assert Query.parse(text).render(60) == text


def test_a_query_is_sent_with_every_window_filled_in() -> None:
    assert Query.parse(RATIO).render(60) == RATIO.replace("$window", "1m")


def selectors_of(text: str) -> tuple[str, ...]:
    return tuple(sorted({one.selection.selector for one in Query.parse(text).selections}))


def test_names_and_values_that_need_quotes_are_kept() -> None:
    text = '{"a.metric", "a label"="x", b!="", c=~`\\d"`, d!~"\\\\."}'
    assert selectors_of(text) == ('{__name__="a.metric","a label"="x",b!="",c=~`\\d"`,d!~"\\\\."}',)


def test_what_is_in_a_string_is_for_prometheus_to_judge() -> None:
    text = 'x{a=~"[", b=~`(((\\pL{99}){99}){99}`, c=~"\\d"} + label_replace(y, "$1", "$2", "-", "(")'
    assert selectors_of(text) == ('x{a=~"[",b=~`(((\\pL{99}){99}){99}`,c=~"\\d"}', "y{}")


@pytest.mark.parametrize("text", ['x{a="",b="$c"}', "x{a='',b='$c'}", "x{a=``,b=`$c`}"])
def test_an_empty_string_ends_where_it_ends(text: str) -> None:
    assert selectors_of(text) == (text,)


def test_a_query_of_too_many_words_is_refused_before_it_is_parsed() -> None:
    Query.parse("-x" + "+x" * 249)
    with pytest.raises(QueryError, match="more than 500 words and signs: put a part into a recording rule"):
        Query.parse("x" + "+x" * 250)


def test_a_deeply_nested_query_is_read() -> None:
    assert Query.parse("(" * 160 + "-" * 170 + "rate(x[5m])" + ")" * 160).reach(1) == 300


def test_an_interrupt_while_parsing_stays_an_interrupt(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(text: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(promql_parser, "parse", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Query.parse("x")


@pytest.mark.parametrize(
    ("text", "loses"),
    [
        ("histogram_quantile(0.9, sum(rate(x_bucket[5m])))", True),
        ("1 + histogram_quantile(0.9, (sum by (a) (rate(x_bucket[5m]))))", True),
        ("histogram_quantile(0.9, sum without (le) (rate(x_bucket[5m])))", True),
        ("histogram_fraction(0, 1, sum(rate(x_bucket[5m])))", True),
        ("histogram_quantile(0.9, sum by (le) (rate(x_bucket[5m])))", False),
        ("histogram_quantile(0.9, sum without (a) (rate(x_bucket[5m])))", False),
        ("histogram_quantile(0.9, rate(x_bucket[5m]))", False),
        ("histogram_quantile(0.9, sum(rate(x_bucket[5m])) * 1)", True),
        ("histogram_quantile(0.9, 60 * sum(rate(x_bucket[5m])))", True),
        ("histogram_quantile(0.9, sum(rate(x_bucket[5m])) or vector(0))", True),
        ("histogram_quantile(0.9, sum(rate(x_bucket[5m])) * scalar(y_bucket))", True),
        ("histogram_quantile(0.9, sum(rate(x_bucket[5m])) and y_bucket)", True),
        ("histogram_quantile(0.9, label_replace(sum(rate(x_bucket[5m])), 'a', '$1', 'b', '(.*)'))", True),
        ("histogram_quantile(0.9, max_over_time(sum(rate(x_bucket[5m]))[1h:]))", True),
        ("histogram_quantile(0.9, sum by (le) (sum(rate(x_bucket[5m]))))", True),
        ("histogram_quantile(0.9, topk(5, sum(rate(x_bucket[5m]))))", True),
        ("histogram_quantile(0.9, topk(5, rate(x_bucket[5m])))", False),
        ("histogram_quantile(0.9, sum by (le) (rate(x_bucket[5m])) * 1)", False),
        ("histogram_quantile(0.9, sum by (le) (rate(x_bucket[5m])) or vector(0))", False),
        ("histogram_quantile(0.9, sum by (le) (rate(x_bucket[5m])) unless sum(y))", False),
        ("histogram_quantile(0.9, sum by (le) (rate(x_bucket[5m])) / on() group_left() sum(y))", False),
        ("histogram_quantile(0.9, label_replace(sum by (edge) (rate(x[5m])), ('le'), '$1', 'edge', '(.*)'))", False),
    ],
)
def test_buckets_are_told_apart_by_le(text: str, loses: bool) -> None:  # noqa: FBT001 - a table's column
    assert Query.parse(text).loses_le is loses


@pytest.mark.parametrize(
    ("text", "function"),
    [
        ("double_exponential_smoothing(x[5m], 0.5, 0.5)", "double_exponential_smoothing"),
        ("predict_linear(x[5m], 60)", "predict_linear"),
        ("max_over_time(x[5m])", ""),
    ],
)
def test_which_functions_need_two_samples_is_known(text: str, function: str) -> None:
    (one,) = Query.parse(text).selections
    assert one.selection.function == function


# --- for any query ---------------------------------------------------------------------------

words = st.text(st.characters(codec="utf-8"), max_size=8)
durations = st.sampled_from(["5m", "90s", "1h30m", "$window"])
offsets = st.sampled_from(["", " offset 1h", " offset -30s", " offset $window", " @ end()", " @ start() offset 5m"])


def selecting(name: str, labels: dict[str, str]) -> str:
    matchers = (f"{label}={json.dumps(value, ensure_ascii=False)}" for label, value in labels.items())
    return f"{name}{{{','.join(matchers)}}}"


selectors = st.builds(
    selecting, st.sampled_from(["x", "y:z"]), st.dictionaries(st.sampled_from(["group", "le"]), words)
)
instants = st.builds("{}{}".format, selectors, offsets)
rates = st.builds("rate({}[{}]{})".format, selectors, durations, offsets)


def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("max_over_time({}[{}:]{})".format, inner, durations, offsets),
        st.builds("({} / {})".format, inner, inner),
        st.builds("sum(-({}))".format, inner),
        st.builds("({} and ({} > bool 3))".format, inner, inner),
        st.builds("quantile(scalar({}), {})".format, inner, inner),
    )


queries = st.recursive(instants | rates, larger, max_leaves=6)
windows = st.floats(-1e3, 1e7)


@given(queries, windows, windows)
def test_a_longer_window_never_reaches_less_far(text: str, one: float, other: float) -> None:
    query = Query.parse(text)
    assert query.reach(min(one, other)) <= query.reach(max(one, other))


@given(queries, windows)
def test_what_was_read_is_readable_with_any_window(text: str, window: float) -> None:
    query = Query.parse(text)
    promql_parser.parse(query.render(window))
    promql_parser.parse(ask(needs(query, window, 120.0)) or "1")
    promql_parser.parse(ask(needs(query, window, 86400.0)) or "1")


@given(words, words, st.sampled_from(["=", "!="]))
def test_the_series_are_exactly_those_that_the_query_uses(group: str, le: str, operator: str) -> None:
    text = selecting("x", {"group": group, "le": le}).replace("group=", f"group{operator}", 1)
    [asked] = selectors_of(f"rate({text}[5m])")
    selector = promql_parser.parse(asked)
    assert isinstance(selector, promql_parser.VectorSelector)
    assert [(m.name, m.value) for m in selector.matchers.matchers] == [("group", group), ("le", le)]
    assert str(selector.matchers.matchers[0].op) == {"=": "MatchOp.Equal", "!=": "MatchOp.NotEqual"}[operator]


@given(st.one_of(st.text(), st.text("x()[]{}\"'`$window5m:@-+ #\\,=~")))
def test_any_text_is_either_a_query_or_refused(text: str) -> None:
    with suppress(QueryError):
        Query.parse(text)
