"""A rate against a limit, from the samples of counters to verdicts: early, late, and over restarts and stages."""

from dataclasses import replace

import pytest
from mlrollout.api.guardrail import Proof
from mlrollout.evidence.measurement import Verdict

from tests.pure.evidence.checks.counters import ATTEMPT, EPOCH, GUARDRAIL, Looks, traffic

HOUR = 3600.0


def healthy(_: float) -> float:
    return 0.01


def late(at: float) -> float:
    return 0.01 if at < 2 * HOUR else 0.2


def test_a_healthy_model_passes_and_is_proven_safe() -> None:
    found = Looks.at(traffic(5, healthy, HOUR)).every(15, HOUR)
    assert (found.verdict, found.proven) == (Verdict.PASS, Proof.SAFE)
    assert found.value == pytest.approx(0.01, abs=0.01)
    assert found.begins == EPOCH + 15
    assert found.message.endswith("proven safe")


def test_a_failing_model_is_a_breach_that_says_what_was_seen() -> None:
    looks = Looks.at(traffic(1, lambda _: 0.2, HOUR))
    found = looks.every(15, HOUR)
    first = next(one for one in looks.made if one.verdict is Verdict.BREACH)
    assert (found.verdict, first.at <= EPOCH + 20 * 60) == (Verdict.BREACH, True)
    assert first.begins == EPOCH
    assert first.value is not None
    assert first.value > 0.05
    assert "are bad" in first.message
    assert "by chance alone, that is seen in less than 1 % of all attempts" in first.message


def test_one_that_goes_bad_late_is_found_as_soon() -> None:
    looks = Looks.at(traffic(5, late, 3 * HOUR))
    looks.every(15, 3 * HOUR)
    first = next(one for one in looks.made if one.verdict is Verdict.BREACH)
    assert 2 * HOUR < first.at - EPOCH < 2 * HOUR + 600
    assert first.evidence is not None
    assert first.evidence.estimate is not None
    assert first.evidence.estimate < 0.05
    assert first.value is not None
    assert first.value > 0.1  # since it went bad
    assert " since 2027-" in first.message


def test_another_process_goes_on_from_the_checkpoint_to_the_same_numbers() -> None:
    counters = traffic(5, late, 3 * HOUR)
    steady, first = Looks.at(counters), Looks.at(counters)
    steady.every(15, 3 * HOUR)
    first.every(15, HOUR)
    second = first.taken_over()
    second.every(15, 3 * HOUR, begin=1.5 * HOUR)
    at = {one.at: one for one in second.made}
    for one in steady.made:
        if one.at > EPOCH + 1.7 * HOUR and one.at in at:
            assert at[one.at] == one
    assert second.made[-1].verdict is Verdict.BREACH


def test_one_that_knows_nothing_reads_the_history_to_the_same_numbers() -> None:
    counters = traffic(5, late, 3 * HOUR)
    steady, new = Looks.at(counters), Looks.at(counters)
    steady.every(15, 2.5 * HOUR)
    new.every(15, 2.5 * HOUR, begin=2 * HOUR)
    assert new.made[-1] == steady.made[-1]
    assert "what was missed is counted" in new.made[0].message
    assert new.made[0].verdict is Verdict.INCONCLUSIVE


def test_how_often_anybody_looks_changes_nothing() -> None:
    counters = traffic(5, late, 3 * HOUR)
    often, seldom = Looks.at(counters), Looks.at(counters)
    often.every(3, 2 * HOUR + 3)
    seldom.every(600, 2 * HOUR)
    assert seldom.look(2 * HOUR + 3) == often.made[-1]


def test_a_stage_has_to_prove_itself_anew_and_a_breach_uses_all_of_the_attempt() -> None:
    counters = traffic(5, late, 3 * HOUR)
    looks = Looks.at(counters)
    looks.every(15, HOUR)
    second = replace(ATTEMPT, stage=EPOCH + HOUR, percentage=30)
    young = looks.look(HOUR + 15, second)
    assert young.verdict is Verdict.INCONCLUSIVE
    assert "this stage began a moment ago" in young.message
    found = looks.every(15, 2 * HOUR, begin=HOUR + 15, attempt=second)
    assert found.begins == EPOCH + HOUR + 15
    assert found.samples == pytest.approx(HOUR / 3, rel=0.1)
    assert found.proven is Proof.SAFE
    assert looks.every(15, 3 * HOUR, begin=2 * HOUR, attempt=second).verdict is Verdict.BREACH


def test_another_attempt_begins_from_nothing() -> None:
    looks = Looks.at(traffic(5, lambda at: 0.2 if at < HOUR else 0.01, 3 * HOUR))
    assert looks.every(15, HOUR).verdict is Verdict.BREACH
    again = replace(ATTEMPT, number=8, began=EPOCH + HOUR, stage=EPOCH + HOUR, clear=EPOCH + HOUR)
    assert looks.every(15, 2 * HOUR, begin=HOUR, attempt=again).verdict is Verdict.PASS
    lost = replace(again, clear=EPOCH + 2 * HOUR, began=EPOCH + 2 * HOUR)  # the same attempt, whose status was lost
    assert looks.look(2 * HOUR + 100, lost).samples == pytest.approx(15, abs=15)


def test_the_chance_of_a_false_alarm_is_shared() -> None:
    counters = traffic(5, healthy, HOUR)
    alone, shared = Looks.at(counters).every(15, HOUR), Looks.at(counters, sharing=4).every(15, HOUR)
    assert alone.evidence is not None
    assert shared.evidence is not None
    assert (alone.evidence.false_alarm, shared.evidence.false_alarm) == (0.01, 0.0025)
    own = Looks.at(counters, GUARDRAIL | {"falseAlarm": 0.1}).every(15, HOUR)
    assert own.evidence is not None
    assert own.evidence.false_alarm == 0.1
    assert shared.evidence.low < alone.evidence.low < own.evidence.low


def test_a_pass_stands_on_enough_events() -> None:
    looks = Looks.at(traffic(1, healthy, HOUR), GUARDRAIL | {"minSamples": {"count": 100}})
    few, enough = looks.every(15, 1200), looks.every(15, 2400, begin=1200)
    assert (few.verdict, enough.verdict) == (Verdict.INCONCLUSIVE, Verdict.PASS)
    assert few.message.endswith("but at least 100 events of this stage are needed")
    nothing = Looks.at(traffic(0, healthy, HOUR)).every(15, HOUR)
    assert (nothing.verdict, nothing.value) == (Verdict.INCONCLUSIVE, None)
    assert "no events yet" in nothing.message
