"""What an application's process makes of what the real operator does."""

from mlrollout import Group, Reason, Rollout, State

from tests.whole.house import LONG, House

USERS = [f"user-{number}" for number in range(1000)]


def _treated(rollout: Rollout) -> set[str]:
    return {user for user in USERS if rollout.group(user) is Group.TREATMENT}


def test_an_application_follows_a_rollout_up_and_back(house: House) -> None:
    seen: list[State] = []
    with Rollout(house.key, redis=house.stack.redis_url, revision="ranker-1") as rollout:
        rollout.on_change(seen.append)
        house.apply(stages=LONG)
        house.until(lambda: rollout.percentage == 10, "10 % in the application")
        pilot = _treated(rollout)
        house.annotate("promote", "looks good")
        house.until(lambda: rollout.percentage == 100, "100 % in the application")
        assert pilot < _treated(rollout) == set(USERS)

        house.errors(0.2)
        house.until(lambda: rollout.percentage == 0, "control in the application")
        assert rollout.assign("kim").reason is Reason.ROLLED_BACK

        house.apply(stages=LONG, revision="ranker-2")
        house.errors(0.01)
        house.until_percentage(10)
        house.until(lambda: rollout.state.reason is Reason.OTHER_REVISION, "another revision in the application")
        assert not _treated(rollout)
        rollout.revision = "ranker-2"
        house.until(lambda: _treated(rollout) == pilot, "the users of before, with the other revision")

    ranks = [state.record.rank for state in seen if state.record is not None]
    assert ranks == sorted(ranks)
