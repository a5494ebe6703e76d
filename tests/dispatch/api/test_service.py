"""The service over HTTP, as the page uses it: a real process, a real Redis, and people of both groups."""

import re
from pathlib import Path

import httpx
import jwt
import pytest

from devstack.processes import wait_until
from devstack.redis_server import RedisServer
from tests.dispatch.api.place import Place, running


def _code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def _calls(place: Place) -> dict[tuple[str, str], float]:
    return {
        (group, status): place.metric("ml_dispatch_total", group=group, status=status)
        for group in ("control", "treatment")
        for status in ("success", "failure")
    }


def _counted(place: Place, before: dict[tuple[str, str], float]) -> dict[tuple[str, str], float]:
    return {key: value - before[key] for key, value in _calls(place).items() if value != before[key]}


# --- the two paths -----------------------------------------------------------------------------


def test_treatment_gets_three_ranked_vehicles_with_reasons(place: Place) -> None:
    person, before = place.person(), _calls(place)
    ids = [order["id"] for order in person.orders()]

    answer = person.optimize(*reversed(ids)).json()

    assert answer["model"] == "ranker-1"
    assert [result["order_id"] for result in answer["results"]] == ids[::-1]
    for result in answer["results"]:
        assert [card["rank"] for card in result["top_3"]] == [1, 2, 3][: len(result["top_3"])]
        for card in result["top_3"]:
            assert set(card) == {"rank", "vehicle_id", "vehicle_code", "score", "reason", "breakdown"}
            assert set(card["breakdown"]) == {"distance", "rotation", "time_window", "preference", "voltage"}
    assert _counted(place, before) == {("treatment", "success"): 1}


@pytest.mark.parametrize(
    ("preferred", "words"),
    [("ko-KR,ko;q=0.9,en;q=0.8", "[가-힣]"), ("en,ko;q=0.5", "^[^가-힣]+$"), ("", "^[^가-힣]+$")],
)
def test_reasons_are_in_the_language_that_is_preferred(place: Place, preferred: str, words: str) -> None:
    person = place.person()
    found = person.optimize(*(order["id"] for order in person.orders()), language=preferred).json()["results"]
    reasons = [card["reason"] for result in found for card in result["top_3"]]
    assert reasons
    assert all(re.search(words, reason) for reason in reasons)


def test_control_gets_the_legacy_path_alone_and_it_is_what_is_measured(place: Place) -> None:
    place.put(0)
    person, before = place.person(), _calls(place)
    order = person.orders()[0]["id"]

    assert _code(person.optimize(order)) == (403, "control")
    assert _counted(place, before) == {}
    ways = [near["distance_km"] for near in person.nearest(order)]
    assert ways == sorted(ways)
    assert _counted(place, before) == {("control", "success"): 1}


def test_a_model_that_is_not_rolled_out_is_nobodys(place: Place) -> None:
    place.put(100, revision="ranker-9")
    person = place.person()

    assert _code(person.optimize(person.orders()[0]["id"])) == (403, "control")


@pytest.mark.parametrize("fault", ["fail", "hang"])
def test_an_ml_path_that_fails_is_told_counted_and_leaves_legacy(place: Place, fault: str) -> None:
    person, before = place.person(), _calls(place)
    order = person.orders()[0]["id"]
    place.faults(ml=fault)

    assert _code(person.optimize(order)) == (503, "model_unavailable")

    assert person.nearest(order)
    assert _counted(place, before) == {("treatment", "failure"): 1}


def test_a_wrong_answer_can_be_switched_on_for_the_page(place: Place) -> None:
    person = place.person()
    place.faults(ml="wrong")

    answer = person.optimize(person.orders()[0]["id"])

    assert answer.status_code == 200
    assert answer.json()["results"][0]["top_3"][0]["score"] == 17


