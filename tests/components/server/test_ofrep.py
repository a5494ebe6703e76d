"""OFREP: every status, body and header that docs/server.md promises."""

import json
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import quote

import pytest
from mlrollout.assignment.bucket import held_back

from devstack.redis_server import RedisServer
from tests.components.assignment.place import KEY, REVISION, Place, placed, until
from tests.components.server.place import (
    ADMIN,
    APP_LINE,
    FLAG,
    FLAGS,
    KIM,
    NAME,
    HttpServer,
    everybody,
    served,
    standing,
)


def test_a_flag_is_the_group_of_the_contexts_user(server: HttpServer, place: Place) -> None:
    found = server.ask("POST", FLAG, KIM)

    assert found.status == 200
    assert found.json == {
        "key": NAME,
        "value": True,
        "reason": "SPLIT",
        "variant": "treatment",
        "metadata": {
            "percentage": 100.0,
            "rollout_reason": "Split",
            "attempt": place.record.attempt,
            "sequence": 1,
            "stage": "pilot",
            "revision": REVISION,
        },
    }


def test_a_number_is_the_user_of_its_digits(server: HttpServer, place: Place) -> None:
    place.put(50)
    until(lambda: server.flag()["metadata"]["percentage"] == 50, "50 %")
    for number in range(50):
        found = server.ask("POST", FLAG, {"context": {"targetingKey": number}})
        assert (found.status, found.json["variant"]) == (200, server.flag(str(number))["variant"])


@pytest.mark.parametrize(
    ("revision", "variant"), [(REVISION, "treatment"), ("another", "control"), (None, "treatment")]
)
def test_a_program_of_another_revision_is_in_control(server: HttpServer, revision: str | None, variant: str) -> None:
    context = {"context": {"targetingKey": "kim", "revision": revision}}
    found = server.ask("POST", FLAG, context).json

    assert found["variant"] == variant
    assert found["metadata"]["rollout_reason"] == ("Split" if variant == "treatment" else "OtherRevision")
    (flag, _) = server.ask("POST", FLAGS, context).json["flags"]
    assert flag["variant"] == variant


def test_staff_and_a_revision_may_stand_in_the_configuration(redis_server: RedisServer, place: Place) -> None:
    attempt = everybody(place)
    entry = {"name": NAME, "key": KEY, "revision": REVISION, "staff": ["kim", 7]}
    with served(redis_server.url, {"rollouts": [entry]}, [APP_LINE]) as server:
        until(lambda: standing(server) == (attempt, 100), "treatment for everybody")
        place.put(1)
        until(lambda: server.flag()["metadata"]["percentage"] == 1, "1 %")
        assert (server.flag("kim")["reason"], server.flag("7")["reason"]) == ("TARGETING_MATCH", "TARGETING_MATCH")
        assert server.ask("POST", FLAG, {"context": {"targetingKey": "kim", "revision": "x"}}).json["value"] is False

        place.record = replace(place.record, attempt=int(place.redis.incr("attempt")), revision="another")
        place.put(100)
        until(lambda: server.flag()["metadata"]["rollout_reason"] == "OtherRevision", "the other revision")
        assert server.flag("kim")["variant"] == "control"
        asked = {"context": {"targetingKey": "kim", "revision": "another"}}
        assert server.ask("POST", FLAG, asked).json["variant"] == "treatment"


def test_all_that_is_told_of_a_flag_is_flat_and_is_not_to_be_stored(server: HttpServer) -> None:
    found = server.ask("POST", FLAG, KIM)

    assert all(isinstance(value, str | int | float) for value in found.json["metadata"].values())
    assert found.headers["Content-Type"] == "application/json"
    assert found.headers["Cache-Control"] == "no-store"
    assert found.headers["X-Content-Type-Options"] == "nosniff"


def test_a_share_of_the_users_is_in_treatment_and_stays_there(server: HttpServer, place: Place) -> None:
    place.put(50)
    until(lambda: server.flag()["metadata"]["percentage"] == 50, "50 %")
    half = {n for n in range(100) if server.flag(f"user-{n}")["value"]}
    place.put(80)
    until(lambda: server.flag()["metadata"]["percentage"] == 80, "80 %")

    assert 20 < len(half) < 80
    assert half <= {n for n in range(100) if server.flag(f"user-{n}")["value"]}


