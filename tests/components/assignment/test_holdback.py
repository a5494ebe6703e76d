"""Users who stay in control at every percentage, in everything that an application asks with."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mlrollout import Exposure, Feature, Group, LastKnown, Overrides, Reason, Rollout
from mlrollout.assignment.bucket import group, held_back
from mlrollout.assignment.openfeature import MlrolloutProvider
from openfeature.evaluation_context import EvaluationContext

from tests.components.assignment.openfeature_client import FLAG, serving
from tests.components.assignment.place import KEY, REVISION, Place, reaches, until
from tests.pure.assignment.calls import World

HOLDBACK = 20
USERS = [f"user-{number}" for number in range(500)]
HELD = [user for user in USERS if held_back(KEY, user, HOLDBACK)]
KIM, LEE = HELD[:2]
FREE = next(user for user in USERS if user not in HELD)


@pytest.fixture(autouse=True)
def _held_back(place: Place) -> None:
    place.record = replace(place.record, holdback=HOLDBACK)


def following(place: Place, **asked: Any) -> Rollout:
    rollout = Rollout(KEY, redis=place.server.url, **asked)
    reaches(rollout, place.record.percentage)
    until(lambda: rollout.state.record == place.record, "the record")
    return rollout


def treated(rollout: Rollout) -> list[str]:
    return [user for user in USERS if rollout.group(user) is Group.TREATMENT]


@pytest.mark.parametrize("percentage", [1, 30, 100])
def test_the_split_is_the_published_formula_and_says_who_is_held_back(place: Place, percentage: int) -> None:
    place.put(percentage)
    with following(place) as rollout:
        assert treated(rollout) == [user for user in USERS if group(KEY, user, percentage, HOLDBACK) == "treatment"]
        assert [user for user in USERS if rollout.assign(user).reason is Reason.HOLDBACK] == HELD
        assert {rollout.assign(user).reason for user in USERS} == {Reason.HOLDBACK, Reason.SPLIT}
        assert (rollout.state.percentage, rollout.state.holdback) == (percentage, HOLDBACK)
        assert rollout.assign(None).reason is Reason.NO_USER  # type: ignore[arg-type]  # the point


def test_it_is_of_no_account_where_nobody_is_in_treatment(place: Place) -> None:
    place.put(100)
    with following(place) as rollout:
        assert rollout.assign(KIM, revision="another").reason is Reason.OTHER_REVISION
        place.put(0, latched=True)
        reaches(rollout, 0)
        until(lambda: rollout.state.record == place.record, "the record")
        assert rollout.assign(KIM).reason is Reason.ROLLED_BACK
        assert (treated(rollout), rollout.state.holdback) == ([], 0)


def test_an_attempt_without_it_holds_nobody_back_any_more(place: Place) -> None:
    place.put(100)
    with following(place) as rollout:
        assert rollout.assign(KIM).reason is Reason.HOLDBACK
        place.record = replace(place.record, attempt=2, holdback=0)
        place.put(100)
        until(lambda: (rollout.state.record, rollout.state.holdback) == (place.record, 0), "a read of the next attempt")
        assert treated(rollout) == USERS
        assert {rollout.assign(user).reason for user in USERS} == {Reason.SPLIT}


def test_whom_the_application_names_is_not_held_back(place: Place) -> None:
    place.put(100)
    overrides = Overrides({KIM: "treatment", FREE: "control"})
    with following(place, staff=[LEE], overrides=overrides) as rollout:
        for user, expected, reason in (
            (KIM, Group.TREATMENT, Reason.OVERRIDE),
            (LEE, Group.TREATMENT, Reason.STAFF),
            (HELD[2], Group.CONTROL, Reason.HOLDBACK),
            (FREE, Group.CONTROL, Reason.OVERRIDE),
        ):
            found = rollout.assign(user)
            assert (found.group, found.reason, rollout.group(user)) == (expected, reason, expected)
        with rollout.force("treatment"):
            assert treated(rollout) == USERS


def test_what_becomes_of_them_counts_for_control(place: Place) -> None:
    place.put(100)
    world, told = World(), list[Exposure]()
    with following(place, on_exposure=told.append) as rollout:
        recommend = Feature(rollout, world)(legacy=lambda user_id: f"legacy {user_id}")(lambda user_id: f"ml {user_id}")
        assert [recommend(user) for user in (KIM, FREE)] == [f"legacy {KIM}", f"ml {FREE}"]
        assert [(call.user_id, call.group) for call in world.calls] == [(KIM, "control"), (FREE, "treatment")]
        until(lambda: len(told) == 2, "both exposures")
    assert [(one.user_id, one.group, one.reason) for one in told] == [
        (KIM, Group.CONTROL, Reason.HOLDBACK),
        (FREE, Group.TREATMENT, Reason.SPLIT),
    ]


def test_a_start_without_redis_knows_it_from_the_file(place: Place, tmp_path: Path) -> None:
    place.put(100)
    known = tmp_path / "rollout.json"
    with following(place, last_known=LastKnown(known, max_age=600)) as rollout:
        until(known.exists, "the file")
        before = treated(rollout)
    with Rollout(KEY, redis="redis://127.0.0.1:1", last_known=LastKnown(known, max_age=600)) as rollout:
        assert rollout.assign(KIM).reason is Reason.HOLDBACK
        assert rollout.assign(FREE).reason is Reason.LAST_KNOWN
        assert treated(rollout) == before == [user for user in USERS if user not in HELD]


def test_openfeature_says_so(place: Place) -> None:
    place.put(100)
    with following(place, revision=REVISION) as rollout, serving(MlrolloutProvider({FLAG: rollout})) as client:
        found = {user: client.get_string_details(FLAG, "", EvaluationContext(user)) for user in (KIM, FREE)}
    for user, variant, reason in ((KIM, "control", "Holdback"), (FREE, "treatment", "Split")):
        assert (found[user].variant, found[user].reason) == (variant, "SPLIT")
        assert found[user].flag_metadata["rollout_reason"] == reason
        assert (found[user].flag_metadata["percentage"], found[user].flag_metadata["holdback"]) == (100, HOLDBACK)
