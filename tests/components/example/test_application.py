"""Users are split by the percentage, both paths are counted, and a broken model fails no user."""

import pytest

from devstack.demo.application import Requests
from devstack.errors import DevstackError
from tests.components.example.place import BAD, GOOD, Place, eventually

USERS = [f"user-{number}" for number in range(40)]


def served(place: Place, enough: int = 800) -> Requests:
    """What was served from now on, once it is enough to tell."""
    start = place.app.requests()

    def so_far() -> Requests:
        return place.app.requests() - start

    eventually(lambda: so_far().control + so_far().treatment >= enough, f"{enough} requests")
    return so_far()


@pytest.mark.parametrize("percentage", [10, 30, 100])
def test_treatment_gets_its_share_of_the_requests(busy: Place, percentage: int) -> None:
    busy.put(percentage)

    # Six standard deviations of a share of the users and of the requests.
    assert served(busy).share == pytest.approx(percentage, abs=11)


def test_after_a_rollback_nobody_is_in_treatment(busy: Place) -> None:
    busy.put(100)
    assert served(busy, enough=100).treatment

    busy.put(0)
    eventually(lambda: served(busy, enough=100).treatment == 0, "no more requests in treatment")


def test_a_user_stays_in_treatment_when_the_percentage_grows(quiet: Place) -> None:
    def treated(percentage: int) -> set[str]:
        quiet.put(percentage)
        return {user for user in USERS if quiet.app.dispatch(user)["group"] == "treatment"}

    assert set() < treated(10) < treated(30) < treated(100) == set(USERS)


def test_legacy_gives_one_vehicle(quiet: Place) -> None:
    answer = quiet.app.dispatch("anybody")

    assert (answer["group"], answer["path"], len(answer["vehicles"])) == ("control", "legacy", 1)


def test_the_ml_path_recommends_three_different_vehicles(quiet: Place) -> None:
    quiet.put(100)
    answer = quiet.app.dispatch("anybody")

    assert (answer["group"], answer["path"], len(set(answer["vehicles"]))) == ("treatment", "ml", 3)


def test_the_good_model_never_fails(busy: Place) -> None:
    busy.put(100)

    assert served(busy).failures == 0
    assert busy.app.model()["first_failure"] is None


def test_the_bad_model_fails_for_some_requests(busy: Place) -> None:
    busy.begin(BAD)
    busy.put(100)
    requests = served(busy)

    assert 0.22 < requests.failures / requests.treatment < 0.42
    assert busy.app.model()["first_failure"]


def test_where_the_model_fails_legacy_serves_the_user_and_treatment_counts_the_failure(quiet: Place) -> None:
    quiet.begin(BAD)
    quiet.put(100)
    before = quiet.app.requests()
    answers = [quiet.app.dispatch(user) for user in USERS]
    fallen_back = [answer for answer in answers if answer["path"] == "legacy"]

    assert fallen_back
    assert all(answer["group"] == "treatment" and len(answer["vehicles"]) == 1 for answer in fallen_back)
    assert quiet.app.requests() - before == Requests(control=0, treatment=len(USERS), failures=len(fallen_back))


def test_a_model_that_does_not_exist_is_not_deployed(quiet: Place) -> None:
    with pytest.raises(DevstackError):
        quiet.app.deploy("ranker-of-dreams")

    assert quiet.app.model()["revision"] == GOOD
