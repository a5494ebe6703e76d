"""What users answer to the survey."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import jwt
import pytest
from mlrollout.adapters.redis import Taken

from devstack.redis_server import RedisServer
from tests.components.assignment.place import BEGUN, KEY, Place, placed, until
from tests.components.server.ab.calls import ADMIN, ALL_LINES, APP, BASE, NAME, VIEWER, Api
from tests.components.server.ab.inside import inside
from tests.components.server.place import Answer, served


def test_a_rating_counts_for_the_users_group(api: Api) -> None:
    answer = api.rate("kim", 5)

    assert (answer.status, answer.json) == (201, {"group": "treatment", "counted": True, "because": ""})
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


def test_of_one_user_one_rating_counts_in_a_day_and_nobody_is_told_off(api: Api, place: Place) -> None:
    """Evidence is about users: whoever rates twenty dispatches must not weigh twenty times."""
    assert api.rate("u", 1, "a").json == {"group": "treatment", "counted": True, "because": ""}
    for dispatch in "bcdefg":
        answer = api.rate("u", 5, dispatch)
        assert (answer.status, answer.json["counted"]) == (200, False)
        assert "another rating" in answer.json["because"]
    assert api.rate("v", 3, "a").status == 201

    assert api.stats()["satisfaction"]["treatment"] == {"ratings": 2, "average": 2.0}


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


@dataclass
class Outcomes:
    """A survey in which each rating becomes of what the test says."""

    left: list[Taken]
    periods: list[float] = field(default_factory=list)

    async def rate(self, *_: object, every: float, **_more: object) -> Taken:
        self.periods.append(every)
        return self.left.pop(0)


RATING = {"user_id": "kim", "dispatch_id": "d-1", "rating": 3}


@pytest.mark.parametrize(("then", "status"), [(Taken.AGAIN, 409), (Taken.ENOUGH, 200), (Taken.FULL, 200)])
async def test_a_rating_that_does_not_count_is_none_in_the_metric_that_guardrails_use(then: Taken, status: int) -> None:
    async with inside(survey=Outcomes([Taken.COUNTED, then])) as client:
        found = []
        for expected in (201, status):
            async with client.post(f"{BASE}/ab-test/satisfaction", json=RATING) as answer:
                assert answer.status == expected
            async with client.get("/metrics") as metrics:
                lines = (await metrics.text()).splitlines()
            found.append([line for line in lines if line.startswith("ml_dispatch_satisfaction")])

    assert 'ml_dispatch_satisfaction_sum{group="control"} 3.0' in found[0]
    assert 'ml_dispatch_satisfaction_count{group="control"} 1.0' in found[0]
    assert found[1] == found[0]


@pytest.mark.parametrize(
    ("settings", "seconds"), [({}, 86_400), ({"every": "1h"}, 3600), ({"every": "52w"}, 31_449_600)]
)
async def test_one_rating_of_a_user_counts_in_a_day_or_in_what_the_configuration_says(
    settings: dict[str, str], seconds: float
) -> None:
    survey = Outcomes([Taken.COUNTED])
    async with (
        inside(survey=survey, told={"survey": settings}) as client,
        client.post(f"{BASE}/ab-test/satisfaction", json=RATING) as answer,
    ):
        assert answer.status == 201
    assert survey.periods == [seconds]


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
        {"rating": 4, "user_id": "x" * 1025, "dispatch_id": "d"},
        {"rating": 4, "user_id": "배" * 342, "dispatch_id": "d"},
        {"rating": 4, "user_id": 7.5, "dispatch_id": "d"},
        {"rating": 4, "user_id": True, "dispatch_id": "d"},
        {"rating": 4, "user_id": 10**1024, "dispatch_id": "d"},
        {"rating": 4, "user_id": "kim", "dispatch_id": "d", "group": "treatment"},
    ],
)
def test_a_body_that_makes_no_sense_is_refused(api: Api, body: object) -> None:
    assert api.post("ab-test/satisfaction", body, token=APP).status == 422


def test_a_number_is_the_user_of_its_digits(api: Api, place: Place) -> None:
    dispatch = f"n-{place.record.attempt}"

    assert [api.rate(user, 4, dispatch).status for user in (1042, "1042", 1043)] == [201, 409, 201]


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
            assert "127.0.0.1" not in answer.body.decode()  # where Redis is, is nobody's business
            own.start()
            until(lambda: found.rate("kim", 4).status == 201, "Redis again")


def test_the_log_names_who_passed_a_rating_on_and_no_user(api: Api, place: Place) -> None:
    api.rate("secret-user", 4, f"log-{place.record.attempt}")

    line = api.server.logged("Rated")[-1]
    assert (line["caller"], line["rollout"], line["outcome"]) == ("dispatch", NAME, "counted")
    assert "secret-user" not in api.server.log.read_text()


# --- tickets -----------------------------------------------------------------------------------

SECRET, SESSIONS_SECRET = "r" * 32, "s" * 32


@pytest.fixture(scope="module")
def ticketed(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A server with users' sessions, and with a key for tickets."""
    folder = tmp_path_factory.mktemp("keys")
    for name, secret in (("rating.key", SECRET), ("session.key", SESSIONS_SECRET)):
        folder.joinpath(name).write_text(f"{secret}\n")
    config = {
        "rollouts": [{"name": NAME, "key": KEY}, {"name": "other", "key": "other"}],
        "sessions": {"algorithm": "HS256", "key": str(folder / "session.key")},
        "survey": {"key": str(folder / "rating.key"), "valid": "2h", "every": "52w"},
        "rate": 100_000,
    }
    with served(redis_server.url, config, ALL_LINES) as running, placed(redis_server) as place:
        place.record = replace(BEGUN, attempt=int(place.redis.incr("attempt")))
        place.put(100)
        found = Api(running)
        until(lambda: found.stats()["attempt"] == place.record.attempt, "treatment for everybody")
        yield found