def test_a_model_file_that_is_broken_fails_alone_and_heals(redis_server: RedisServer, tmp_path: Path) -> None:
    good = Path(__file__).parents[3] / "examples/ml-dispatch/models/ranker-1.json"
    model = tmp_path / "ranker-1.json"
    model.write_bytes(b"\x80\x04 no model")
    with running(redis_server, model=model) as place:
        place.put(100)
        person, before = place.person(), _calls(place)
        order = person.orders()[0]["id"]

        assert _code(person.optimize(order)) == (503, "model_unavailable")
        assert _counted(place, before) == {("treatment", "failure"): 1}
        near = person.nearest(order)
        made = person.assign(order, near[0]["vehicle_id"], "ml_assisted").json()
        assert (made["model"], made["score"]) == ("ranker-1", None)
        assert "ranker-1.json can't be loaded" in place.service.log.read_text()

        model.write_bytes(good.read_bytes())
        assert person.optimize(order).status_code == 200


def test_without_redis_everybody_is_in_control_and_served(tmp_path: Path) -> None:
    with RedisServer() as server, running(server) as place:
        place.put(100)
        person = place.person()
        order = person.orders()[0]["id"]
        assert person.optimize(order).status_code == 200
        server.kill()

        wait_until(lambda: person.optimize(order).status_code == 403, within=60, what="what was read to be too old")
        assert person.nearest(order)


# --- assigning ---------------------------------------------------------------------------------


def test_a_recommendation_is_assigned_with_its_model_and_score(place: Place) -> None:
    person = place.person()
    result = next(one for one in person.optimize(*(o["id"] for o in person.orders())).json()["results"] if one["top_3"])
    best = result["top_3"][0]

    made = person.assign(result["order_id"], best["vehicle_id"], "ml_assisted")

    assert made.status_code == 201
    told = made.json()
    assert (told["assigned_by"], told["model"], told["status"]) == ("ml_assisted", "ranker-1", "assigned")
    assert told["score"] == pytest.approx(best["score"], abs=0.05)
    assert told["vehicle_code"] == best["vehicle_code"]
    assert person.orders("assigned")[0]["dispatch"] == told


def test_a_double_click_assigns_once(place: Place) -> None:
    person = place.person()
    made = person.assigned()

    again = person.assign(made["order_id"], made["vehicle_id"])

    assert (again.status_code, again.json()) == (200, made)


def test_what_is_taken_is_a_conflict(place: Place) -> None:
    person, other = place.person(), place.person()
    made = person.assigned()
    able = {near["vehicle_id"] for near in person.nearest(made["order_id"])} - {made["vehicle_id"]}

    assert _code(person.assign(made["order_id"], able.pop())) == (409, "conflict")
    refused = {_code(other.assign(order["id"], made["vehicle_id"])) for order in other.orders()}
    assert refused <= {(409, "conflict"), (422, "vehicle_unfit")}


def test_an_order_of_another_user_is_not_found(place: Place) -> None:
    person, other = place.person(), place.person()
    made, order = person.assigned(), person.orders()[0]["id"]
    before = _calls(place)

    assert _code(other.optimize(order)) == (404, "not_found")
    assert _code(other.http.get(f"/api/orders/{order}/nearest")) == (404, "not_found")
    assert _code(other.assign(order, 1)) == (404, "not_found")
    for what, body in (("cancel", {}), ("complete", {}), ("survey", {"rating": 1})):
        assert _code(other.then(made, what, **body)) == (404, "not_found")
    assert _code(person.assign(order, 10**9)) == (404, "not_found")
    assert _counted(place, before) == {}


def test_a_dispatch_is_cancelled_completed_and_rated(place: Place) -> None:
    person = place.person()
    ratings = place.metric("ml_dispatch_satisfaction_sum", group="treatment")
    cancelled, completed = person.assigned(), None

    assert person.then(cancelled, "cancel", reason="wrong vehicle").json()["status"] == "cancelled"
    assert cancelled["order_id"] in {order["id"] for order in person.orders()}
    completed = person.assigned()
    assert person.then(completed, "complete").json()["status"] == "completed"
    assert _code(person.then(completed, "cancel")) == (409, "conflict")
    for _ in range(2):
        assert person.then(completed, "survey", rating=4, comment="좋아요").json()["rating"] == 4
    assert _code(person.then(completed, "survey", rating=5)) == (409, "conflict")
    assert place.metric("ml_dispatch_satisfaction_sum", group="treatment") == ratings + 4


