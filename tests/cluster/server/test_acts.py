"""What becomes of an act on a real API server, under exactly the rights that are documented."""

import re

import pytest

from devstack.control_plane import ControlPlane
from devstack.redis_server import RedisServer
from tests.cluster.server.house import House
from tests.components.assignment.place import until
from tests.components.server.ab.calls import ADMIN, ALL_LINES, Api, ClusterServer

ROLLOUT, ROLLBACK = "ab-test/rollout", "ab-test/rollback"


def test_zero_is_a_rollback_with_the_callers_name(house: House) -> None:
    house.stands(30, "expansion")
    console = house.person("console", "patch")

    answer = house.api.post(ROLLOUT, {"percentage": 0, "reason": "customers\ncomplain"}, token=console)

    assert answer.status == 202
    assert answer.json["verb"] == "rollback"
    assert answer.json["percentage"] == 0
    who = f"system:serviceaccount:{house.namespace}:console"
    said = rf"customers complain \(by {who} over HTTP at 20..-..-..T.*Z\)"
    assert set(house.annotations) == {"rollback"}
    assert re.fullmatch(said, house.annotations["rollback"])
    (line,) = house.server.logged("Asked for a verb")
    assert (line["caller"], line["verb"], line["rollout"]) == (who, "rollback", "ml-dispatch")
    assert console not in house.server.log.read_text()


def test_the_button_is_a_rollback_before_the_operator_has_said_anything(house: House) -> None:
    console = house.person("console", "patch")

    assert house.api.post(ROLLBACK, None, token=console).status == 202
    assert set(house.annotations) == {"rollback"}


def test_less_is_a_demotion_and_more_a_promotion(house: House) -> None:
    house.stands(30, "expansion")
    console = house.person("console", "patch")

    less = house.api.post(ROLLOUT, {"percentage": 29}, token=console)
    more = house.api.post(ROLLOUT, {"percentage": 100}, token=console)

    assert (less.status, less.json["verb"], less.json["percentage"]) == (202, "demote", 10)
    assert (more.status, more.json["verb"], more.json["percentage"]) == (202, "promote", 100)
    assert house.annotations["demote"].startswith("29 (by ")
    assert house.annotations["promote"].startswith("(by ")


def test_what_can_not_be_had_is_told_with_what_can_and_nothing_is_asked(house: House) -> None:
    house.stands(10, "pilot")
    console = house.person("console", "patch")

    answer = house.api.post(ROLLOUT, {"percentage": 100}, token=console)

    assert answer.status == 409
    assert answer.json["percentages"] == [0, 10, 30]
    assert house.annotations == {}
    (line,) = house.server.logged("Asked for what can't be had")
    assert (line["caller"], line["percentage"]) == (f"system:serviceaccount:{house.namespace}:console", 100)


def test_what_stands_already_needs_nothing(house: House) -> None:
    house.stands(10, "pilot")

    answer = house.api.post(ROLLOUT, {"percentage": 10}, token=house.person("console", "patch"))

    assert (answer.status, answer.json["verb"]) == (200, None)
    assert house.annotations == {}


def test_after_a_rollback_only_zero_can_be_had(house: House) -> None:
    house.stands(0, latched=True)
    console = house.person("console", "patch")

    answer = house.api.post(ROLLOUT, {"percentage": 10}, token=console)

    assert answer.status == 409
    assert "mlrollout.dev/retry" in answer.json["detail"]
    assert house.annotations == {}


def test_asking_twice_is_two_values_so_that_both_are_heard(house: House) -> None:
    console = house.person("console", "patch")
    house.api.post(ROLLBACK, {"reason": "a"}, token=console)
    first = house.annotations["rollback"]

    house.api.post(ROLLBACK, {"reason": "a"}, token=console)

    assert house.annotations["rollback"] != first


@pytest.mark.parametrize("path", [ROLLOUT, ROLLBACK])
def test_an_object_that_is_not_there_is_told(house: House, path: str) -> None:
    console = house.person("console", "patch")

    answer = Api(house.server, "/api/gone").post(path, {"percentage": 0} if path == ROLLOUT else {}, token=console)

    assert answer.status == 409
    assert f"There is no MLRollout {house.namespace}/gone" in answer.json["detail"]


# --- who may -----------------------------------------------------------------------------------


