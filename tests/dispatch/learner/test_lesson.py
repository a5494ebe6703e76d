"""Progressive validation: each outcome is predicted before it is learned from; equal times have no order."""

from dataclasses import replace
from itertools import groupby

from hypothesis import given
from hypothesis import strategies as st
from learner.lesson import HELD_BACK, Lesson, State, held_back, learn
from learner.outcome import Outcome

from tests.dispatch.learner.made import COIN, NOON, facing, outcome, stream

SHARES = st.floats(0, 1)


@st.composite
def streams(draw: st.DrawFn) -> list[Outcome]:
    """Outcomes by the seconds in which they became known, some in the same; of a few users."""
    told = draw(
        st.lists(
            st.tuples(st.tuples(*[SHARES] * 5), st.sampled_from([None, 1, 2, 3, 4, 5]), st.integers(0, 2)),
            min_size=1,
            max_size=40,
        )
    )
    at, found = NOON, []
    for number, (inputs, rating, later) in enumerate(told, start=1):
        at += later
        found.append(outcome(number, user=f"user-{number % 3}", inputs=inputs, rating=rating, known_at=at))
    return found


def predictions(lesson: Lesson) -> dict[int, float]:
    return {one.dispatch: predicted for one, predicted in lesson.predicted}


def begun() -> State:
    return facing(COIN)


@given(streams(), st.data())
def test_no_prediction_knows_anything_of_its_moment_or_of_later_ones(told: list[Outcome], data: st.DataObject) -> None:
    moment = data.draw(st.sampled_from([one.known_at for one in told]))
    otherwise = [replace(one, rating=1 if one.well else 5) if one.known_at >= moment else one for one in told]

    before, after = predictions(learn(begun(), told, COIN)), predictions(learn(begun(), otherwise, COIN))

    for one in told:
        if one.known_at <= moment:
            assert before[one.dispatch] == after[one.dispatch]


@given(streams(), st.randoms(use_true_random=False))
def test_the_order_of_equal_times_changes_no_bit_of_what_is_learned(told: list[Outcome], rng: object) -> None:
    mixed = []
    for _, moment in groupby(told, key=lambda one: one.known_at):
        together = list(moment)
        rng.shuffle(together)  # type: ignore[attr-defined]
        mixed += together

    one, other = learn(begun(), told, COIN), learn(begun(), mixed, COIN)

    assert one.state == other.state
    assert predictions(one) == predictions(other)


@given(streams(), st.data())
def test_it_goes_on_from_what_it_kept_as_if_it_had_never_ended(told: list[Outcome], data: st.DataObject) -> None:
    cut = data.draw(st.sampled_from([one.known_at for one in told]))
    first, second = ([o for o in told if o.known_at < cut], [o for o in told if o.known_at >= cut])

    kept = State.model_validate_json(learn(begun(), first, COIN).state.model_dump_json())

    assert learn(kept, second, COIN).state == learn(begun(), told, COIN).state


@given(streams())
def test_what_is_held_back_is_never_learned_from(told: list[Outcome]) -> None:
    flipped = [replace(one, rating=1 if one.well else 5) if held_back(one.dispatch) else one for one in told]

    one, other = learn(begun(), told, COIN).state, learn(begun(), flipped, COIN).state

    assert one.online == other.online
    assert one.progress == other.progress


def test_a_third_is_held_back_and_the_rest_learned_from() -> None:
    told = stream(600)

    state = learn(begun(), told, COIN).state

    assert state.contest.outcomes + state.online.learned == 600
    assert abs(state.contest.outcomes - 600 / HELD_BACK) < 50
    assert state.position == 600


def test_it_predicts_better_than_a_coin_soon_and_says_so_honestly() -> None:
    state = learn(begun(), stream(2000), COIN).state

    assert state.progress.loss / state.progress.outcomes < 0.6  # a coin's is 0.693
    assert state.contest.candidate < state.contest.champion


def test_a_new_champion_is_a_new_contest_and_takes_nothing_away_that_was_learned() -> None:
    state = learn(begun(), stream(100), COIN).state

    after = state.facing(replace(COIN, revision="2"))

    assert after.contest.outcomes == 0
    assert after.online == state.online
    assert state.facing(COIN) is state
