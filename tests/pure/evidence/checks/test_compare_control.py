"""A comparison without a control, and what can't be compared."""

import math
from dataclasses import replace
from typing import Any

import pytest
from mlrollout.api.compare import Compare, CompareGuardrail
from mlrollout.api.guardrail import Proof
from mlrollout.api.kinds import guardrail
from mlrollout.api.spec import Spec
from mlrollout.evidence.checks.check import Unmeasurable
from mlrollout.evidence.checks.compare import without_control
from mlrollout.evidence.checks.compare_shares import Shares
from mlrollout.evidence.checks.kinds import check_of
from mlrollout.evidence.checks.memory import ChangePoint
from mlrollout.evidence.measurement import Verdict
from mlrollout.evidence.statistics.blocks import Block, Counts, Pair
from mlrollout.evidence.statistics.counting.series import Series

from tests.pure.evidence.checks.comparisons import breach, verdicts
from tests.pure.evidence.checks.counters import ATTEMPT, EPOCH, SCRAPE, Counters, Looks
from tests.pure.evidence.checks.groups import COMPARE, HOUR, SCORE, WORSE, always, both, played, scored

FULL = replace(ATTEMPT, percentage=100)
WITH_MAX = {"name": "worse", "compare": COMPARE | {"max": 0.1}}


# --- no control ------------------------------------------------------------------------------


def test_at_100_percent_it_goes_on_against_a_limit() -> None:
    bad, good = (Looks.at(both(always(share), always(0.02)), WITH_MAX) for share in (0.3, 0.02))
    assert bad.every(15, HOUR, attempt=FULL).verdict is Verdict.BREACH
    assert "without a control" in breach(bad).message
    assert "max 10 %" in breach(bad).message
    found = good.every(15, HOUR, attempt=FULL)
    assert (found.verdict, found.proven) == (Verdict.PASS, Proof.SAFE)
    assert found.value == pytest.approx(0.02, abs=0.02)
    assert found.evidence is not None
    assert (found.evidence.limit, found.evidence.control) == (0.1, None)


def test_a_breach_without_a_control_is_told_though_events_had_waited_for_one() -> None:
    shares = Shares(Compare.model_validate(WITH_MAX["compare"]))
    waiting = shares.test.update(shares.test.begin(0.0), Block(0.0, 10.0, Pair((Counts(120, 26),), (Counts(),))))
    alone = shares.test.update(waiting, Block(10.0, 20.0, Pair((Counts(100, 50),), ())))
    value, words = shares.told(alone, shares.evidence(alone, 0.01), ChangePoint(10.0, waiting))
    assert value == pytest.approx(0.5)
    assert "50 %" in words


def test_at_100_percent_without_a_limit_nothing_passes() -> None:
    looks = Looks.at(both(always(0.9), always(0.02)), WORSE)
    found = looks.every(15, HOUR, attempt=FULL)
    assert verdicts(looks) == {Verdict.INCONCLUSIVE}
    assert "at 100 % there is no control to compare with" in found.message
    mean = Looks.at(scored(0.1, 0.9), SCORE)
    assert "at 100 % there is no control" in mean.every(15, HOUR, attempt=FULL).message
    assert verdicts(mean) == {Verdict.INCONCLUSIVE}


@pytest.mark.parametrize(
    ("change", "compare", "warned"),
    [
        ({}, {}, True),
        ({}, {"max": 0.1}, False),
        ({"action": "Alert"}, {}, False),
        ({"holdback": 5}, {}, False),
        ({"percentage": 99}, {}, False),
    ],
)
def test_a_stage_without_a_control_is_told_ahead(
    change: dict[str, Any], compare: dict[str, Any], *, warned: bool
) -> None:
    traffic = {"key": "k"} | ({"holdback": change["holdback"]} if "holdback" in change else {})
    own = {"name": "worse", "compare": COMPARE | compare} | ({"action": "Alert"} if "action" in change else {})
    stages = [{"name": "full", "percentage": change.get("percentage", 100), "duration": "1h"}]
    spec = Spec.model_validate({"revision": "1", "traffic": traffic, "guardrails": [own], "stages": stages})
    (found,) = spec.guardrails
    assert isinstance(found, CompareGuardrail)
    told = without_control(found, spec)
    assert told.startswith("stage full can't be left by a pass of guardrail worse: at 100 %") if warned else told == ""


def test_a_holdback_keeps_the_comparison_at_100_percent() -> None:
    looks = Looks.at(both(always(0.10), always(0.02)), WORSE)
    assert looks.every(15, HOUR, attempt=replace(FULL, holdback=5)).verdict is Verdict.BREACH
    assert "legacy" in breach(looks).message