def test_one_user_weighs_once_however_many_dispatches_they_rate(place: Place) -> None:
    person, other = place.person(), place.person()
    before = place.metric("ml_dispatch_satisfaction_count", group="treatment")

    for _ in range(3):
        assert person.then(person.assigned(), "survey", rating=1).json()["rating"] == 1
    assert place.metric("ml_dispatch_satisfaction_count", group="treatment") == before + 1

    other.then(other.assigned(), "survey", rating=5)
    assert place.metric("ml_dispatch_satisfaction_count", group="treatment") == before + 2


def test_an_assignment_that_fails_is_told_and_can_be_tried_again(place: Place) -> None:
    person = place.person()
    order = person.orders()[0]["id"]
    vehicle = person.nearest(order)[0]["vehicle_id"]
    place.faults(assign="fail")

    assert _code(person.assign(order, vehicle)) == (503, "unavailable")

    place.faults(assign="ok")
    assert person.assign(order, vehicle).status_code == 201


# --- sessions, events, metrics -----------------------------------------------------------------


def test_nothing_is_told_without_a_session(place: Place) -> None:
    stranger, signed, forged = place.stranger(), place.person(), place.stranger(session="ImtpbSI.aaaa.bbbb")

    for client in (stranger, forged):
        for path in ("session", "config", "orders", "vehicles", "orders/1/nearest"):
            assert _code(client.get(f"/api/{path}")) == (401, "not_signed_in")
        assert _code(client.post("/api/events", json={"name": "panel_shown"})) == (401, "not_signed_in")
    assert signed.http.get("/api/session").json() == {"user_id": signed.user}
    assert signed.http.delete("/api/session").status_code == 204
    assert _code(signed.http.get("/api/orders")) == (401, "not_signed_in")


def test_a_cookie_is_kept_from_scripts_and_survives_a_deploy(redis_server: RedisServer) -> None:
    with running(redis_server) as place:
        person = place.person()
        told = person.http.post("/api/session", json={"user_id": person.user}).headers["set-cookie"]
        assert "HttpOnly" in told
        assert "SameSite=lax" in told

        place.service.restart()

        assert person.http.get("/api/session").json() == {"user_id": person.user}
        assert len(person.orders()) == 8


def test_a_page_gets_a_token_for_its_user_alone(redis_server: RedisServer, tmp_path: Path) -> None:
    key = tmp_path / "session.key"
    key.write_text("k" * 32)
    with running(redis_server, ofrep_key=key, ofrep="http://127.0.0.1:9") as place:
        person = place.person()
        config = person.http.get("/api/config").json()

    scheme, token = config.pop("headers")["Authorization"].split()
    assert scheme == "Bearer"
    assert jwt.decode(token, "k" * 32, algorithms=["HS256"])["sub"] == person.user
    assert config == {
        "ofrep": "http://127.0.0.1:9",
        "flag": "ml-dispatch",
        "user_id": person.user,
        "revision": "ranker-1",
    }


def test_events_of_the_page_are_kept(place: Place) -> None:
    http = place.person().http

    shown = {"name": "fallback_shown", "order_id": 1, "why": "timeout", "details": {"after_ms": 2000}}
    assert http.post("/api/events", json=shown).status_code == 204
    assert _code(http.post("/api/events", json={"name": "panel_shown", "why": "x" * 2001})) == (422, "invalid")
    endless = b'{"name": "panel_shown", "after_ms": 1e999}'
    sent = http.post("/api/events", content=endless, headers={"Content-Type": "application/json"})
    assert _code(sent) == (422, "invalid")


