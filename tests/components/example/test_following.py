"""The application follows the percentage in Redis, for the revision that it runs."""

from tests.components.example.place import BAD, GOOD, Place


def test_without_a_rollout_it_is_control_for_all(fresh: Place) -> None:
    assert fresh.percentage == 0
    assert fresh.app.dispatch("anybody")["group"] == "control"


def test_it_follows_up_and_down(quiet: Place) -> None:
    for percentage in (10, 30, 100, 30, 0):
        quiet.put(percentage)


def test_cut_off_from_redis_it_is_control_until_redis_answers_again(quiet: Place) -> None:
    quiet.put(100)
    quiet.server.pause()
    quiet.reaches(0)

    quiet.server.resume()
    quiet.reaches(100)


def test_a_percentage_earned_by_one_revision_is_not_given_to_another(quiet: Place) -> None:
    quiet.put(100)
    quiet.app.deploy(BAD)
    assert quiet.percentage == 0

    quiet.app.deploy(GOOD)
    assert quiet.percentage == 100