def test_what_was_seen_before_100_percent_counts_on() -> None:
    counters = both(lambda at: 0.02 if at < HOUR else 0.3, always(0.02), 2 * HOUR)
    looks = Looks.at(counters, WITH_MAX)
    looks.every(15, HOUR)
    full = replace(FULL, stage=EPOCH + HOUR)
    young = looks.look(HOUR + 100, full)
    assert young.evidence is not None
    assert young.evidence.control is None
    assert looks.every(15, 2 * HOUR, begin=HOUR + 100, attempt=full).verdict is Verdict.BREACH
    assert looks.made[-1].begins == EPOCH


# --- what can't be compared ------------------------------------------------------------------


def test_a_group_that_never_was_is_no_data() -> None:
    for there, lacking in (("treatment", "control"), ("control", "treatment")):
        counters = Counters()
        played(counters, there, always(5), always(0.5), HOUR)
        looks = Looks.at(counters, WORSE)
        found = looks.every(15, 900)
        assert found.verdict is Verdict.NO_DATA
        assert f"group {lacking}: no series of the events" in found.message
        assert Verdict.BREACH not in verdicts(looks)


def test_a_group_that_vanishes_is_no_data_and_never_a_breach() -> None:
    counters = Counters()
    played(counters, "treatment", always(5), always(0.05), 2 * HOUR)
    played(counters, "control", always(5), always(0.05), HOUR)
    looks = Looks.at(counters, WORSE)
    looks.every(15, 2 * HOUR)
    assert looks.made[-1].verdict is Verdict.NO_DATA
    assert "group control: no sample of" in looks.made[-1].message
    assert Verdict.BREACH not in verdicts(looks)


def test_groups_without_events_are_no_pass() -> None:
    empty, silent = both(always(0), always(0), each=0), Counters()
    found = Looks.at(empty, WORSE).every(15, HOUR)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "treatment has no events yet, legacy has no events yet" in found.message
    played(silent, "treatment", always(5), always(0.5), HOUR)
    played(silent, "control", always(0), always(0), HOUR)
    looks = Looks.at(silent, WORSE)
    found = looks.every(15, HOUR)
    assert verdicts(looks) == {Verdict.INCONCLUSIVE}
    assert found.message.endswith(
        "the control has had no events in this stage, so that there is nothing to compare with"
    )
    other = Looks.at(silent, {"name": "worse", "compare": COMPARE | {"group": "arm"}})
    found = other.every(15, HOUR)
    assert found.verdict is Verdict.ERROR
    assert "has no label `arm`" in found.message


def test_no_pass_stands_on_events_that_were_compared_with_nothing() -> None:
    counters = Counters()
    played(counters, "treatment", always(5), always(0.5), HOUR)
    played(counters, "control", lambda at: 1 if at < 60 else 0, always(0), HOUR)
    few = {"name": "worse", "minSamples": {"count": 1000}, "compare": COMPARE}
    for worse, said in ((WORSE, "were compared with nothing: there are none of the control"), (few, "nothing")):
        looks = Looks.at(counters, worse)
        found = looks.every(15, HOUR)
        assert found.verdict is Verdict.INCONCLUSIVE
        assert said in found.message


def test_as_many_events_as_are_asked_for_must_have_been_compared() -> None:
    counters = Counters()
    played(counters, "treatment", always(5), always(0.02), HOUR)
    played(counters, "control", lambda at: 0 if at > HOUR - 300 else 5, always(0.02), HOUR)
    asked = {"name": "worse", "minSamples": {"count": 1150}, "compare": COMPARE}
    found = Looks.at(counters, asked).every(15, HOUR)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.message.endswith("but at least 1150 events of this stage are needed that were compared")


@pytest.mark.parametrize("field", ["bad", "all"])
def test_a_selector_of_one_group_alone_can_not_be_measured(field: str) -> None:
    pinned = COMPARE[field] + '{group="treatment"}'
    check = check_of(guardrail.validate_python({"name": "worse", "compare": COMPARE | {field: pinned}}))
    assert isinstance(check, Unmeasurable)
    assert check.where == f"compare.{field}"
    assert check.reason.startswith("it asks for one group alone: leave `group` out")


def test_a_selector_of_several_groups_is_one() -> None:
    raw = {"name": "worse", "compare": COMPARE | {"all": 'all_total{group=~"treatment|control",status!="x"}'}}
    assert not isinstance(check_of(guardrail.validate_python(raw)), Unmeasurable)


@pytest.mark.parametrize(
    ("value", "message"), [(math.nan, "a sample that is nan"), (-1.0, "below zero"), (0.5, "whole numbers")]
)
def test_what_is_no_count_is_an_error(value: float, message: str) -> None:
    counters = both(always(0.02), always(0.02))
    labels = {"__name__": "failed_total", "group": "treatment", "pod": "odd"}
    counters.series["failed_total"].append(
        Series(labels, tuple((EPOCH + SCRAPE * place, value) for place in range(240)))
    )
    looks = Looks.at(counters, WORSE)
    found = looks.every(15, 900)
    assert found.verdict is Verdict.ERROR
    assert message in found.message
    assert Verdict.BREACH not in verdicts(looks)
