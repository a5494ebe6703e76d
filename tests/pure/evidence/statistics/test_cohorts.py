"""Requests that share their fate are worth fewer, by the design effect; those that do not are worth what they are."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlrollout.evidence.statistics import checkpoint
from mlrollout.evidence.statistics.bets import enough
from mlrollout.evidence.statistics.blocks import Counts, Pair
from mlrollout.evidence.statistics.cohorts import Cohorts, CohortState, CohortTest
from mlrollout.evidence.statistics.compare import CompareState, CompareTest

from tests.pure.evidence.statistics.courses import BEGIN, states

SIZE = 20
TEST = CohortTest(CompareTest(), SIZE)
EVEN: Cohorts = Pair((Counts(20, 1),) * SIZE, (Counts(180, 9),) * SIZE)


def course(test: CohortTest, blocks: list[Cohorts]) -> list[CohortState]:
    return states(test.begin(BEGIN), test.update, blocks)


def by_request(blocks: list[Cohorts]) -> CompareState:
    test = CompareTest()
    together = [Pair(sum(one.treatment, Counts()), sum(one.control, Counts())) for one in blocks]
    return states(test.begin(BEGIN), test.update, together)[-1]


def blocks(seed: int, tries: int, share: float, times: float = 1.0) -> list[Cohorts]:
    """A hundred blocks of 200 users, in which who fails tries so many times."""
    chance, made = random.Random(seed), []  # noqa: S311  # from a fixed seed
    for _ in range(100):
        events: Counter[tuple[bool, int]] = Counter()
        bad: Counter[tuple[bool, int]] = Counter()
        for _ in range(200):
            who = chance.random() < 0.3, chance.randrange(SIZE)
            fails = chance.random() < share * (times if who[0] else 1)
            events[who] += tries if fails else 1
            bad[who] += tries if fails else 0
        of = (tuple(Counts(events[group, at], bad[group, at]) for at in range(SIZE)) for group in (True, False))
        made.append(Pair(*of))
    return made


def test_where_cohorts_are_alike_a_request_is_worth_what_it_is() -> None:
    state = course(TEST, [EVEN] * 5)[-1]

    assert state.design_effect == 1
    assert state.compared == by_request([EVEN] * 5)


@pytest.mark.parametrize(("tries", "at_least", "at_most"), [(1, 1, 1.8), (5, 2.5, 9), (10, 5, 18)])
def test_the_design_effect_is_how_often_who_fails_tries(tries: int, at_least: float, at_most: float) -> None:
    assert at_least <= course(TEST, blocks(3, tries, 0.05))[-1].design_effect <= at_most


def test_one_who_tries_without_end_is_no_rollback() -> None:
    """Four failures by chance in treatment, of which one tried 200 times."""
    quiet: Cohorts = Pair((Counts(20),) * SIZE, (Counts(180),) * SIZE)
    storm: Cohorts = Pair((Counts(220, 200), *quiet.treatment[1:]), quiet.control)

    assert enough(by_request([quiet, storm]).bets.log_worse, 0.01)
    assert not enough(course(TEST, [quiet, storm])[-1].compared.bets.log_worse, 0.01)


def test_few_false_alarms_where_requests_share_their_fate() -> None:
    """Of 40 healthy courses in which who fails tries ten times; by request a third to a half are taken back."""
    made = [blocks(seed, 10, 0.02) for seed in range(40)]
    alarms = [any(enough(one.compared.bets.log_worse, 0.05) for one in course(TEST, each)) for each in made]

    assert sum(alarms) <= 4
    assert sum(enough(by_request(each).bets.log_worse, 0.05) for each in made) > 8


def test_what_is_truly_worse_is_found_all_the_same() -> None:
    assert enough(course(TEST, blocks(1, 5, 0.02, times=5))[-1].compared.bets.log_worse, 0.01)


def test_evidence_that_was_counted_for_too_much_is_taken_back() -> None:
    """When one user's failures show that requests share their fate, those before were worth less too."""
    worse: Cohorts = Pair((Counts(20, 3),) * SIZE, (Counts(180, 9),) * SIZE)
    unlucky: Cohorts = Pair((Counts(60, 60), *((Counts(20, 1),) * (SIZE - 1))), (Counts(180, 9),) * SIZE)
    before, after = course(TEST, [worse, worse, unlucky])[-2:]

    assert after.design_effect > 5
    assert enough(before.compared.bets.log_worse, 0.01)
    assert after.compared.bets.log_worse < before.compared.bets.log_worse / 3


@given(st.lists(st.floats(-50, 50), min_size=1, max_size=8), st.floats(0, 1))
def test_doubt_never_makes_more_of_a_bet(logs: list[float], weight: float) -> None:
    bets = TEST.compare.begin(BEGIN).bets
    made = type(bets)(bets.begin, bets.end, tuple(logs), tuple(logs))

    assert all(new <= old for new, old in zip(made.doubted(weight).worse, logs, strict=True))
    assert made.doubted(weight).safe == made.doubted(weight).worse


def test_a_block_without_events_says_nothing() -> None:
    nobody: Cohorts = Pair((Counts(),) * SIZE, (Counts(),) * SIZE)
    state = course(TEST, [nobody])[-1]

    assert state.design_effect == 1
    assert state.compared.bets.log_worse == pytest.approx(0, abs=1e-9)


def test_a_stage_counts_its_own_events_and_a_state_survives_being_written() -> None:
    state = course(TEST, [EVEN])[-1]

    assert state.compared.treatment == Counts(400, 20)
    assert state.next_stage().compared.treatment == Counts()
    assert state.next_stage().scores == state.scores
    assert checkpoint.load(CohortState, checkpoint.dump(state)) == state


def test_a_tolerated_difference_is_in_balance_too() -> None:
    test = CohortTest(CompareTest(difference=0.05), SIZE)
    state = course(test, [Pair((Counts(20, 2),) * SIZE, (Counts(180, 9),) * SIZE)])[-1]

    assert state.scores == pytest.approx((0.0,) * SIZE, abs=1e-9)


def test_one_cohort_tells_nothing() -> None:
    with pytest.raises(ValueError, match="1 cohorts do not tell"):
        CohortTest(CompareTest(), 1)
