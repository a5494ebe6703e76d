"""Treatment against control, from the samples of counters to verdicts: what each alone, and both together, come to."""

import math
from dataclasses import replace
from typing import Any

import pytest
from mlrollout.api.compare import CompareGuardrail
from mlrollout.api.guardrail import Proof
from mlrollout.api.kinds import guardrail
from mlrollout.api.spec import Requirement, Spec
from mlrollout.evidence.checks.check import Unmeasurable
from mlrollout.evidence.checks.compare import without_control
from mlrollout.evidence.checks.kinds import check_of, kind_of
from mlrollout.evidence.checks.sequential import SequentialCheck
from mlrollout.evidence.measurement import Measurement, Verdict
from mlrollout.evidence.statistics.counting.series import Series

from tests.pure.evidence.checks.counters import ATTEMPT, EPOCH, SCRAPE, Counters, Looks, read
from tests.pure.evidence.checks.groups import COMPARE, HOUR, SCORE, WORSE, always, both, played, scored, unlucky

FULL = replace(ATTEMPT, percentage=100)
WITH_MAX = {"name": "worse", "compare": COMPARE | {"max": 0.1}}
COHORTS = [str(number) for number in range(20)]


def late(at: float) -> float:
    return 0.02 if at < 2 * HOUR else 0.2


def breach(looks: Looks) -> Measurement:
    return next(one for one in looks.made if one.verdict is Verdict.BREACH)


def verdicts(looks: Looks) -> set[Verdict]:
    return {one.verdict for one in looks.made}


# --- shares ----------------------------------------------------------------------------------


def test_a_treatment_like_the_control_passes_and_is_proven_safe() -> None:
    looks = Looks.at(both(always(0.2), always(0.2), each=20), WORSE)
    found = looks.every(15, HOUR)
    assert (found.verdict, found.proven) == (Verdict.PASS, Proof.SAFE)
    assert verdicts(looks) == {Verdict.PASS, Verdict.INCONCLUSIVE}
    assert "no worse, surely less than" in found.message or "times worse, surely less than" in found.message
    assert found.message.endswith("tolerated is 1.5; proven safe")


def test_a_worse_treatment_is_a_breach_that_says_how_much_worse_and_how_sure() -> None:
    looks = Looks.at(both(always(0.10), always(0.02)), WORSE)
    assert looks.every(15, HOUR).verdict is Verdict.BREACH
    found = breach(looks)
    assert found.at <= EPOCH + 20 * 60
    assert found.message.startswith("treatment fails ")
    assert ", legacy 0." in found.message
    assert " times worse, surely more than 1." in found.message
    assert "; chance of a false alarm below 1 %" in found.message
    assert "counted by request" in found.message
    assert found.evidence is not None
    assert found.evidence.control is not None
    assert found.evidence.treatment.bad is not None
    assert found.evidence.control.bad is not None
    assert found.evidence.treatment.bad > found.evidence.control.bad
    assert found.evidence.low > 1
    assert found.evidence.design_effect is None


def test_the_other_group_being_worse_is_none() -> None:
    looks = Looks.at(both(always(0.02), always(0.2)), WORSE)
    found = looks.every(15, HOUR)
    assert Verdict.BREACH not in verdicts(looks)
    assert found.proven is Proof.SAFE
    assert "; no worse, surely less than" in found.message


def test_what_makes_both_worse_is_none() -> None:
    looks = Looks.at(both(late, late, 3 * HOUR), WORSE)
    looks.every(15, 3 * HOUR)
    assert Verdict.BREACH not in verdicts(looks)


def test_one_that_goes_bad_late_is_found_and_told_since_when() -> None:
    looks = Looks.at(both(late, always(0.02), 3 * HOUR), WORSE)
    looks.every(15, 3 * HOUR)
    found = breach(looks)
    assert 2 * HOUR < found.at - EPOCH < 2 * HOUR + 1200
    assert " since 2027-" in found.message
    assert "; in all of this stage treatment fails " in found.message


def test_every_block_is_a_stratum_of_its_own() -> None:
    # More in treatment and a worse hour come together: all counts in one pot would say that treatment is worse.
    counters = Counters()
    played(counters, "treatment", lambda at: 2 if at < HOUR else 18, lambda at: 0.02 if at < HOUR else 0.3, 2 * HOUR)
    played(counters, "control", lambda at: 18 if at < HOUR else 2, lambda at: 0.02 if at < HOUR else 0.3, 2 * HOUR)
    looks = Looks.at(counters, WORSE)
    found = looks.every(15, 2 * HOUR)
    assert found.evidence is not None
    assert (found.evidence.estimate or 0) > 3  # what one pot would say
    assert found.evidence.e_value < 10
    assert Verdict.BREACH not in verdicts(looks)


