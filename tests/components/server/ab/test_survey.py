"""What users answer to the survey."""

import pytest

from devstack.redis_server import RedisServer
from tests.components.assignment.place import KEY, Place, placed, until
from tests.components.server.ab.calls import ADMIN, ALL_LINES, APP, NAME, VIEWER, Api
from tests.components.server.place import served


def test_a_rating_counts_for_the_users_group(api: Api) -> None:
    answer = api.rate("kim", 5)

    assert (answer.status, answer.json) == (201, {"group": "treatment"})
    assert api.stats()["satisfaction"] == {
        "control": {"ratings": 0, "average": None},
        "treatment": {"ratings": 1, "average": 5.0},
    }


def test_a_user_rates_a_dispatch_once_and_the_first_rating_counts(api: Api, place: Place) -> None:
    dispatch = f"d-{place.record.attempt}"
    assert api.rate("lee", 2, dispatch).status == 201

    again = api.rate("lee", 5, dispatch)

    assert again.status == 409
    assert "already" in again.json["detail"]
    assert api.stats()["satisfaction"]["treatment"] == {"ratings": 1, "average": 2.0}


def test_another_dispatch_and_another_user_are_another_rating(api: Api, place: Place) -> None:
    one, other = f"a-{place.record.attempt}", f"b-{place.record.attempt}"

    assert [api.rate(user, 4, dispatch).status for user in ("u", "v") for dispatch in (one, other)] == [201] * 4


def test_user_and_dispatch_are_not_mixed_up(api: Api, place: Place) -> None:
    end = str(place.record.attempt)

    assert api.rate("ab", 4, f"c{end}").status == 201
    assert api.rate("a", 4, f"bc{end}").status == 201


def test_both_groups_series_exist_before_the_first_rating(redis_server: RedisServer) -> None:
    config = {"rollouts": [{"name": NAME, "key": KEY, "metrics": "shop"}, {"name": "b", "key": "b", "metrics": "shop"}]}
    with served(redis_server.url, config, ALL_LINES) as running:
        found = Api(running)

        for group in ("control", "treatment"):
            assert found.sample(f'shop_satisfaction_count{{group="{group}"}}') == 0
            assert found.sample(f'shop_satisfaction_sum{{group="{group}"}}') == 0
            assert found.sample(f'shop_satisfaction_bucket{{group="{group}",le="3.0"}}') == 0


def test_a_rating_is_a_metric(api: Api, place: Place) -> None:
    names = [f'ml_dispatch_satisfaction_{part}{{group="treatment"}}' for part in ("sum", "count")]
    before = [api.sample(name) for name in names]

    api.rate("metric", 3, f"d-{place.record.attempt}")

    assert [api.sample(name) - was for name, was in zip(names, before, strict=True)] == [3, 1]


@pytest.mark.parametrize("rating", [0, 6, -1, 4.5, "4", True, None, 1e300])
def test_any_other_rating_is_refused_and_nothing_counts(api: Api, rating: object) -> None:
    answer = api.rate("kim", rating, "never")

    assert answer.status == 422
    assert answer.json["errors"][0]["place"] == "rating"
    assert api.stats()["satisfaction"]["treatment"]["ratings"] == 0


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        "4",
        {"rating": 4, "user_id": "kim"},
        {"rating": 4, "user_id": "kim", "dispatch_id": ""},
        {"rating": 4, "user_id": "kim", "dispatch_id": "d" * 201},
        {"rating": 4, "user_id": "kim", "dispatch_id": 7},
        {"rating": 4, "user_id": "", "dispatch_id": "d"},
        {"rating": 4, "user_id": "\ud800", "dispatch_id": "d"},
        {"rating": 4, "user_id": "kim", "dispatch_id": "d", "group": "treatment"},
    ],
)
def test_a_body_that_makes_no_sense_is_refused(api: Api, body: object) -> None:
    assert api.post("ab-test/satisfaction", body, token=APP).status == 422


def test_an_application_says_who_rates(api: Api) -> None:
    answer = api.post("ab-test/satisfaction", {"rating": 4, "dispatch_id": "d"}, token=APP)

    assert answer.status == 403
    assert "`user_id`" in answer.json["detail"]


@pytest.mark.parametrize(
    ("token", "status"), [(None, 401), (VIEWER, 403), (ADMIN, 403)], ids=["nobody", "view", "admin"]
)
def test_who_may_not_pass_ratings_on(api: Api, token: str | None, status: int) -> None:
    body = {"rating": 4, "user_id": "kim", "dispatch_id": "d"}

    assert api.post("ab-test/satisfaction", body, token=token).status == status
    assert api.stats()["satisfaction"]["treatment"]["ratings"] == 0


def test_without_tokens_the_machine_itself_may_not_rate_either(redis_server: RedisServer) -> None:
    with served(redis_server.url) as running:
        answer = Api(running).post(
            "ab-test/satisfaction", {"rating": 4, "user_id": "kim", "dispatch_id": "d"}, token=None
        )

        assert answer.status == 403


def test_without_redis_a_rating_is_refused_and_can_be_sent_again() -> None:
    with RedisServer() as own, placed(own) as place:
        place.put(100)
        with served(own.url, {"rollouts": [{"name": NAME, "key": KEY}]}, ALL_LINES) as running:
            found = Api(running)
            until(lambda: found.assigned("kim")["ml_enabled"], "treatment")
            own.kill()
            answer = found.rate("kim", 4)
            assert answer.status == 503
            assert "Retry-After" in answer.headers
            own.start()
            until(lambda: found.rate("kim", 4).status == 201, "Redis again")


def test_the_log_names_who_passed_a_rating_on_and_no_user(api: Api, place: Place) -> None:
    api.rate("secret-user", 4, f"log-{place.record.attempt}")

    line = api.server.logged("Rated")[-1]
    assert (line["caller"], line["rollout"], line["counted"]) == ("dispatch", NAME, True)
    assert "secret-user" not in api.server.log.read_text()
