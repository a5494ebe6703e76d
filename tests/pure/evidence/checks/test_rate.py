"""A rate against a limit, from the samples of counters to verdicts: early, late, and over restarts and stages."""

import json
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlrollout.api.guardrail import Proof
from mlrollout.evidence.answer import Answer
from mlrollout.evidence.checks.check import Failure, Occasion, Unmeasurable
from mlrollout.evidence.checks.kinds import check_of, kind_of
from mlrollout.evidence.measurement import Measurement, Verdict
from mlrollout.evidence.statistics.counting.series import Series

from tests.pure.evidence.checks.counters import ATTEMPT, EPOCH, GUARDRAIL, RATE, Counters, Looks, read, traffic
from tests.pure.evidence.checks.rates import HOUR, constant, counters, healthy, late, steps


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


def test_one_that_heard_of_the_attempt_before_its_status_did_learns_when_it_began() -> None:
    counters = traffic(5, late, HOUR)
    early, steady = Looks.at(counters), Looks.at(counters)
    early.look(10, replace(ATTEMPT, began=EPOCH - 100))
    assert early.every(15, HOUR) == steady.every(15, HOUR)


def test_blocks_are_the_same_for_one_that_waited_before_it_learned_when_the_attempt_began() -> None:
    counters = traffic(5, late, HOUR)
    for name, found in counters.series.items():
        silent = (replace(one, samples=_but(one.samples, EPOCH + 300, EPOCH + 900)) for one in found)
        counters.series[name] = [*silent]
    early, steady = Looks.at(counters), Looks.at(counters)
    early.every(15, 795, begin=300, attempt=replace(ATTEMPT, began=EPOCH + 330))
    assert early.every(15, HOUR, begin=795) == steady.every(15, HOUR)


def _but(samples: tuple[tuple[float, float], ...], begin: float, end: float) -> tuple[tuple[float, float], ...]:
    return tuple(one for one in samples if not begin < one[0] < end)


def test_how_often_is_scraped_is_known_from_the_first_look_on() -> None:
    counters = Counters()
    fine = tuple((EPOCH - 400 + number, float(number)) for number in range(900))
    for name in ("all_total", "failed_total"):
        counters.series[name] = [Series({"__name__": name}, fine)]
    first = Looks.at(counters)
    first.look(-20, None)
    assert first.look(32).samples == 15  # two scrapes after the block that begins at 15 s
    other = first.taken_over()
    assert [other.look(at).samples for at in (33, 47)] == [15, 30]


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
    again = replace(ATTEMPT, number=8, began=EPOCH + HOUR, stage=EPOCH + HOUR, evidence_from=EPOCH + HOUR)
    assert looks.every(15, 2 * HOUR, begin=HOUR, attempt=again).verdict is Verdict.PASS
    lost = replace(
        again, evidence_from=EPOCH + 2 * HOUR, began=EPOCH + 2 * HOUR
    )  # the same attempt, whose status was lost
    assert looks.look(2 * HOUR + 100, lost).samples == pytest.approx(15, abs=15)


def test_what_the_attempt_before_did_while_nothing_was_scraped_is_not_held_against_a_mended_model() -> None:
    counters = traffic(20, lambda at: 0.5 if at < HOUR else 0.01, 2 * HOUR)
    for name, (one,) in counters.series.items():
        scraped = tuple((at, value) for at, value in one.samples if not HOUR - 60 < at - EPOCH < HOUR + 60)
        counters.series[name] = [replace(one, samples=scraped)]
    looks = Looks.at(counters)
    mended = replace(ATTEMPT, number=8, began=EPOCH + HOUR + 7, stage=EPOCH + HOUR + 7)
    found = looks.every(15, 2 * HOUR, begin=HOUR + 7, attempt=mended)

    assert Verdict.BREACH not in {one.verdict for one in looks.made}
    assert found.samples == pytest.approx(20 * (HOUR - 60) / 15, abs=60)


def test_an_attempt_that_begins_again_at_its_first_stage_stands_on_the_same_evidence_for_whoever_knew_it() -> None:
    counters = traffic(5, healthy, 2 * HOUR)
    knew, comes = Looks.at(counters), Looks.at(counters)
    knew.every(15, HOUR)
    again = replace(ATTEMPT, began=EPOCH + HOUR + 5, stage=EPOCH + HOUR + 5)

    found = [one.every(15, 2 * HOUR, begin=HOUR + 5, attempt=again) for one in (knew, comes)]
    assert found[0].evidence == found[1].evidence


def test_how_often_is_scraped_is_known_before_the_first_user_comes() -> None:
    # Samples each second, as young as the application: thirty seconds back there are none yet.
    samples = tuple((EPOCH + place, float(place)) for place in range(60))
    counters = Counters({name: [Series({"__name__": name}, samples)] for name in ("failed_total", "all_total")})
    looks = Looks.at(counters, GUARDRAIL | {"interval": "1s", "rate": RATE | {"max": 0.5}})
    looks.look(8, None)
    began = replace(ATTEMPT, began=EPOCH + 8, stage=EPOCH + 8)
    found = looks.every(1, 13, begin=8, attempt=began)

    assert (found.verdict, found.samples) == (Verdict.PASS, 2)


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