def test_metrics_are_those_that_guardrails_and_the_dashboard_ask_about(place: Place) -> None:
    text = httpx.get(f"{place.service.url}/metrics", trust_env=False).text
    names = {line.split()[2]: line.split()[3] for line in text.splitlines() if line.startswith("# TYPE")}

    assert {name: kind for name, kind in names.items() if not name.endswith("_created")} == {
        "ml_dispatch_total": "counter",
        "ml_dispatch_score": "histogram",
        "ml_dispatch_response_time_seconds": "histogram",
        "ml_dispatch_error_rate": "gauge",
        "ml_dispatch_satisfaction": "histogram",
    }


# --- bad input ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"order_ids": list(range(1, 52)), "mode": "recommend"}, (422, "invalid")),
        ({"order_ids": [], "mode": "recommend"}, (422, "invalid")),
        ({"order_ids": [0], "mode": "recommend"}, (422, "invalid")),
        ({"order_ids": ["1"], "mode": "recommend"}, (422, "invalid")),
        ({"order_ids": [True], "mode": "recommend"}, (422, "invalid")),
        ({"order_ids": [2**63], "mode": "recommend"}, (422, "invalid")),
        ({"order_ids": [1], "mode": "replace"}, (422, "invalid")),
        ({"order_ids": [1]}, (422, "invalid")),
        ({"order_ids": [1], "mode": "recommend", "user_id": "lee"}, (422, "invalid")),
        ({"order_ids": [2**53 - 1], "mode": "recommend"}, (404, "not_found")),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_makes_no_sense_is_refused_and_counted_for_nobody(
    place: Place, body: dict[str, object], expected: tuple[int, str]
) -> None:
    http, before = place.person().http, _calls(place)

    assert _code(http.post("/api/ml-dispatch/optimize", json=body)) == expected
    assert _counted(place, before) == {}


def test_fifty_orders_are_optimized_and_one_that_is_named_twice_once(place: Place) -> None:
    person = place.person()
    ids = [order["id"] for order in person.orders()]

    assert len(person.optimize(*(ids * 7)[:50]).json()["results"]) == 8


@pytest.mark.parametrize(
    ("content", "kind", "expected"),
    [
        (b"x" * 65_537, "application/json", (413, "too_large")),
        (b'{"user_id":', "application/json", (400, "no_json")),
        (b"\xff", "application/json", (400, "bad_request")),
        (b'{"user_id": "kim"}', "text/plain", (422, "invalid")),
        (b"user_id=kim", "application/x-www-form-urlencoded", (422, "invalid")),
        (b'{"user_id": "kim\\u0000"}', "application/json", (422, "invalid")),
        (b'{"user_id": "\\ud800"}', "application/json", (422, "invalid")),
        (b'{"user_id": ""}', "application/json", (422, "invalid")),
        (b"[" * 50_000, "application/json", (400, "bad_request")),
        (b'{"user_id": NaN}', "application/json", (422, "invalid")),
        (b"", "application/json", (422, "invalid")),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_body_that_is_none_is_refused(place: Place, content: bytes, kind: str, expected: tuple[int, str]) -> None:
    answer = httpx.post(
        f"{place.service.url}/api/session", content=content, headers={"Content-Type": kind}, trust_env=False
    )

    assert _code(answer) == expected


def test_a_huge_body_without_a_length_is_refused_before_it_has_come(place: Place) -> None:
    def endless() -> object:
        while True:
            yield b" " * 8192

    try:
        answer = httpx.post(f"{place.service.url}/api/session", content=endless(), trust_env=False, timeout=20)
    except httpx.WriteError:  # the service has hung up while the client was still sending
        return
    assert answer.status_code == 413


def test_there_is_no_switch_for_faults_unless_it_is_asked_for(redis_server: RedisServer) -> None:
    with running(redis_server, faults=False) as place:
        answer = httpx.post(f"{place.service.url}/faults", json={"ml": "fail"}, trust_env=False)

    assert answer.status_code in {404, 405}
