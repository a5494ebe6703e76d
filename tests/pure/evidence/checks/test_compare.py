"""Treatment against control, from counters to verdicts: shares of bad events, with and without cohorts."""

from dataclasses import replace
from itertools import pairwise

import pytest
from mlrollout.api.guardrail import Proof
from mlrollout.api.kinds import guardrail
from mlrollout.api.spec import Requirement
from mlrollout.evidence.checks.kinds import kind_of
from mlrollout.evidence.measurement import Verdict

from tests.pure.evidence.checks.comparisons import breach, verdicts
from tests.pure.evidence.checks.counters import ATTEMPT, EPOCH, Counters, Looks
from tests.pure.evidence.checks.groups import HOUR, SCORE, WORSE, always, both, played, scored, unlucky

COHORTS = [str(number) for number in range(20)]


def late(at: float) -> float:
    return 0.02 if at < 2 * HOUR else 0.2


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


@pytest.mark.parametrize("changes", [(1450,), (1350, 1495)], ids=["in the block", "long before it"])
def test_failures_that_are_back_in_the_block_of_a_change_count_for_no_share(changes: tuple[float, ...]) -> None:
    """They were hidden when the percentage changed, of which that block only knows that it did."""
    counters = Counters()
    for group in ("treatment", "control"):
        played(counters, group, always(5), always(0.1), HOUR, job="app", instance="a")
    failed = counters.series["failed_total"]
    failed[:] = [
        replace(one, samples=tuple(found for found in one.samples if not 1250 < found[0] - EPOCH < 1490))
        for one in failed
    ]
    looks = Looks.at(counters, WORSE | {"interval": "1m"})
    looks.every(15, changes[0])
    for number, (begin, end) in enumerate(pairwise((*changes, 1600)), start=2):
        now = replace(ATTEMPT, stage=EPOCH + begin, steady=EPOCH + begin, percentage=10 * number)
        looks.every(15, end, begin=begin, attempt=now)

    assert any("the percentage changed, and is back at" in one.message for one in looks.made)
    for one in looks.made:
        if one.evidence is not None:
            assert (one.evidence.treatment.bad or 0) < 0.3 * one.evidence.treatment.events + 5
