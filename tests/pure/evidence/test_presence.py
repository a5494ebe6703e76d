"""Presence is asked of every selector of a question, and what it answers has one reading."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlrollout.api.threshold import ThresholdGuardrail
from mlrollout.evidence import causes
from mlrollout.evidence.answer import Answer, Sample
from mlrollout.evidence.presence import COUNT, Life, Need, Presence, ask, needs
from mlrollout.evidence.promql.query import Query

NOW = 1_700_000_000.0
GUARDRAIL = ThresholdGuardrail(name="errors", query="x", max=0.05, max_age=120.0, window=300.0)
ERRORS = "(sum(rate(err[$window])) or vector(0)) / sum(rate(req[$window]))"


def said(**values: float) -> Answer:
    """An answer of one series for each name, in which `_` stands for a space."""
    samples = tuple(Sample(value, {"selector": name.strip("_").replace("_", " ")}) for name, value in values.items())
    return Answer(samples, evaluated=NOW)


def needed(text: str, window: float = 300.0, max_age: float = 120.0) -> tuple[Need, ...]:
    return needs(Query.parse(text), window, max_age)


def presence(text: str, now: Answer, before: Answer | None = None, *, max_age: float = 120.0) -> Presence:
    return Presence(needed(text, max_age=max_age), max_age, now, before)


def lacking(found: Presence, stood: float = 86400.0) -> str:
    return causes.lacking(found.found, GUARDRAIL, stood)


# --- what is asked ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "max_age", "asked"),
    [
        ("x", 120, ["timestamp(x{})"]),
        ("x", 3600, ["timestamp(x{})"]),
        ("rate(x[5m])", 120, ["timestamp(x{})"]),
        ("rate(x[10m])", 360, ["present_over_time(x{}[6m])"]),
        ("rate(x[5m])", 3600, ["present_over_time(x{}[5m])"]),
        ("rate(x[5m] offset 1d)", 120, ["timestamp(x{})"]),
        ("x offset 9m", 3600, ["present_over_time(x{}[14m])"]),
        ("x offset 9m", 600, ["present_over_time(x{}[10m])"]),
        ("x offset -9m", 600, ["timestamp(x{})"]),
        ("last_over_time(x[1h])", 3600, ["present_over_time(x{}[1h])"]),
        ("last_over_time(x[1h])", 60, ["present_over_time(x{}[1m])"]),
        ("max_over_time((x)[1h:])", 60, ["present_over_time(x{}[1m])"]),
        ("avg_over_time((x[5m] offset 9m))", 3600, ["present_over_time(x{}[14m])"]),
        ("x / x + rate(y[5m]) + rate(y[5m])", 120, ["timestamp(x{})", "timestamp(y{})"]),
        ("b + a", 120, ["timestamp(a{})", "timestamp(b{})"]),
        ("rate(x[5m]) or vector(0)", 120, ["timestamp(x{})", "count_over_time(x{}[5m])"]),
        ("last_over_time(x[5m]) or vector(0)", 120, ["present_over_time(x{}[2m])"]),
        ("quantile_over_time(scalar(p), x[5m])", 120, ["timestamp(p{})", "present_over_time(x{}[2m])"]),
    ],
)
def test_each_selector_is_asked_for_its_newest_sample(text: str, max_age: float, asked: list[str]) -> None:
    question = ask(needed(text, max_age=max_age)) or ""
    assert re.findall(r"max\((\w+\([^()]+\))\)", question) == asked


def test_what_two_queries_need_alike_is_asked_once() -> None:
    both = needed("rate(x[5m]) / rate(y[5m])") + needs(Query.parse("sum(increase(y[5m]))"), 300.0, 120.0, COUNT)
    assert (ask(both) or "").count("timestamp") == 2
    found = Presence(both, 120.0, said(_0=NOW, _1=NOW - 130)).found
    assert [one.life for one in found] == [Life.FRESH, Life.OLD, Life.OLD]


def test_a_query_without_a_selector_needs_nothing() -> None:
    assert ask(needed("time() > bool 1")) is None


def test_one_series_in_two_places_is_held_to_the_stricter() -> None:
    text = "last_over_time(x[10m]) / rate(x[10m])"
    assert "gone silent" in lacking(presence(text, said(_0=1.0)))


# --- what the answer means -------------------------------------------------------------------

LIVES = said(_0=NOW - 1, _0_counted=5, _1=NOW - 1)


@pytest.mark.parametrize(
    ("text", "now", "before", "lives"),
    [
        ("x", said(_0=NOW - 120), None, [Life.FRESH]),
        ("x", said(_0=NOW - 121), said(), [Life.OLD]),
        ("x", said(), None, [Life.SILENT]),
        ("x", said(), said(_0_lived=1), [Life.SILENT]),
        ("x", said(), said(), [Life.NEVER]),
        ("last_over_time(x[10s])", said(), said(_0_lived=1, _0_recent=1), [Life.SPARSE]),
        ("last_over_time(x[10s])", said(), said(_0_lived=1), [Life.SILENT]),
        ("(count(ALERTS) or vector(0)) and on() x", said(_1=NOW), None, [Life.NEVER, Life.FRESH]),
        (ERRORS, LIVES, None, [Life.FRESH, Life.FRESH]),
        (ERRORS, said(_1=NOW), said(), [Life.NEVER, Life.FRESH]),
        (ERRORS, said(_1=NOW), said(_0_lived=1), [Life.SILENT, Life.FRESH]),
    ],
)
def test_a_selector_has_one_state(text: str, now: Answer, before: Answer | None, lives: list[Life]) -> None:
    assert [found.life for found in presence(text, now, before).found] == lives


@pytest.mark.parametrize(
    ("found", "cause"),
    [
        (presence(ERRORS, LIVES), ""),
        (presence(ERRORS, said(_1=NOW), said()), ""),
        (presence(ERRORS, said(_1=NOW), said(_0_lived=1)), "`err` has gone silent"),
        (presence(ERRORS, said(_1=NOW)), "`err` has gone silent"),
        (
            presence(ERRORS, said(), said()),
            "`req` has no sample, as far back as this guardrail looks: check its name and labels, and that its target",
        ),
        (presence(ERRORS, said(_0=NOW, _0_counted=2), said(_1_lived=1)), "`req` has gone silent"),
        (presence(ERRORS, said(_0=NOW, _0_counted=1, _1=NOW)), "rate needs two samples of `err`, and 5m hold fewer"),
        (presence(ERRORS, said(_0=NOW, _1=NOW)), "rate needs two samples of `err`"),
        (presence("rate(x[5m]) or vector(0)", said(), said()), "export it at 0 from the start"),
        (presence("absent(x) or vector(0)", said(), said()), "export it at 0 from the start"),
        (presence("x unless y", said(_0=NOW), said()), ""),
        (presence("y or x", said(_0=NOW), said()), ""),
        (presence("x and on() y", said(_0=NOW), said()), "`y` has no sample, as far back as this guardrail looks"),
        (
            presence("x > bool scalar(y)", said(_0=NOW), said()),
            "`y` has no sample, as far back as this guardrail looks",
        ),
        (presence("(increase(err) default 0) / increase(req)", said(_1=NOW), said()), ""),
        (
            presence("(increase(err) default 0) / increase(req)", said(_1=NOW), said(_0_lived=1)),
            "`err` has gone silent",
        ),
        (
            presence("(increase(err) default 0) / increase(req)", said(), said()),
            "`req` has no sample, as far back as this guardrail looks",
        ),
        (presence("increase(err) / increase(req)", said(_1=NOW), said()), "`err` has no sample, as far back"),
        (presence("sum(ALERTS) default 0", said()), "end the query with `and on() count(…)`"),
        (presence("(sum(ALERTS) default 0) and on() count(x)", said(_1=NOW)), ""),
        (presence("count(ALERTS) or vector(0)", said()), "end the query with `and on() count(…)`"),
        (
            presence("last_over_time(x[10s])", said(), said(_0_recent=1)),
            "`x` has fewer samples than one in 10s: read it",
        ),
        (presence("last_over_time(x[1h])", said(), said(_0_lived=1)), "`x` has had no sample for 2m"),
        (presence('{a="b"}', said(_0=NOW - 200), said()), '`{a="b"}` was taken 3m20s ago (maxAge is 2m)'),
        (
            presence("x" * 200, said(), said()),
            "`" + "x" * 119 + "…` has no sample, as far back as this guardrail looks",
        ),
    ],
)
def test_what_is_missing_is_named_with_what_to_do(found: Presence, cause: str) -> None:
    told = lacking(found)
    assert cause in told
    assert bool(told) is bool(cause)


def test_what_is_missing_of_the_count_is_told_as_the_counts() -> None:
    counted = needs(Query.parse("sum(n) or vector(9)"), 300.0, 120.0, COUNT)
    found = Presence(needed("x") + counted, 120.0, said(_0=NOW), said())
    assert lacking(found).startswith("minSamples.query: `n` has no sample, as far back as this guardrail looks")
    assert found.age == 0


def test_a_selector_of_the_count_that_went_silent_is_told_as_the_counts() -> None:
    counted = needs(Query.parse("sum(increase(n[5m])) or vector(9)"), 300.0, 120.0, COUNT)
    found = Presence(needed("x") + counted, 120.0, said(_0=NOW), said(_1_lived=1))
    assert lacking(found).startswith("minSamples.query: `n` has gone silent: its targets are gone")


def test_a_range_that_has_not_grown_yet_is_told_as_a_young_stage() -> None:
    young = Presence(needed("rate(x[$window]) or vector(0)", window=2.0), 120.0, said(_0=NOW))
    assert lacking(young, 2.0) == "the stage began 2s ago, and rate needs two samples of `x` since: wait"
    first = Presence(needed("avg_over_time(x[$window])", window=2.0), 120.0, said(), said(_0_recent=1))
    assert lacking(first, 2.0) == "the stage began 2s ago, and there is no sample of `x` since: wait"
    fixed = Presence(needed("rate(x[10s]) or vector(0)", window=2.0), 120.0, said(_0=NOW))
    assert "10s hold fewer" in lacking(fixed, 2.0)


@pytest.mark.parametrize(
    ("found", "loses_le", "cause"),
    [
        (presence("rate(x[5m])", said(_0=NOW), said(_0_counted=1)), False, "rate needs two samples of `x`"),
        (presence("rate(x[5m])", said(_0=NOW), said(_0_counted=2)), True, "write `sum by (le) (…)` inside it"),
        (presence("rate(x[5m])", said(_0=NOW), said(_0_counted=2)), False, "have no labels in common"),
        (presence("rate(x[5m])", said(_0=NOW)), False, "or a condition in it does not hold"),
        (
            presence("max_over_time(x[5m] offset 1h)", said(_0=NOW)),
            False,
            "that it looks back to they had no sample yet",
        ),
    ],
)
def test_why_there_is_no_answer_though_everything_lives(found: Presence, loses_le: bool, cause: str) -> None:  # noqa: FBT001 - a table's column
    assert cause in causes.empty(found.found, GUARDRAIL, 86400.0, loses_le=loses_le)


def test_the_past_is_asked_for_only_where_something_is_missing_or_uncounted() -> None:
    assert presence("x", said(_0=NOW)).history(600) is None
    assert not presence("x", said(_0=NOW)).missing
    assert presence("x + y", said(_0=NOW)).missing
    gone = 'label_replace(max(present_over_time(x{}[12m])), "selector", "0 lived", "", "")'
    assert presence("x", said()).history(600) == gone
    assert "count_over_time(x{}[5m])" in (presence("rate(x[5m])", said(_0=NOW)).history(600) or "")
    assert '"0 recent"' in (presence("last_over_time(x[10s])", said()).history(600) or "")
    assert presence("count(ALERTS) or vector(0)", said()).history(600) is None


@pytest.mark.parametrize(("reach", "memory"), [(600, "24h"), (2e6, "555h35m20s")])
def test_what_a_job_exported_that_is_down_is_remembered_for_a_day(reach: float, memory: str) -> None:
    asked = presence("x or vector(0)", said()).history(reach) or ""
    for by in ("job", "job, instance"):
        assert f"(present_over_time(x{{}}[{memory}])) * on ({by}) max by ({by}) (up)) == 0" in asked
    down = presence(ERRORS, said(_1=NOW), said(_0_down=1))
    assert "`err` has gone silent" in lacking(down)


def test_how_old_the_newest_samples_are_is_known_as_far_as_they_tell() -> None:
    assert presence("x + y", said(_0=NOW - 5, _1=NOW - 7)).age == 7
    assert presence("x + y", said(_0=NOW - 5)).age == 5
    assert replace(presence("x", said(_0=NOW)), now=replace(said(_0=NOW), evaluated=None)).age == 0


# --- for any query ---------------------------------------------------------------------------

names = st.sampled_from(["a", "b", "c"])
leaves = st.one_of(
    names,
    names.map(lambda name: f"rate({name}[$window])"),
    names.map(lambda name: f"last_over_time({name}[1h])"),
)
queries = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds("sum({} or vector(0))".format, inner),
        st.builds("({} / {})".format, inner, inner),
        st.builds("({} or {})".format, inner, inner),
        st.builds("({} unless {})".format, inner, inner),
    ),
    max_leaves=5,
)


@given(queries, st.sets(names), st.sampled_from([60.0, 120.0, 3600.0]))
def test_a_selector_that_died_is_never_passed_over(text: str, dead: set[str], max_age: float) -> None:
    """Whatever the query makes of its absence."""
    needed_ = needs(Query.parse(text), 300.0, max_age)
    used = {need.selector.removesuffix("{}") for need in needed_}
    gone = {at for at, need in enumerate(needed_) if need.selector.removesuffix("{}") in dead}
    now = Answer(
        tuple(
            Sample(value, {"selector": name})
            for at, need in enumerate(needed_)
            if at not in gone
            for name, value in ((f"{at}", NOW - 1 if need.now else 1.0), (f"{at} counted", 9.0))
        ),
        evaluated=NOW,
    )
    before = Answer(tuple(Sample(1.0, {"selector": f"{at} lived"}) for at in gone))
    for history in (None, before):
        cause = causes.lacking(Presence(needed_, max_age, now, history).found, GUARDRAIL, 86400.0)
        assert bool(cause) is bool(used & dead)


@given(queries)
def test_what_exports_nothing_never_passes(text: str) -> None:
    needed_ = needs(Query.parse(text), 300.0, 120.0)
    found = Presence(needed_, 120.0, said(), said()).found
    assert "has no sample, as far back as this guardrail looks" in causes.lacking(found, GUARDRAIL, 86400.0)