def test_the_right_to_patch_is_what_an_act_takes_and_it_is_the_callers(house: House) -> None:
    viewer, stranger = house.person("viewer", "get", "list", "watch"), house.person("stranger", "create")
    other = house.person("other", "patch", "get", names=("something-else",))

    for token in (viewer, stranger, other):
        for path, body in ((ROLLOUT, {"percentage": 0}), (ROLLBACK, {})):
            assert house.api.post(path, body, token=token).status == 403
    assert house.annotations == {}


def test_the_right_to_get_is_what_statistics_take(house: House) -> None:
    viewer, console = house.person("viewer", "get"), house.person("console", "patch")

    assert house.api.get("ab-test/stats", token=viewer).status == 200
    assert house.api.get("ab-test/stats", token=console).status == 403
    # There is no Prometheus here; who may not is not told so.
    assert house.api.get("monitoring/metrics", token=viewer).status == 501
    assert house.api.get("monitoring/metrics", token=console).status == 403


def test_rights_in_another_namespace_are_none_here(house: House, control_plane: ControlPlane) -> None:
    elsewhere = House(control_plane).person("console", "patch", "get")

    assert house.api.post(ROLLBACK, {}, token=elsewhere).status == 403


def test_an_administrator_of_the_cluster_may(house: House, control_plane: ControlPlane) -> None:
    assert house.api.post(ROLLBACK, {}, token=control_plane.api_server.admin_token).status == 202


def test_somebody_of_the_cluster_may_not_speak_for_users(house: House) -> None:
    everything = house.person("everything", "*")
    rating = {"user_id": "kim", "dispatch_id": "d", "rating": 5}

    assert house.api.get("ab-test/assignment?user_id=kim", token=everything).status == 403
    assert house.api.post("ab-test/satisfaction", rating, token=everything).status == 403


@pytest.mark.parametrize("token", ["nonsense", "a.b.c", "x" * 4000])
def test_a_token_that_is_nobodys_is_refused(house: House, token: str) -> None:
    assert house.api.post(ROLLBACK, {}, token=token).status == 401
    assert house.annotations == {}


def test_a_stranger_can_not_keep_the_api_server_busy(house: House) -> None:
    answers = [house.api.post(ROLLBACK, {}, token=f"guess-{number}") for number in range(200)]

    refused = [answer for answer in answers if answer.status == 429]
    assert {answer.status for answer in answers} == {401, 429}
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in refused)


def test_the_servers_own_token_gets_it_what_it_may_itself(house: House, control_plane: ControlPlane) -> None:
    own = control_plane.token_for("mlrollout-system", "mlrollout-server")

    assert house.api.post(ROLLBACK, {}, token=own).status == 202


def test_a_right_that_is_taken_away_is_gone_within_seconds(house: House) -> None:
    console = house.person("console", "patch")
    assert house.api.post(ROLLBACK, None, token=console).status == 202

    house.kubectl("delete", "rolebinding", "console")

    until(lambda: house.api.post(ROLLBACK, {}, token=console).status == 403, "the end of the right")


def test_where_the_api_server_is_away_nobody_is_let_in(
    own_control_plane: ControlPlane, redis_server: RedisServer
) -> None:
    config = {
        "rollouts": [{"name": "ml-dispatch", "key": "k", "object": {"namespace": "default", "name": "ml-dispatch"}}]
    }
    token = own_control_plane.api_server.admin_token
    with ClusterServer(redis_server.url, own_control_plane.kubeconfig, config) as server:
        own_control_plane.kill()
        for path, body in ((ROLLOUT, {"percentage": 0}), (ROLLBACK, {})):
            answer = Api(server).post(path, body, token=token)

            assert answer.status == 503
            assert "SET" in answer.json["detail"]
        # What needs no cluster goes on.
        assigned = Api(server).get("ab-test/assignment?user_id=kim", token=None, X_Requested_With="pytest")
        assert assigned.status == 200
        own_control_plane.api_server.start()


def test_a_static_token_acts_with_the_servers_rights(house: House, redis_server: RedisServer) -> None:
    server = house.server
    assert isinstance(server, ClusterServer)
    with ClusterServer(redis_server.url, server.kubeconfig, house.config, ALL_LINES) as own:
        assert Api(own).post(ROLLBACK, {"reason": "night shift"}, token=ADMIN).status == 202
    assert house.annotations["rollback"].startswith("night shift (by ops over HTTP")
