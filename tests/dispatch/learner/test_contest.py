"""The contest: chance alone registers no candidate, however often it looks; what is truly better wins."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from learner.contest import LARGEST, Contest
from learner.lesson import learn
from learner.online import Online

from tests.dispatch.learner.made import COIN, chance_inputs, facing, season, stream

CONTESTS, OUTCOMES = 400, 400


def test_a_candidate_that_is_no_better_wins_by_chance_in_one_of_twenty_at_most() -> None:
    rng = Random(1)  # noqa: S311 - the same each time
    assert sum(wins_by_chance(rng) for _ in range(CONTESTS)) <= CONTESTS / 20


def wins_by_chance(rng: Random) -> bool:
    """Both are off by as much, to either side of the truth: a look after every outcome."""
    contest, off = Contest(), rng.uniform(0.02, 0.3)
    for _ in range(OUTCOMES):
        side = rng.choice((off, -off))
        contest = contest.meet([(0.5 + side, 0.5 - side, rng.random() < 0.5)])
        if contest.won:
            return True
    return False


def test_one_that_learns_all_the_time_wins_no_more_often_where_there_is_nothing_to_learn() -> None:
    rng, won = Random(2), 0  # noqa: S311 - the same each time
    for _ in range(60):
        contest, online = Contest(), Online()
        for number, one in enumerate(stream(150)):
            inputs, well = chance_inputs(rng), rng.random() < 0.5
            contest = contest.meet([(0.5, online.predict(inputs), well)])
            online = online.learn([type(one)(number, number, "", inputs, 5 if well else 1, 0, 0)])
            if contest.won:
                won += 1
                break
    assert won <= 60 / 20


def test_what_is_truly_better_wins_soon() -> None:
    champion = season()

    state = learn(facing(champion), stream(1200), champion).state

    assert state.contest.won
    assert state.contest.candidate < state.contest.champion


def test_what_learned_the_opposite_never_wins() -> None:
    good = learn(facing(COIN), stream(3000), COIN).state.online
    champion = type(COIN)("2", good.weights[:5], (0.5,) * 5, good.weights[5])
    contest = Contest()
    for one in stream(500, seed=9):
        guess = good.predict(one.inputs)
        contest = contest.meet([(guess, 1 - guess, one.well)])
        assert not contest.won
    assert champion.revision == "2"
    assert contest.e_value < 0.01


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.booleans()), max_size=30), st.randoms())
def test_outcomes_of_one_moment_have_no_order(told: list[tuple[float, float, bool]], rng: Random) -> None:
    mixed = rng.sample(told, len(told))

    assert Contest().meet(told) == Contest().meet(mixed)


@given(st.floats(0, 1), st.floats(0, 1))
def test_every_bet_is_fair_where_the_champion_is_right_or_the_candidate_no_better(truth: float, other: float) -> None:
    """The mean of what each stake becomes, over the truth: 1 at most, which is what Ville's bound stands on."""
    bound = min(max(truth, 0.05), 0.95)
    well, ill = Contest().meet([(bound, other, True)]), Contest().meet([(bound, other, False)])

    for after_well, after_ill in zip(well.bets, ill.bets, strict=True):
        assert bound * 2.718281828459045**after_well + (1 - bound) * 2.718281828459045**after_ill <= 1 + 1e-9
    assert abs(well.champion - well.candidate) <= LARGEST + 1e-9


@pytest.mark.parametrize("many", [1, 100_000])
def test_evidence_without_end_is_still_a_number(many: int) -> None:
    assert Contest().meet([(0.0, 1.0, True)] * many).e_value > 1