# --- before the first user, and where Prometheus fails ---------------------------------------


def test_before_the_first_user_nothing_counts_and_what_can_not_be_counted_is_told() -> None:
    silent = Looks.at(Counters()).look(60, None)
    assert (silent.verdict, silent.reach) == (Verdict.INCONCLUSIVE, 0.0)
    assert "nobody has had the treatment yet" in silent.message
    assert Looks.at(traffic(5, constant(0.5), HOUR)).look(600, None).verdict is Verdict.INCONCLUSIVE
    wrong = Looks.at(counters(steps(7), steps(5))).look(60, None)
    assert (wrong.verdict, wrong.reach) == (Verdict.ERROR, 0.0)


def test_a_failure_is_an_error_and_takes_no_breach_back() -> None:
    looks = Looks.at(traffic(5, late, 3 * HOUR))
    looks.every(15, HOUR)
    looks.failure = Failure("Prometheus is away", refused=True)
    away = looks.look(HOUR + 60)
    assert (away.verdict, away.message, away.refused) == (Verdict.ERROR, "Prometheus is away", True)
    assert json.loads(away.checkpoint)["attempt"] == 7
    looks.failure = None
    looks.every(15, 3 * HOUR, begin=HOUR + 60)
    looks.failure = Failure("Prometheus is away")
    assert looks.look(3 * HOUR + 60).verdict is Verdict.BREACH
    assert looks.taken_over().check.failed(Occasion(EPOCH, 0.0), "away").verdict is Verdict.ERROR


def test_a_partial_answer_counts_for_nothing() -> None:
    looks = Looks.at(traffic(5, healthy, HOUR))
    occasion = Occasion(EPOCH + 60, 60.0, ATTEMPT)
    partial = Answer((), warnings=("a store is away",), kind="matrix")
    found = looks.check.proceed(occasion, {"rate.bad": partial, "rate.all": partial})
    assert isinstance(found, Measurement)
    assert found.verdict is Verdict.ERROR
    assert "may be partial and counts for nothing: a store is away" in found.message


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("rate(failed_total[5m])", "a function in it (`rate`)"),
        ("sum(failed_total)", "it is added up (`sum`)"),
        ("failed_total[5m]", "it has a range, but the range is set by the operator"),
        ("failed_total offset 5m", "it has an offset or `@`"),
        ("failed_total @ 5", "it has an offset or `@`"),
        ("failed_total / all_total", "it is more than a selector"),
        ("failed_total{", "it can't be read ("),
        ('{a="b" or c="d"}', "`or` between labels is not PromQL"),
    ],
)
def test_more_than_a_selector_is_refused(text: str, reason: str) -> None:
    check = check_of(read(GUARDRAIL | {"rate": RATE | {"bad": text}}))
    assert isinstance(check, Unmeasurable)
    assert check.where == "rate.bad"
    assert reason in check.reason


def test_a_selector_is_asked_with_the_users_own_words() -> None:
    text = 'failed_total{group=~"treat.*", x=`a"b`} # of all pods'
    looks = Looks.at(Counters(), GUARDRAIL | {"rate": RATE | {"bad": text}})
    looks.look(60)
    assert looks.counters.asked[0].promql == 'failed_total{group=~"treat.*",x=`a"b`}[345s]'


def test_clocks_further_apart_than_two_scrapes_are_told_and_do_not_come_and_go() -> None:
    looks = Looks.at(traffic(5, healthy, HOUR))
    told = []
    for at, looks.counters.ahead in ((60, -29), (75, -31), (80, -31), (90, -16), (105, -14), (120, 45), (135, 0)):
        told.append(looks.look(at).ahead)

    assert told == [0, -30, -30, -30, 0, 30, 0]
    assert looks.look(5, None).ahead == 0


def test_the_limit_is_shown() -> None:
    guardrail = read(GUARDRAIL)
    assert kind_of(guardrail).limit(guardrail, 0.2) == 0.05


TURNS = traffic(20, lambda at: 0.01 if at < 900 else 0.15, 1800)


@cache
def steadily() -> Measurement:
    """The last of looks in each block."""
    return Looks.at(TURNS).every(15, 1800)


@given(st.lists(st.tuples(st.floats(1.0, 400.0), st.booleans()), max_size=25))
@settings(max_examples=20)
def test_whoever_looks_and_whenever_the_numbers_are_the_same(looks: list[tuple[float, bool]]) -> None:
    """Looks in any distances, some of them by another process that has the last checkpoint."""
    other, at = Looks.at(TURNS), 0.0
    for later, taken_over in looks:
        at += later
        if at > 1800:
            break
        other.look(at)
        other = other.taken_over() if taken_over and other.made[-1].checkpoint else other
    while (found := other.look(1800.0)).checkpoint != steadily().checkpoint:
        assert json.loads(found.checkpoint)["upto"] < json.loads(steadily().checkpoint)["upto"]
    assert found.verdict == steadily().verdict
