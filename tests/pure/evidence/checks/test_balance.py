"""The split: users who come in the shares that were asked for, and such that do not."""

import json
import math
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from mlrollout.api.guardrail import Action
from mlrollout.api.kinds import guardrail
from mlrollout.evidence.checks.check import Failure
from mlrollout.evidence.measurement import Measurement, Verdict

from tests.pure.evidence.checks.counters import ATTEMPT, EPOCH, SCRAPE, Counters, Looks

HOUR = 3600.0
SPLIT: dict[str, Any] = {"name": "split", "balance": {"users": "users_total"}}


def users(
    share: Callable[[float], float], seconds: float = HOUR, *, each: int = 20, begin: float = EPOCH - SCRAPE
) -> Counters:
    """So many new users in each scrape, of whom this share is in treatment at that time."""
    drawn, counters = random.Random(1), Counters()  # noqa: S311 - no secret
    treated = [
        float(sum(drawn.random() < share(place * SCRAPE) for _ in range(each)))
        for place in range(int(seconds / SCRAPE))
    ]
    counters.scraped("users_total", iter(treated), begin=begin, group="treatment")
    counters.scraped("users_total", iter([each - one for one in treated]), begin=begin, group="control")
    return counters


def breach(looks: Looks) -> Measurement:
    return next(one for one in looks.made if one.verdict is Verdict.BREACH)


def test_it_holds_unless_something_else_is_asked_for() -> None:
    assert guardrail.validate_python(SPLIT).action is Action.HOLD
    assert guardrail.validate_python(SPLIT | {"action": "Alert"}).action is Action.ALERT


def test_the_split_that_was_asked_for_passes() -> None:
    looks = Looks.at(users(lambda _: 0.1), SPLIT)
    found = looks.every(15, HOUR)
    assert (found.verdict, found.proven) == (Verdict.PASS, None)
    assert found.value == pytest.approx(0.1, abs=0.02)
    assert " of new users are in treatment (" in found.message
    assert "10 % were asked for, surely between" in found.message
    assert found.evidence is not None
    assert found.evidence.limit == pytest.approx(0.1)
    assert Verdict.BREACH not in {one.verdict for one in looks.made}


@pytest.mark.parametrize("share", [0.0, 0.05, 0.2, 0.9])
def test_another_split_is_a_breach_of_the_experiment(share: float) -> None:
    looks = Looks.at(users(lambda _: share), SPLIT)
    looks.every(15, HOUR)
    assert "the experiment is broken, not the model" in breach(looks).message
    assert "10 % were asked for" in breach(looks).message


def test_one_that_breaks_late_is_told_since_when() -> None:
    looks = Looks.at(users(lambda at: 0.1 if at < HOUR else 0.3, 2 * HOUR), SPLIT)
    looks.every(15, 2 * HOUR)
    assert HOUR < breach(looks).at - EPOCH < 1.3 * HOUR
    assert breach(looks).message.startswith("since 2027-")
    assert "; in all of this stage " in breach(looks).message


def test_a_holdback_is_part_of_what_was_asked_for() -> None:
    held = replace(ATTEMPT, percentage=100, holdback=20)
    looks = Looks.at(users(lambda _: 0.8), SPLIT)
    assert looks.every(15, HOUR, attempt=held).verdict is Verdict.PASS
    nobody = Looks.at(users(lambda _: 0.98), SPLIT)
    assert nobody.every(15, HOUR, attempt=held).verdict is Verdict.BREACH


def test_each_stage_has_its_own_share() -> None:
    looks = Looks.at(users(lambda at: 0.1 if at < HOUR else 0.3, 2 * HOUR), SPLIT)
    looks.every(15, HOUR)
    second = replace(ATTEMPT, stage=EPOCH + HOUR, percentage=30)
    found = looks.every(15, 2 * HOUR, begin=HOUR, attempt=second)
    assert found.verdict is Verdict.PASS
    assert found.evidence is not None
    assert found.evidence.limit == pytest.approx(0.3)
    assert Verdict.BREACH not in {one.verdict for one in looks.made}


def test_users_of_a_time_whose_percentage_is_not_known_are_held_against_none() -> None:
    looks = Looks.at(users(lambda at: 0.1 if at < HOUR else 0.3, 3 * HOUR), SPLIT)
    looks.every(15, HOUR)
    unknown = replace(ATTEMPT, percentage=None, steady=math.inf)
    looks.every(15, 2 * HOUR, begin=HOUR, attempt=unknown)
    later = replace(ATTEMPT, percentage=30, steady=EPOCH + 2 * HOUR)
    found = looks.every(15, 3 * HOUR, begin=2 * HOUR, attempt=later)
    assert Verdict.BREACH not in {one.verdict for one in looks.made}
    assert found.evidence is not None
    assert found.evidence.limit == pytest.approx(0.2, abs=0.01)