def test_a_tolerated_difference() -> None:
    raw = {"name": "worse", "compare": {"bad": "failed_total", "all": "all_total", "difference": 0.02}}
    looks = Looks.at(both(always(0.10), always(0.02)), raw)
    looks.every(15, HOUR)
    found = breach(looks)
    assert " points more" in found.message
    assert "tolerated is 2 %" in found.message
    assert kind_of(looks.check.guardrail).limit(looks.check.guardrail, 0.1) == 0.02
    alike = Looks.at(both(always(0.02), always(0.03)), raw)
    assert "; no more" in alike.every(15, HOUR).message
    assert Verdict.BREACH not in verdicts(alike)


def test_without_a_bad_event_of_the_control_there_is_no_ratio_but_a_verdict() -> None:
    looks = Looks.at(both(always(0.2), always(0.0)), WORSE)
    looks.every(15, HOUR)
    found = breach(looks)
    assert found.value is None
    assert ", legacy 0 %, surely more than " in found.message
    good = Looks.at(both(always(0.0), always(0.2)), WORSE).every(15, HOUR)
    assert kind_of(guardrail.validate_python(WORSE)).meets(Requirement(guardrail="worse", proven=Proof.SAFE), good)
    none = Looks.at(both(always(0.0), always(0.0)), WORSE).every(15, HOUR)
    assert (none.verdict, none.value) == (Verdict.PASS, None)
    assert not kind_of(guardrail.validate_python(WORSE)).meets(Requirement(guardrail="worse", max=9), none)


def test_buckets_above_an_edge_are_compared_too() -> None:
    counters = Counters()
    for group, slow in (("treatment", 3.0), ("control", 0.0)):
        for edge, steps in (("0.5", 2.0), ("2.0", 10.0 - slow), ("+Inf", 10.0)):
            counters.scraped("seconds_bucket", iter([steps] * 240), group=group, le=edge)
    raw = {"name": "slow", "compare": {"histogram": "seconds_bucket", "above": "2", "ratio": 1.5}}
    looks = Looks.at(counters, raw)
    looks.every(15, HOUR)
    assert "treatment is above 2 in 30 % (" in breach(looks).message
    no_bucket = Looks.at(counters, {"name": "slow", "compare": raw["compare"] | {"above": "3"}})  # type: ignore[operator]
    found = no_bucket.every(15, 600)
    assert found.verdict is Verdict.ERROR
    assert "no bucket has the edge 3: the nearest are 0.5, 2" in found.message


# --- cohorts ---------------------------------------------------------------------------------


def test_users_who_try_again_and_again_are_no_breach_where_cohorts_tell() -> None:
    by_request = Looks.at(unlucky(HOUR, ["0"]), WORSE)
    by_request.every(600, HOUR)
    assert Verdict.BREACH in verdicts(by_request)  # ten requests are one user, which nobody told
    by_cohort = Looks.at(unlucky(HOUR, COHORTS), WORSE)
    found = by_cohort.every(600, HOUR)
    assert Verdict.BREACH not in verdicts(by_cohort)
    assert found.evidence is not None
    assert (found.evidence.design_effect or 0) > 1.5
    assert " requests count as one (design effect)" in found.message


def test_a_worse_treatment_is_found_by_cohorts_too_and_nobodys_calls_do_not_count() -> None:
    counters = Counters()
    for cohort in COHORTS:
        played(counters, "treatment", always(0.5), always(0.2), HOUR, cohort=cohort)
        played(counters, "control", always(0.5), always(0.02), HOUR, cohort=cohort)
    played(counters, "control", always(50), always(1.0), HOUR, cohort="none")
    looks = Looks.at(counters, WORSE)
    looks.every(15, HOUR)
    found = breach(looks)
    assert found.evidence is not None
    assert found.evidence.control is not None
    assert found.evidence.control.events < 3000
    assert found.evidence.design_effect == pytest.approx(1, abs=0.8)
    assert "counted by request" not in found.message


def test_users_may_be_divided_otherwise_from_some_time_on() -> None:
    counters = Counters()
    for group in ("treatment", "control"):
        for cohort in COHORTS[:4]:
            played(counters, group, always(1), always(0.1), HOUR, cohort=cohort)
        for cohort in COHORTS[4:]:
            played(counters, group, lambda at: 1 if at > HOUR / 2 else 0, always(0.1), HOUR, cohort=cohort)
    old = {
        name: [one for one in found if one.labels["cohort"] in COHORTS[:4]] for name, found in counters.series.items()
    }
    looks = Looks.at(Counters(old), WORSE)
    looks.every(15, HOUR / 2)
    looks.counters = counters
    assert looks.every(15, HOUR, begin=HOUR / 2).verdict is Verdict.PASS
    looks.counters = Counters(old)
    assert looks.every(15, HOUR + 100, begin=HOUR).verdict is Verdict.PASS
    gone = both(always(0.1), always(0.1), HOUR + 600)  # an application that has no cohorts any more
    looks.counters = gone
    assert looks.every(15, HOUR + 500, begin=HOUR + 100).evidence is not None


