"""Counting users, beside the answers."""

from dataclasses import replace

import pytest
from mlrollout.assignment.bucket import held_back

from devstack.redis_server import RedisServer
from tests.components.assignment.place import KEY, Place, placed, until
from tests.components.server.ab.calls import ADMIN, ALL_LINES, APP, NAME, VIEWER, Api
from tests.components.server.place import served


def counts(api: Api) -> tuple[int, int, int]:
    found = api.stats()
    return found["total_users"], found["control_count"], found["treatment_count"]


def test_before_the_first_user_there_is_no_share(api: Api, place: Place) -> None:
    assert api.stats() == {
        "total_users": 0,
        "control_count": 0,
        "treatment_count": 0,
        "treatment_percentage": None,
        "rollout_percentage": 100,
        "holdback": 0,
        "stage": "pilot",
        "revision": place.record.revision,
        "attempt": place.record.attempt,
        "reason": "Split",
        "satisfaction": {
            "control": {"ratings": 0, "average": None},
            "treatment": {"ratings": 0, "average": None},
        },
    }


def test_users_are_counted_once_in_the_group_that_they_were_in(api: Api, place: Place) -> None:
    place.put(50)
    until(lambda: api.stats()["rollout_percentage"] == 50, "50 %")
    groups = [api.assigned(f"user-{number}")["group"] for number in range(30) for _ in range(2)]
    treated = groups.count("treatment") // 2

    until(lambda: api.stats()["total_users"] == 30, "30 users")
    assert counts(api) == (30, 30 - treated, treated)
    assert api.stats()["treatment_percentage"] == pytest.approx(100 * treated / 30, abs=0.01)


def test_who_is_held_back_is_counted_in_control(api: Api, place: Place) -> None:
    place.record = replace(place.record, attempt=int(place.redis.incr("attempt")), holdback=20)
    place.put(100)
    until(lambda: api.stats()["holdback"] == 20, "the holdback")
    found = [api.assigned(f"user-{number}") for number in range(30)]
    held = [held_back(KEY, f"user-{number}", 20) for number in range(30)]

    assert [one["reason"] == "Holdback" for one in found] == [not one["ml_enabled"] for one in found] == held
    until(lambda: api.stats()["total_users"] == 30, "30 users")
    assert counts(api) == (30, sum(held), 30 - sum(held))
    assert api.stats()["rollout_percentage"] == 100


def test_users_of_openfeature_are_counted_too(api: Api) -> None:
    api.server.flag("kim", Authorization=f"Bearer {APP}")

    until(lambda: counts(api) == (1, 0, 1), "kim")


def test_nobody_is_not_counted(api: Api) -> None:
    api.get("ab-test/assignment")
    api.assigned("kim")

    until(lambda: counts(api)[0], "the next batch")
    assert counts(api) == (1, 0, 1)


def test_no_id_gets_to_redis(api: Api, place: Place) -> None:
    api.assigned("kim@example.com")
    until(lambda: counts(api)[0], "kim")

    kept = b"".join(place.redis.dump(name) or b"" for name in place.redis.scan_iter("*:users:*"))
    assert kept
    assert b"kim" not in kept


def test_counts_are_kept_over_an_outage_of_redis_and_a_restart_of_the_server(api: Api) -> None:
    with RedisServer(config=["appendonly yes", "appendfsync always"]) as own, placed(own) as place:
        place.put(100)
        config = {"rollouts": [{"name": NAME, "key": KEY}]}
        with served(own.url, config, ALL_LINES) as running:
            found = Api(running)
            until(lambda: found.assigned("kim")["ml_enabled"], "treatment")
            until(lambda: counts(found)[0] == 1, "kim")
            assert found.rate("kim", 4).status == 201
            own.kill()
            assert found.get("ab-test/assignment?user_id=lee").status == 200
            answer = found.get("ab-test/stats", token=VIEWER)
            assert answer.status == 503
            assert "can't be reached" in answer.json["detail"]
            assert int(answer.headers["Retry-After"]) > 0
            own.start()
            until(lambda: found.get("ab-test/stats", token=VIEWER).status == 200, "Redis again")
            until(lambda: counts(found)[0] == 2, "lee, who came meanwhile")
        with served(own.url, config, ALL_LINES) as again:
            until(lambda: counts(Api(again))[0] == 2, "both")
            assert Api(again).stats()["satisfaction"]["treatment"] == {"ratings": 1, "average": 4.0}


def test_users_that_are_still_waiting_are_sent_when_the_server_ends(api: Api, redis_server: RedisServer) -> None:
    with served(redis_server.url, {"rollouts": [{"name": NAME, "key": KEY}]}, ALL_LINES) as running:
        own = Api(running)
        until(lambda: own.assigned("kim")["ml_enabled"], "treatment")
        for number in range(20):
            own.assigned(f"late-{number}")
    assert counts(api)[0] == 21


@pytest.mark.parametrize(
    ("token", "status"),
    [(None, 401), ("nonsense", 401), (APP, 403), (VIEWER, 200), (ADMIN, 200)],
    ids=["nobody", "nonsense", "assign", "view", "admin"],
)
def test_who_may_see_them(api: Api, token: str | None, status: int) -> None:
    assert api.get("ab-test/stats", token=token).status == status


def test_an_unknown_rollout_has_none(api: Api) -> None:
    assert replace(api, base="/api/nothing").get("ab-test/stats", token=VIEWER).status == 404