def session(user_id: str) -> str:
    return jwt.encode({"sub": user_id, "exp": time.time() + 600}, SESSIONS_SECRET, "HS256")


def short_session(user_id: str) -> str:
    """Likewise, in UTF-8, as it fits into a head however the id is written."""
    claims = json.dumps({"sub": user_id, "exp": int(time.time()) + 600}, ensure_ascii=False)
    return jwt.api_jws.encode(claims.encode(), SESSIONS_SECRET, "HS256")


def signed(secret: str = SECRET, **claims: object) -> str:
    """A good one, but for the claims that are given; `None` leaves one out."""
    good = {"aud": "mlrollout-rating", "rollout": NAME, "sub": "kim", "dispatch": "d-7", "exp": time.time() + 600}
    return jwt.encode({name: value for name, value in {**good, **claims}.items() if value is not None}, secret, "HS256")


def rates(api: Api, user_id: str, dispatch: str, ticket: object = None) -> Answer:
    body = {"rating": 1, "dispatch_id": dispatch} | ({} if ticket is None else {"ticket": ticket})
    return api.post("ab-test/satisfaction", body, token=session(user_id))


def test_a_session_alone_can_not_rate_what_never_happened(ticketed: Api) -> None:
    before = ticketed.stats()["satisfaction"]

    assert {rates(ticketed, "kim", f"made-up-{number}").status for number in range(50)} == {403}
    assert ticketed.stats()["satisfaction"] == before


def test_with_the_applications_ticket_a_user_rates_that_dispatch(ticketed: Api) -> None:
    told = ticketed.post("ab-test/rating-ticket", {"user_id": "lee", "dispatch_id": "d-1"}, token=APP)
    assert told.status == 201
    assert 7000 < told.json["expires_at"] - time.time() <= 7200

    assert rates(ticketed, "lee", "d-1", told.json["ticket"]).json["counted"] is True
    assert rates(ticketed, "lee", "d-1", told.json["ticket"]).status == 409
    assert rates(ticketed, "kim", "d-1", told.json["ticket"]).status == 403
    assert rates(ticketed, "lee", "d-2", told.json["ticket"]).status == 403


