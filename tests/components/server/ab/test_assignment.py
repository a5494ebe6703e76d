"""Asking for a user's group."""

from dataclasses import replace
from urllib.parse import quote

import pytest

from devstack.redis_server import RedisServer
from tests.components.assignment.place import KEY, REVISION, Place, until
from tests.components.server.ab.calls import ADMIN, ALL_LINES, APP, NAME, VIEWER, Api
from tests.components.server.place import served


def test_a_user_in_treatment_gets_the_ml_path(api: Api) -> None:
    assert api.assigned("kim") == {"group": "treatment", "ml_enabled": True, "reason": "Split"}


def test_after_a_rollback_nobody_does(api: Api, place: Place) -> None:
    place.put(0, latched=True)
    until(lambda: not api.assigned("kim")["ml_enabled"], "the rollback")

    assert api.assigned("kim") == {"group": "control", "ml_enabled": False, "reason": "RolledBack"}


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?user_id=",
        f"?user_id={'x' * 1025}",
        f"?user_id={quote('배' * 342)}",
        "?user_id=%ff",
        "?user_id=kim%ff&user_id=kim",
        "?user_id=a%ed%a0%80",
        "?user=kim",
    ],
)
def test_who_is_no_user_is_in_control(api: Api, query: str) -> None:
    answer = api.get(f"ab-test/assignment{query}")

    assert answer.status == 200
    assert answer.json == {"group": "control", "ml_enabled": False, "reason": "NoUser"}


@pytest.mark.parametrize("user_id", [quote("김민지"), "a%20b", "%00", "x" * 1024, quote("kim\ufffd")])
def test_any_text_is_a_user(api: Api, user_id: str) -> None:
    assert api.assigned(user_id)["ml_enabled"]


@pytest.mark.parametrize("revision", [REVISION, "another", "%ff"])
def test_a_program_of_another_revision_is_in_control(api: Api, revision: str) -> None:
    """As in OFREP: a percentage that one revision has earned is given to no other."""
    found = api.assigned(f"kim&revision={revision}")

    ours = revision == REVISION
    assert found == {
        "group": "treatment" if ours else "control",
        "ml_enabled": ours,
        "reason": "Split" if ours else "OtherRevision",
    }


def test_a_revision_that_is_said_takes_the_place_of_the_configurations(
    redis_server: RedisServer, api: Api, place: Place
) -> None:
    config = {"rollouts": [{"name": NAME, "key": KEY, "revision": "another"}]}
    with served(redis_server.url, config, ALL_LINES) as running:
        found = Api(running)
        until(lambda: found.assigned("kim")["reason"] == "OtherRevision", "the record")

        assert found.assigned(f"kim&revision={REVISION}")["ml_enabled"]


def test_a_revision_that_is_empty_is_none(api: Api) -> None:
    answer = api.get("ab-test/assignment?user_id=kim&revision=")

    assert answer.status == 422
    assert "revision" in answer.json["detail"]


def test_an_id_of_a_megabyte_is_refused_before_it_is_read(api: Api) -> None:
    answer = api.get(f"ab-test/assignment?user_id={'x' * 1_000_000}")

    assert 400 <= answer.status < 500


def test_a_group_is_the_same_by_every_way(api: Api, place: Place) -> None:
    place.put(50)
    until(lambda: api.stats()["rollout_percentage"] == 50, "50 %")

    users = [f"user-{number}" for number in range(40)]
    flags = [api.server.flag(user, Authorization=f"Bearer {APP}")["variant"] for user in users]
    assert [api.assigned(user)["group"] for user in users] == flags
    assert set(flags) == {"control", "treatment"}


def test_an_unknown_rollout_is_told_and_the_names_of_the_others_with_it(api: Api) -> None:
    answer = replace(api, base="/api/nothing").get("ab-test/assignment?user_id=kim")

    assert answer.status == 404
    assert NAME in answer.json["detail"]


def test_a_stranger_is_told_nothing(api: Api) -> None:
    for base in (api.base, "/api/nothing"):
        answer = replace(api, base=base).get("ab-test/assignment?user_id=kim", token=None)

        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert NAME not in answer.json["detail"]


@pytest.mark.parametrize("token", [VIEWER, ADMIN], ids=["view", "admin"])
def test_a_token_for_something_else_may_not_ask(api: Api, token: str) -> None:
    assert api.get("ab-test/assignment?user_id=kim", token=token).status == 403


def test_a_name_with_slashes_works(api: Api, place: Place) -> None:
    config = {"rollouts": [{"name": "ranking/v2", "key": KEY}]}
    with served(api.server.redis_url, config, ALL_LINES) as running:
        found = Api(running, "/api/ranking/v2")
        until(lambda: found.assigned("kim")["ml_enabled"], "treatment")

        assert Api(running, "/api/ranking%2Fv2").assigned("kim")["ml_enabled"]


def test_without_redis_everybody_is_in_control(api: Api) -> None:
    with served("redis://127.0.0.1:1", {"rollouts": [{"name": NAME, "key": KEY}]}, ALL_LINES) as running:
        assert Api(running).assigned("kim") == {"group": "control", "ml_enabled": False, "reason": "NotReady"}