def test_users_that_came_after_the_percentage_was_last_seen_are_held_against_none() -> None:
    """Whoever stood still finds users of the next percentage, and still believes in the one from before."""
    looks = Looks.at(users(lambda at: 0.1 if at < HOUR else 0.9, 3 * HOUR), SPLIT)
    looks.every(15, HOUR)
    stood_still = replace(ATTEMPT, seen=EPOCH + HOUR - 1)
    found = looks.every(15, 2 * HOUR, begin=HOUR, attempt=stood_still)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "the percentage is not known any more" in found.message
    second = replace(ATTEMPT, stage=EPOCH + HOUR, percentage=90)
    found = looks.every(15, 3 * HOUR, begin=2 * HOUR, attempt=second)
    assert (found.verdict, Verdict.BREACH in {one.verdict for one in looks.made}) == (Verdict.PASS, False)


def test_what_came_before_the_percentage_was_seen_again_counts_once_it_is() -> None:
    looks = Looks.at(users(lambda _: 0.1, 2 * HOUR), SPLIT)
    looks.every(15, HOUR)
    away = looks.every(15, 1.5 * HOUR, begin=HOUR, attempt=replace(ATTEMPT, seen=EPOCH + HOUR))
    back = looks.every(15, 2 * HOUR, begin=1.5 * HOUR)
    assert away.samples is not None
    assert back.samples == pytest.approx(2 * away.samples, rel=0.1)


def test_users_that_came_while_applications_could_not_read_the_percentage_are_held_against_none() -> None:
    """Redis answers nobody for minutes: all get control, and the split is right before and after."""
    looks = Looks.at(users(lambda at: 0.0 if HOUR < at < HOUR + 300 else 0.5, 2 * HOUR), SPLIT)
    half = replace(ATTEMPT, percentage=50)
    looks.every(15, HOUR, attempt=half)
    looks.every(15, HOUR + 300, begin=HOUR, attempt=replace(half, seen=EPOCH + HOUR - 1))
    found = looks.every(15, 2 * HOUR, begin=HOUR + 300, attempt=replace(half, followed=EPOCH + HOUR + 305))
    assert (found.verdict, Verdict.BREACH in {one.verdict for one in looks.made}) == (Verdict.PASS, False)
    assert found.evidence is not None
    assert found.evidence.limit == pytest.approx(0.5)
    assert found.samples == pytest.approx(0.5 * 20 * (2 * HOUR - 300) / SCRAPE, rel=0.02)


def test_a_percentage_that_was_never_seen_is_held_against_nobody() -> None:
    looks = Looks.at(users(lambda _: 0.9), SPLIT)
    found = looks.every(15, HOUR, attempt=replace(ATTEMPT, seen=-math.inf))
    assert (found.verdict, found.samples) == (Verdict.INCONCLUSIVE, 0)


def test_at_100_percent_nobody_is_divided() -> None:
    full = replace(ATTEMPT, percentage=100)
    counters = users(lambda _: 1.0)
    assert Looks.at(counters, SPLIT).every(15, HOUR, attempt=full).verdict is Verdict.PASS
    counters.series["users_total"].pop()
    assert Looks.at(counters, SPLIT).every(15, HOUR, attempt=full).verdict is Verdict.PASS


def test_nobody_is_no_pass_and_no_group_is_no_data() -> None:
    found = Looks.at(users(lambda _: 0.1, each=0), SPLIT).every(15, HOUR)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "no new users yet" in found.message
    alone = users(lambda _: 0.1)
    alone.series["users_total"].pop(0)
    found = Looks.at(alone, SPLIT).every(15, HOUR)
    assert found.verdict is Verdict.NO_DATA
    assert "group treatment: no series" in found.message
    unlabelled = Looks.at(alone, {"name": "split", "balance": {"users": "users_total", "group": "arm"}})
    assert "has no label `arm`" in unlabelled.every(15, HOUR).message


def test_another_process_goes_on_from_the_checkpoint() -> None:
    counters = users(lambda at: 0.1 if at < HOUR else 0.15, 2 * HOUR)
    steady, first = Looks.at(counters, SPLIT), Looks.at(counters, SPLIT)
    steady.every(60, 2 * HOUR)
    first.every(60, HOUR / 2)
    second = first.taken_over()
    second.every(60, 2 * HOUR, begin=HOUR)
    assert second.made[-1] == steady.made[-1]