@pytest.mark.parametrize("user_id", ["x" * 1024, "배" * 341, "\x01" * 700, "👩" * 256, 1042])
def test_whoever_is_a_user_can_be_given_a_ticket_and_use_it(ticketed: Api, user_id: str | int) -> None:
    body = {"user_id": user_id, "dispatch_id": "👩" * 200}
    ticket = ticketed.post("ab-test/rating-ticket", body, token=APP).json["ticket"]
    answer = ticketed.post(
        "ab-test/satisfaction", {**body, "rating": 4, "ticket": ticket}, token=short_session(str(user_id))
    )

    assert (answer.status, answer.json["counted"]) == (201, True)


@pytest.mark.parametrize("user_id", ["x" * 1025, "배" * 342, "", None, 7.5, True])
def test_for_nobody_there_is_no_ticket(ticketed: Api, user_id: object) -> None:
    answer = ticketed.post("ab-test/rating-ticket", {"user_id": user_id, "dispatch_id": "d"}, token=APP)

    assert answer.status == 422
    assert "user_id" in answer.json["detail"]
    assert "nobody" in answer.json["detail"]


def test_an_application_may_sign_tickets_itself(ticketed: Api) -> None:
    assert rates(ticketed, "sam", "d-7", signed(sub="sam")).status == 201


OTHERS = {
    "by another secret": signed("another secret of thirty-two bytes"),
    "by the secret of sessions": signed(SESSIONS_SECRET),
    "of long ago": signed(exp=1),
    "for ever": signed(exp=None),
    "for another purpose": signed(aud="mlrollout"),
    "for no purpose": signed(aud=None),
    "of another rollout": signed(rollout="other"),
    "of no rollout": signed(rollout=None),
    "of no dispatch": signed(dispatch=None),
    "of a list": signed(dispatch=["d-7"]),
    "of another user": signed(sub="lee"),
    "cut off": signed()[:-3],
    "three words": "a.b.c",
    "beyond ASCII": "\u00e9",
    "unsigned": jwt.encode({"sub": "kim", "rollout": NAME, "dispatch": "d-7", "exp": 9e9}, "", "none"),
}


@pytest.mark.parametrize("ticket", OTHERS.values(), ids=OTHERS)
def test_any_other_ticket_is_none(ticketed: Api, ticket: str) -> None:
    assert rates(ticketed, "kim", "d-7", ticket).status == 403


@pytest.mark.parametrize(
    ("token", "status"), [(None, 401), (VIEWER, 403), (ADMIN, 403)], ids=["nobody", "view", "admin"]
)
def test_who_may_not_give_tickets(ticketed: Api, token: str | None, status: int) -> None:
    body = {"user_id": "lee", "dispatch_id": "d-1"}

    assert ticketed.post("ab-test/rating-ticket", body, token=token).status == status
    assert ticketed.post("ab-test/rating-ticket", body, token=session("lee")).status == 403


def test_without_a_key_nobody_gives_tickets(api: Api) -> None:
    assert api.post("ab-test/rating-ticket", {"user_id": "lee", "dispatch_id": "d"}, token=APP).status == 501


def test_who_is_nobody_rates_nothing(ticketed: Api) -> None:
    nobody = "x" * 1500

    assert rates(ticketed, nobody, "d-7", signed(sub=nobody)).status == 403


def test_no_ticket_is_in_the_log(ticketed: Api) -> None:
    ticket = signed(sub="pat")
    rates(ticketed, "pat", "d-7", ticket)
    rates(ticketed, "pat", "d-8", ticket)

    assert ticket not in ticketed.server.log.read_text()