def test_a_rollback_answers_controls_value_and_says_so(server: HttpServer, place: Place) -> None:
    place.put(0, latched=True)
    until(lambda: server.flag()["metadata"]["rollout_reason"] == "RolledBack", "the rollback")

    found = server.flag()
    assert (found["value"], found["variant"], found["reason"]) == (False, "control", "DISABLED")


def test_who_is_held_back_is_in_control_at_every_percentage(server: HttpServer, place: Place) -> None:
    place.record = replace(place.record, attempt=int(place.redis.incr("attempt")), holdback=20)
    place.put(100)
    until(lambda: server.flag()["metadata"].get("holdback") == 20, "the holdback")
    for number in range(50):
        found = server.flag(str(number))
        told = (found["variant"], found["value"], found["reason"], found["metadata"]["rollout_reason"])
        held = held_back(KEY, str(number), 20)
        assert told == (("control", False, "SPLIT", "Holdback") if held else ("treatment", True, "SPLIT", "Split"))


def test_a_stop_by_hand_answers_control(server: HttpServer, place: Place) -> None:
    place.redis.set(KEY, 0)
    until(lambda: server.flag()["metadata"]["rollout_reason"] == "Stopped", "the stop")

    assert (server.flag()["variant"], server.flag()["reason"]) == ("control", "DISABLED")


@pytest.mark.parametrize("record", ["not JSON", '{"schema":2,"attempt":9}'])
def test_a_record_that_can_not_be_read_is_control(server: HttpServer, place: Place, record: str) -> None:
    place.redis.set(f"{KEY}:record", record)
    until(lambda: server.flag()["metadata"]["rollout_reason"] == "Unreadable", "the record")

    assert (server.flag()["variant"], server.flag()["reason"]) == ("control", "UNKNOWN")


@pytest.mark.parametrize("path", ["ranking/v2", "ranking%2Fv2", quote("ranking/v2", safe=""), "r%61nking/v2"])
def test_a_key_may_have_slashes_encoded_or_not(server: HttpServer, path: str) -> None:
    found = server.ask("POST", f"{FLAGS}/{path}", KIM)

    assert (found.status, found.json["key"], found.json["value"]) == (200, "ranking/v2", "old")
    assert found.json["metadata"]["rollout_reason"] == "Absent"


@pytest.mark.parametrize(
    "key", ["nope", "%EA%B0%80", "a//b", "..%2F..%2Fetc", "%00", "%FF", "%0a", "a%0d%0ab", "x" * 3000, NAME + "%20"]
)
def test_an_unknown_flag(server: HttpServer, key: str) -> None:
    found = server.ask("POST", f"{FLAGS}/{key}", KIM)

    assert found.status == 404
    assert found.json["errorCode"] == "FLAG_NOT_FOUND"
    assert found.json["key"]
    assert found.json["errorDetails"]


# --- who may -----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [FLAG, FLAGS])
def test_nobody_evaluates_without_a_valid_token(server: HttpServer, path: str) -> None:
    for token in (None, "wrong"):
        found = server.ask("POST", path, KIM, token=token)

        assert found.status == 401
        assert found.headers["WWW-Authenticate"].startswith("Bearer")
        assert "wrong" not in found.body.decode()


@pytest.mark.parametrize("path", [FLAG, FLAGS, f"{FLAGS}/nope"])
def test_a_token_without_the_role_does_not_evaluate(server: HttpServer, path: str) -> None:
    assert server.ask("POST", path, KIM, token=ADMIN).status == 403


# --- all flags ---------------------------------------------------------------------------------


def test_all_flags_are_each_as_alone(server: HttpServer) -> None:
    found = server.ask("POST", FLAGS, KIM)

    assert found.status == 200
    assert found.json["flags"] == [
        server.flag("kim"),
        server.ask("POST", f"{FLAGS}/ranking/v2", KIM).json,
    ]
    assert found.json["eventStreams"][0]["type"] == "sse"


def etag_of(server: HttpServer, user_id: str) -> str:
    return server.ask("POST", FLAGS, {"context": {"targetingKey": user_id}}).headers["ETag"]