def test_a_label_that_is_no_cohort_of_the_sdk_is_none() -> None:
    counters = Counters()
    for cohort in ("north", "south"):
        played(counters, "treatment", always(3), always(0.02), HOUR, cohort=cohort)
        played(counters, "control", always(3), always(0.02), HOUR, cohort=cohort)
    found = Looks.at(counters, WORSE).every(15, HOUR)
    assert found.evidence is not None
    assert found.evidence.design_effect is None


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


# --- means -----------------------------------------------------------------------------------


def test_like_means_pass_once_it_is_known_how_far_values_lie_apart() -> None:
    looks = Looks.at(scored(0.8, 0.8), SCORE)
    young = looks.every(15, 200)
    assert young.verdict is Verdict.INCONCLUSIVE
    assert "how far values lie apart is still to be learnt (" in young.message
    found = looks.every(15, HOUR, begin=200)
    assert (found.verdict, found.proven) == (Verdict.PASS, Proof.SAFE)
    assert "treatment's mean is 0." in found.message
    assert Verdict.BREACH not in verdicts(looks)


@pytest.mark.parametrize(
    ("compare", "means", "told"),
    [
        ({"worse": "Lower", "difference": 0.05}, (0.6, 0.8), "0.2"),
        ({"worse": "Lower", "ratio": 1.1}, (0.6, 0.8), "1.3"),
        ({"worse": "Higher", "ratio": 1.1}, (1.2, 0.8), "1.5"),
        ({"difference": 0.05}, (1.2, 0.8), "0.4"),
    ],
)
def test_a_worse_mean_is_a_breach(compare: dict[str, Any], means: tuple[float, float], told: str) -> None:
    raw = {"name": "score", "compare": {"sum": "score_sum", "count": "score_count"} | compare}
    looks = Looks.at(scored(*means), raw)
    looks.every(15, HOUR)
    found = breach(looks)
    assert found.value == pytest.approx(float(told), abs=0.06)
    assert ", surely more than " in found.message
    assert "; chance of a false alarm below 1 %" in found.message
    better = Looks.at(scored(*reversed(means)), raw)
    better.every(15, HOUR)
    assert Verdict.BREACH not in verdicts(better)
    assert "; no worse, surely less than" in better.made[-1].message


def test_a_mean_that_gets_worse_late_is_told_since_when() -> None:
    early, worse = scored(0.8, 0.8, HOUR), scored(0.6, 0.8, HOUR, seed=2)
    joined = Counters()
    for name, all_ in early.series.items():
        for one, other in zip(all_, worse.series[name], strict=True):
            last, end = one.samples[-1], one.samples[-1]
            more = tuple((last[0] + at - other.samples[0][0], end[1] + value) for at, value in other.samples[1:])
            joined.series.setdefault(name, []).append(replace(one, samples=one.samples + more))
    looks = Looks.at(joined, SCORE)
    looks.every(15, 2 * HOUR)
    found = breach(looks)
    assert found.at > EPOCH + HOUR
    assert found.message.startswith("since 2027-")
    assert "; in all of this stage treatment's mean is" in found.message


def test_a_block_lasts_as_long_as_the_interval_and_one_of_means_never_a_moment() -> None:
    asked = [check_of(read(raw | {"interval": interval})) for raw in (WORSE, SCORE) for interval in ("1s", "1m")]
    found = [one.blocks.step for one in asked if isinstance(one, SequentialCheck)]

    assert found == [1, 60, 15, 60]


def test_means_that_are_nothing_have_no_ratio() -> None:
    counters = Counters()
    for group in ("treatment", "control"):
        counters.scraped("score_sum", iter([0.0] * 240), group=group)
        counters.scraped("score_count", iter([5.0] * 240), group=group)
    raw = {"name": "score", "compare": {"sum": "score_sum", "count": "score_count", "ratio": 1.1}}
    found = Looks.at(counters, raw).every(15, HOUR)
    assert found.verdict is Verdict.INCONCLUSIVE  # values that are all the same teach nothing


def test_a_mean_of_nothing_is_told_as_such() -> None:
    counters = Counters()
    for group in ("treatment", "control"):
        counters.scraped("score_sum", iter([0.0] * 240), group=group)
        counters.scraped("score_count", iter([0.0] * 240), group=group)
    found = Looks.at(counters, SCORE).every(15, HOUR)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "treatment's mean is not known yet, legacy's is not known yet" in found.message


# --- memory ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["shares", "cohorts", "means"])
def test_another_process_goes_on_from_the_checkpoint_to_the_same_numbers(kind: str) -> None:
    counters, raw = {
        "shares": (both(late, always(0.02), 3 * HOUR), WORSE),
        "cohorts": (unlucky(HOUR, COHORTS), WORSE),
        "means": (scored(0.78, 0.8, 3 * HOUR), SCORE),
    }[kind]
    steady, first = Looks.at(counters, raw), Looks.at(counters, raw)
    end = HOUR if kind == "cohorts" else 3 * HOUR
    steady.every(300, end)
    first.every(300, end / 4)
    second = first.taken_over()
    second.every(300, end, begin=end / 2)
    assert second.made[-1] == steady.made[-1]
    assert len(second.made[-1].checkpoint) < 4096