def test_a_block_that_is_read_after_a_stage_ended_counts_with_the_share_of_that_stage() -> None:
    """Else two replicas would differ by who looked just before the change."""
    counters = users(lambda at: 0.1 if at < HOUR else 0.3, 2 * HOUR)
    second = replace(ATTEMPT, stage=EPOCH + HOUR + 20, percentage=30)
    in_time, late = Looks.at(counters, SPLIT), Looks.at(counters, SPLIT)
    in_time.every(15, HOUR + 15)
    late.every(15, HOUR - 120)
    late.failure = Failure("Prometheus is away")
    late.every(15, HOUR + 15, begin=HOUR - 120)
    late.failure = None
    for looks in (in_time, late):
        looks.every(15, 2 * HOUR, begin=HOUR + 15, attempt=second)
    assert late.made[-1] == in_time.made[-1]
    shares = json.loads(late.made[-1].checkpoint)["shares"]
    assert [share for _, _, share in shares] == [0.1, None, 0.3]  # from the last look on until the stage began
    assert [stage for _, stage, _ in shares] == [ATTEMPT.stage, ATTEMPT.stage, second.stage]


def test_a_block_in_which_the_share_changed_has_none_and_what_was_before_is_not_known_without_a_checkpoint() -> None:
    counters = users(lambda at: 0.1 if at < HOUR else 0.9, 2 * HOUR)
    second = replace(ATTEMPT, stage=EPOCH + HOUR + 5, percentage=90)
    looks = Looks.at(counters, SPLIT)
    looks.every(15, HOUR)
    assert looks.every(15, 2 * HOUR, begin=HOUR, attempt=second).verdict is Verdict.PASS
    new = Looks.at(counters, SPLIT)
    new.every(15, 2 * HOUR, begin=HOUR + 15, attempt=second)
    assert {one.verdict for one in new.made} == {Verdict.INCONCLUSIVE, Verdict.PASS}


def test_whoever_was_away_when_a_stage_ended_does_not_know_until_when_its_share_stood() -> None:
    """Redis may have lost it in the meantime: then nobody was in treatment, and no split was broken."""
    counters = users(lambda at: 0.1 if at < HOUR or at > 1.5 * HOUR else 0.0, 3 * HOUR)
    looks = Looks.at(counters, SPLIT)
    looks.every(15, HOUR - 60)
    other = looks.taken_over()
    again = replace(ATTEMPT, stage=EPOCH + 1.5 * HOUR + 40)
    found = other.every(15, 3 * HOUR, begin=1.5 * HOUR + 45, attempt=again)
    assert Verdict.BREACH not in {one.verdict for one in other.made}
    assert found.verdict is Verdict.PASS


def test_a_clock_that_was_set_back_leaves_no_stage_ahead() -> None:
    looks = Looks.at(users(lambda _: 0.1, 2 * HOUR), SPLIT)
    looks.every(15, HOUR)
    looks.look(HOUR + 60, replace(ATTEMPT, stage=EPOCH + HOUR + 50, percentage=30))
    back = replace(ATTEMPT, stage=EPOCH + HOUR + 20, percentage=10)
    found = looks.every(15, 2 * HOUR, begin=HOUR + 60, attempt=back)
    shares = json.loads(found.checkpoint)["shares"]
    known = [(stage, share) for _, stage, share in shares if share is not None]
    assert known == [(ATTEMPT.stage, 0.1), (back.stage, 0.1)]
    assert found.verdict is Verdict.PASS


def test_users_of_a_time_with_another_share_are_no_users_of_this_one() -> None:
    changed = HOUR + 14  # between two scrapes, and a moment before the end of a block

    def share(at: float) -> float:
        return 0.1 if at < HOUR + SCRAPE else 0.52 if at == HOUR + SCRAPE else 0.9

    looks = Looks.at(users(share, 2 * HOUR, each=500, begin=EPOCH - SCRAPE + 7), SPLIT)
    looks.every(15, HOUR + 10)
    second = replace(ATTEMPT, stage=EPOCH + changed, steady=EPOCH + changed, percentage=90)
    found = looks.every(15, 2 * HOUR, begin=HOUR + 20, attempt=second)

    assert found.value == pytest.approx(0.9, abs=0.01)
    assert Verdict.BREACH not in {one.verdict for one in looks.made}