@pytest.mark.parametrize(
    "form",
    [
        'W/"{}"',
        '"{}"',
        '"other", W/"{}"',
        "*",
        # As proxies make it that pack answers.
        'W/"{}-gzip"',
        '"{}-gzip"',
        '"{}--gzip"',
        '"{};gzip"',
        '"{}:br"',
        'W/"{}-zstd", "other"',
    ],
)
def test_what_the_client_has_already_is_not_sent_again(server: HttpServer, form: str) -> None:
    etag = etag_of(server, "kim")
    found = server.ask("POST", FLAGS, KIM, If_None_Match=form.format(etag[3:-1]))

    assert (found.status, found.body, found.headers["ETag"]) == (304, b"", etag)


@pytest.mark.parametrize("given", ["", '"other"', "other", '"', ",,", "W/", "{}", '"{}-other"', '"gzip-{}"', '"-gzip"'])
def test_what_the_client_has_not_is_sent(server: HttpServer, given: str) -> None:
    told = given.format(etag_of(server, "kim")[3:-1])

    assert server.ask("POST", FLAGS, KIM, If_None_Match=told).status == 200


def test_the_tag_is_weak_since_the_same_evaluations_come_with_another_ticket(server: HttpServer) -> None:
    answers = [server.ask("POST", FLAGS, {"context": {"targetingKey": user}}) for user in ("kim", "lee")]

    assert {answer.headers["ETag"][:3] for answer in answers} == {'W/"'}
    assert len({answer.headers["ETag"] for answer in answers}) == 1
    assert len({answer.body for answer in answers}) == 2


def test_the_tag_depends_on_this_contexts_own_evaluation(server: HttpServer, place: Place) -> None:
    place.put(50)
    until(lambda: server.flag()["metadata"]["percentage"] == 50, "50 %")
    groups = {user_id: server.flag(user_id)["variant"] for user_id in map(str, range(40))}
    tags = {group: {etag_of(server, one) for one in groups if groups[one] == group} for group in groups.values()}

    assert len(tags["control"]) == len(tags["treatment"]) == 1
    assert tags["control"] != tags["treatment"]


def test_a_rollback_is_another_tag(server: HttpServer, place: Place) -> None:
    before = etag_of(server, "kim")
    place.put(0, latched=True)
    until(lambda: server.flag()["variant"] == "control", "the rollback")

    assert server.ask("POST", FLAGS, KIM, If_None_Match=before).status == 200


def test_what_sse_clients_add_to_the_query_is_taken(server: HttpServer) -> None:
    assert server.ask("POST", f"{FLAGS}?flagConfigEtag=x&flagConfigLastModified=1", KIM).status == 200


# --- what a flag answers -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "values",
    [
        {"control": "legacy", "treatment": "ml"},
        {"control": 0, "treatment": 1},
        {"control": 0.0, "treatment": 0.5},
        {"control": {"top": 1, "names": ["a"]}, "treatment": {"top": 3}},
    ],
)
def test_a_flag_is_of_the_type_that_it_was_given(
    place: Place, redis_server: RedisServer, values: Mapping[str, object]
) -> None:
    rollouts = [{"name": NAME, "key": "typed:percentage", "values": values}]
    with served(redis_server.url, {"rollouts": rollouts}) as server:
        found = server.ask("POST", FLAG, KIM, token=None).json

    assert json.dumps(found["value"], sort_keys=True) == json.dumps(values["control"], sort_keys=True)


# --- Redis gone --------------------------------------------------------------------------------


def test_a_redis_that_is_not_there_at_the_start_is_control() -> None:
    with RedisServer() as redis, placed(redis) as place:
        place.put(100)
        redis.kill()
        with served(redis.url, tokens=[APP_LINE]) as server:
            found = server.flag()
            assert (found["value"], found["variant"], found["reason"]) == (False, "control", "UNKNOWN")
            assert found["metadata"] == {"percentage": 0.0, "rollout_reason": "NotReady"}

            redis.start()
            place.write(place.record)
            until(lambda: server.flag()["value"], "Redis")


def test_a_redis_that_is_lost_is_control_until_it_is_back() -> None:
    with RedisServer() as redis, placed(redis) as place, served(redis.url, tokens=[APP_LINE]) as server:
        place.put(100)
        until(lambda: server.flag()["value"], "treatment")
        redis.pause()
        until(lambda: server.flag()["metadata"]["rollout_reason"] == "Stale", "staleness")
        found = server.flag()
        assert (found["value"], found["variant"], found["reason"]) == (False, "control", "UNKNOWN")

        redis.resume()
        until(lambda: server.flag()["value"], "Redis")
