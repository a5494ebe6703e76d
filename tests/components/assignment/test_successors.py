"""An object deleted, Redis emptied, the object made again: those who knew the old one and those who did not agree."""

from contextlib import ExitStack
from dataclasses import replace

import pytest
from mlrollout import Reason, Rollout, State

from tests.components.assignment.place import BEGUN, KEY, REVISION, Place, reaches, until

NEXT = "ranker-2026-11-17"
CREATED = 1_800_000_000 << 16
"""What an operator adds to its attempts that knows when its objects were created."""
USERS = [f"user-{number}" for number in range(1000)]


def followers(place: Place, stack: ExitStack) -> dict[str | None, Rollout]:
    """A process for the old revision, one for the new, and one that does not ask."""
    return {
        revision: stack.enter_context(
            Rollout(KEY, redis=place.server.url, revision=revision, poll=0.1, max_staleness=1.0)
        )
        for revision in (REVISION, NEXT, None)
    }


def anew(place: Place, attempt: int, percentage: int) -> None:
    """Another object begins on an empty Redis."""
    place.redis.flushall()
    place.record = replace(BEGUN, attempt=attempt, owner="another uid", revision=NEXT)
    place.put(percentage)


@pytest.mark.parametrize("attempt", [CREATED + 1, 1], ids=["ranks above", "ranks below"])
def test_all_agree_and_no_percentage_is_given_to_another_revision(place: Place, attempt: int) -> None:
    place.record = replace(BEGUN, attempt=5)
    place.put(30)
    with ExitStack() as stack:
        running = followers(place, stack)
        reaches(running[REVISION], 30)
        reaches(running[None], 30)

        told: list[State] = []
        running[None].on_change(told.append)
        running[REVISION].on_change(told.append)
        anew(place, attempt, 100)
        fresh = followers(place, stack)
        for one in (running, fresh):
            reaches(one[None], 100)
            reaches(one[NEXT], 100)
        until(lambda: running[REVISION].state.reason is Reason.OTHER_REVISION, "the old process knows of the new model")

        served = {(state.percentage, state.record.revision) for state in told if state.record is not None}
        assert {one for one in served if one[0]} == {(100, NEXT)}
        for revision in fresh:
            reaches(fresh[revision], running[revision].percentage)
            answers = [fresh[revision].group(user) for user in USERS]
            assert answers == [running[revision].group(user) for user in USERS]


def test_the_new_objects_rollback_reaches_who_knew_the_old_one(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    place.record = replace(BEGUN, attempt=5)
    place.put(30)
    with Rollout(KEY, redis=place.server.url, poll=0.1, max_staleness=1.0) as rollout:
        reaches(rollout, 30)
        anew(place, 1, 100)
        reaches(rollout, 100)
        assert "following the MLRollout  (another uid) in place of  (uid)" in caplog.text

        place.push(place.step(0, latched=True))
        reaches(rollout, 0)


def test_an_older_state_of_the_same_object_is_not_followed_however_long_it_stands(place: Place) -> None:
    old = place.step(100)
    place.record = replace(old, attempt=2, revision=NEXT)
    place.put(10)
    with Rollout(KEY, redis=place.server.url, poll=0.05, max_staleness=0.5) as rollout:
        reaches(rollout, 10)
        place.write(old)
        reaches(rollout, 0)
        reads = place.reads()
        until(lambda: place.reads() > reads + 40, "reads for four times as long as one counts")
        assert (rollout.percentage, rollout.state.reason) == (0, Reason.UNCONFIRMED)
