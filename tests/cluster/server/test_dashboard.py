"""The dashboard of a server on a real API server, under exactly the rights that are documented."""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from devstack.control_plane import ControlPlane
from devstack.redis_server import RedisServer
from tests.cluster.server.house import DASHBOARD, House
from tests.cluster.server.page import SESSION, STREAM, Browser
from tests.components.assignment.place import until
from tests.components.server.ab.calls import ClusterServer
from tests.support.api_proxy import ApiProxy, api_proxy, hangs_up, of_rollouts, refuses, says_nothing_of_use

WATCHER = ("get", "list", "watch")
HTML = "<img src=x onerror=alert(1)>"
ROLLOUTS = [{"name": "ml-dispatch", "key": "dashboard:percentage"}]


@pytest.fixture(scope="module")
def account(account: Path, control_plane: ControlPlane) -> Path:
    """The server's kubeconfig, with what it needs for the dashboard as well."""
    control_plane.apply(DASHBOARD)
    return account


@pytest.fixture(scope="module")
def server(redis_server: RedisServer, account: Path) -> Iterator[ClusterServer]:
    """One for all tests here: it shows all namespaces."""
    config = {"rollouts": ROLLOUTS, "rate": 100_000, "proxies": ["127.0.0.1/32"]}
    config["dashboard"] = {"proxy": {"user": "X-Remote-User", "groups": "X-Remote-Groups"}}
    with ClusterServer(redis_server.url, account, config) as running:
        yield running


@pytest.fixture
def home(control_plane: ControlPlane) -> House:
    """A namespace with one rollout."""
    return House(control_plane)


def signed_in(server: ClusterServer, token: str) -> Browser:
    browser = Browser(server)
    answer = browser.sign_in(token)
    assert answer.status == 200, answer.body
    return browser


def watcher(server: ClusterServer, home: House, *verbs: str) -> Browser:
    return signed_in(server, home.person("watcher", *WATCHER, *verbs))


def shown(home: House) -> Any:
    """Whether what a page is told is about the rollout of the test."""
    return lambda line: (line["namespace"], line["name"]) == (home.namespace, "ml-dispatch")


# --- who is there ------------------------------------------------------------------------------


def test_whoever_is_not_signed_in_sees_the_page_and_nothing_else(server: ClusterServer) -> None:
    stranger = Browser(server)
    for method, path in (("GET", SESSION), ("GET", STREAM), ("DELETE", SESSION), ("POST", SESSION)):
        answer = stranger.ask(method, path, {"token": "nobody's"} if method == "POST" else None)
        assert (answer.status, answer.json["signIn"]) == (401, "token")
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'")
        assert answer.headers["X-Frame-Options"] == "DENY"
    assert stranger.act("a/b", "rollback").status == 401


def test_a_token_of_the_cluster_signs_in_and_stands_in_no_log(server: ClusterServer, home: House) -> None:
    token = home.person("watcher", *WATCHER)
    browser = Browser(server)
    answer = browser.sign_in(token)
    told = answer.headers["Set-Cookie"]

    assert {"HttpOnly", "SameSite=Strict", "Path=/dashboard/"} <= set(told.split("; "))
    assert token not in told
    session = browser.ask("GET", SESSION).json
    assert session == answer.json
    assert session["user"] == f"system:serviceaccount:{home.namespace}:watcher"
    assert session["mode"] == "cluster"
    assert session["expiresAt"].startswith("20")
    assert token not in server.log.read_text()
    assert token not in str(session)


def test_by_tls_of_a_proxy_the_cookie_is_secure(server: ClusterServer, home: House) -> None:
    browser = Browser(server, X_Forwarded_Proto="https")
    assert "Secure" in browser.sign_in(home.person("watcher", *WATCHER)).headers["Set-Cookie"].split("; ")


def test_who_signs_out_is_a_stranger(server: ClusterServer, home: House) -> None:
    browser = watcher(server, home)
    assert browser.ask("DELETE", SESSION).status == 204
    assert browser.cookie == ""
    assert browser.ask("GET", SESSION).status == 401


@pytest.mark.parametrize("cookie", ["", "x", "gAAAAAB", "mlrollout-dashboard=" + "A" * 200])
def test_a_cookie_that_is_none_of_the_servers_is_nobodys(server: ClusterServer, cookie: str) -> None:
    browser = Browser(server)
    browser.cookie = f"mlrollout-dashboard={cookie}"
    assert browser.ask("GET", SESSION).status == 401


def test_a_proxy_says_who_it_is_and_gives_nobody_the_clusters_own_names(server: ClusterServer, home: House) -> None:
    home.control_plane.apply(json.dumps(_binding(home, "kim")))
    kim = Browser(server, X_Remote_User="kim", X_Remote_Groups="a, b")
    session = kim.ask("GET", SESSION).json
    assert session["groups"] == ["a", "b", "system:authenticated"]
    kim.csrf = session["csrf"]
    left = kim.ask("DELETE", SESSION)
    assert (left.status, session["canSignOut"], "X-Remote-User" in left.json["detail"]) == (409, False, True)
    with kim.listening(f"{home.namespace}/ml-dispatch") as events:
        assert events.until("detail")["name"] == "ml-dispatch"
    assert Browser(server, X_Remote_User="system:admin").ask("GET", SESSION).status == 403
    assert Browser(server, X_Remote_User="kim", X_Remote_Groups="system:masters").ask("GET", SESSION).status == 403


def _binding(home: House, user: str) -> dict[str, Any]:
    home.person("model", *WATCHER)
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": f"of-{user}", "namespace": home.namespace},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "model"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
    }


def test_a_link_on_another_page_leads_to_the_page_but_no_other_page_may_ask(server: ClusterServer) -> None:
    elsewhere = Browser(server, Sec_Fetch_Site="cross-site", Origin="https://evil.example.com")
    assert elsewhere.ask("GET", "/dashboard/").status in {200, 501}
    assert elsewhere.ask("GET", "/dashboard").headers["Location"] == "/dashboard/"
    for path in (SESSION, STREAM):
        assert elsewhere.ask("GET", path).status == 403
    assert elsewhere.sign_in("any").status == 403


# --- what they see -----------------------------------------------------------------------------


def test_a_change_is_told_to_whoever_watches(server: ClusterServer, home: House) -> None:
    with watcher(server, home).listening() as events:
        line = next(filter(shown(home), events.until("rollouts")["rollouts"]))
        assert (line["percentage"], line["phase"], line["can"]) == (0, "AwaitingOperator", [])
        assert [one["percentage"] for one in line["stages"]] == [10, 30, 100]

        home.stands(30, "expansion")
        events.until("rollout", lambda one: shown(home)(one) and one["asked"] == 30)
        assert events.until("alive", lambda one: one["source"] == "live")["asOf"].startswith("20")

        home.kubectl("delete", "mlr", "ml-dispatch")
        assert events.until("gone", shown(home))["uid"] == line["uid"]


def test_one_rollout_is_told_in_full_until_it_is_gone_and_again_when_it_is_made_anew(
    server: ClusterServer, home: House
) -> None:
    spec = json.loads(home.kubectl("get", "mlr", "ml-dispatch", "-o", "json"))["spec"]
    made = {"apiVersion": "mlrollout.dev/v1alpha1", "kind": "MLRollout", "spec": spec}
    made["metadata"] = {"name": "ml-dispatch", "namespace": home.namespace}
    with watcher(server, home, "patch").listening(f"{home.namespace}/ml-dispatch") as events:
        first = events.until("detail")
        assert first["can"] == ["rollback"]
        assert first["guardrails"][0]["name"] == "errors"
        assert events.until("figures")["figures"][0]["groups"]["treatment"]["value"] is None

        home.stands(30, "expansion")
        second = events.until("detail", lambda one: one["asked"] == 30)
        assert "demote" in second["can"]
        assert {one["verb"] for one in second["offers"]} == set(second["can"])

        home.kubectl("delete", "mlr", "ml-dispatch")
        events.until("gone", shown(home))
        before = len(events)
        home.apply(made)
        assert events.until("detail", after=before)["uid"] != first["uid"]


def test_nobody_sees_what_the_cluster_does_not_let_them_see(server: ClusterServer, home: House) -> None:
    browser = signed_in(server, home.person("stranger", "create"))
    with browser.listening() as events:
        assert not list(filter(shown(home), events.until("rollouts")["rollouts"]))
    with browser.listening(f"{home.namespace}/ml-dispatch") as events:
        gone = events.until("gone")
        assert (gone["uid"], gone["why"]) == ("", "hidden")
        assert "detail" not in {name for name, _ in events.heard}


def test_who_may_get_one_object_sees_that_one(server: ClusterServer, home: House) -> None:
    browser = signed_in(server, home.person("one", "get", names=("ml-dispatch",)))
    with browser.listening(f"{home.namespace}/ml-dispatch") as events:
        assert events.until("detail")["can"] == []


def test_html_in_an_object_is_text_in_json(server: ClusterServer, home: House) -> None:
    home.stands(30, HTML)
    patch = {"status": {"conditions": [_ready(f"</script>{HTML}\u2028\n")]}}
    home.kubectl("patch", "mlr", "ml-dispatch", "--subresource=status", "--type=merge", "-p", json.dumps(patch))
    with watcher(server, home).listening(f"{home.namespace}/ml-dispatch") as events:
        detail = events.until("detail", lambda one: HTML in one["message"])
        assert f"</script>{HTML}" in detail["conditions"][0]["message"]
    with watcher(server, home).listening() as events:
        assert events.until("rollouts")["rollouts"]


def _ready(message: str) -> dict[str, str]:
    at = "2026-11-03T09:30:00.250Z"
    return {"type": "Ready", "status": "False", "reason": "Other", "message": message, "lastTransitionTime": at}


@pytest.mark.parametrize("named", ["x", "a/b/c", "/b", "a/", "A/b", "a/..", "a/%2e", "a/<b>"])
def test_a_name_that_no_object_can_have_is_refused(server: ClusterServer, home: House, named: str) -> None:
    assert watcher(server, home).ask("GET", f"{STREAM}?rollout={named}").status == 422


# --- what they may ask for ---------------------------------------------------------------------


def test_an_act_is_asked_for_in_the_persons_name_and_said_to_be_unanswered(server: ClusterServer, home: House) -> None:
    home.stands(30, "expansion")
    browser = watcher(server, home, "patch")
    answer = browser.act(f"{home.namespace}/ml-dispatch", "rollback", f"customers\ncomplain {HTML}")

    assert (answer.status, answer.json["accepted"], answer.json["answered"]) == (200, True, False)
    assert answer.json["message"].startswith("traffic goes to 0 %")
    who = f"system:serviceaccount:{home.namespace}:watcher"
    said = rf"customers complain {HTML} \[dashboard 20..-..-..T.*Z\] \(by {who}\)".replace("(1)", r"\(1\)")
    assert re.fullmatch(said, home.annotations["rollback"])
    line = server.logged("Asked for a verb")[-1]
    assert (line["caller"], line["verb"], line["object"]) == (who, "rollback", f"{home.namespace}/ml-dispatch")


def test_what_the_operator_would_refuse_is_refused_with_what_would_work(server: ClusterServer, home: House) -> None:
    home.stands(30, "expansion")
    browser, ref = watcher(server, home, "patch"), f"{home.namespace}/ml-dispatch"
    answer = browser.act(ref, "resume", seen=browser.seen(ref))
    assert answer.status == 409
    assert answer.json["detail"].startswith("The operator would refuse")
    assert "rollback" in answer.json["offers"]
    assert home.annotations == {}


def test_who_may_not_patch_may_not_act_and_is_told_why(server: ClusterServer, home: House) -> None:
    browser = watcher(server, home)
    for verb in ("rollback", "pause", "resume", "approve", "promote", "demote", "retry"):
        answer = browser.act(f"{home.namespace}/ml-dispatch", verb)
        assert answer.status == 403
        assert "the right to patch" in answer.json["detail"]
    assert home.annotations == {}


def test_without_the_pages_own_token_nothing_is_asked_for(server: ClusterServer, home: House) -> None:
    browser, other = watcher(server, home, "patch"), watcher(server, home, "patch")
    for shown_ in ("", "x", other.csrf):
        answer = browser.ask(
            "POST",
            f"/dashboard/api/rollouts/{home.namespace}/ml-dispatch/acts",
            {"verb": "rollback"},
            X_CSRF_Token=shown_,
        )
        assert answer.status == 403
    assert browser.ask("DELETE", SESSION, **{"X-CSRF-Token": "x"}).status == 403
    assert home.annotations == {}


def test_an_object_that_is_gone_is_told(server: ClusterServer, home: House) -> None:
    browser = watcher(server, home, "patch")
    home.kubectl("delete", "mlr", "ml-dispatch")
    for verb in ("rollback", "pause"):
        assert browser.act(f"{home.namespace}/ml-dispatch", verb).status == 404


def test_of_two_tabs_that_act_at_once_the_rollback_is_always_heard(server: ClusterServer, home: House) -> None:
    home.stands(30, "expansion")
    browser = watcher(server, home, "patch")
    with ThreadPoolExecutor() as tabs:
        acts = [tabs.submit(browser.act, f"{home.namespace}/ml-dispatch", verb) for verb in ("pause", "rollback")]
        # A rollback that stands already outranks the pause.
        assert [one.result().status for one in acts] in ([200, 200], [409, 200])
    assert "rollback" in home.annotations


def test_of_two_people_who_promote_at_once_what_they_both_see_one_is_heard(server: ClusterServer, home: House) -> None:
    home.stands(30, "expansion")
    browser, ref = watcher(server, home, "patch"), f"{home.namespace}/ml-dispatch"
    seen = browser.seen(ref)
    with ThreadPoolExecutor() as people:
        acts = [people.submit(browser.act, ref, "promote", reason, seen=seen) for reason in ("well", "fine")]
        answers = [one.result() for one in acts]
    assert sorted(one.status for one in answers) == [200, 409]
    refused = next(one for one in answers if one.status == 409)
    assert "promote is asked for already" in refused.json["detail"]
    said = home.annotations["promote"]

    home.stands(100, "full")
    late = browser.act(ref, "promote", "well", seen=seen)
    assert (late.status, "moved on since you looked" in late.json["detail"]) == (409, True)
    assert home.annotations["promote"] == said
    assert browser.act(ref, "rollback", "well", seen=seen).status == 200


# --- what goes wrong ---------------------------------------------------------------------------


@pytest.fixture
def proxy(control_plane: ControlPlane) -> Iterator[ApiProxy]:
    with api_proxy(control_plane) as running:
        yield running


@pytest.fixture
def behind(
    redis_server: RedisServer, control_plane: ControlPlane, account: Path, proxy: ApiProxy
) -> Iterator[ClusterServer]:
    """A server that reaches the API server through the proxy."""
    kubeconfig = proxy.kubeconfig(control_plane, "mlrollout-system", "mlrollout-server")
    with ClusterServer(
        redis_server.url, kubeconfig, {"rollouts": ROLLOUTS, "rate": 100_000, "dashboard": {}}
    ) as running:
        yield running


def test_fifty_pages_are_one_watch(behind: ClusterServer, home: House, proxy: ApiProxy) -> None:
    asked: list[str] = []

    def count(request: Any) -> bool:
        further = next((word for word in ("watch", "continue") if word in request.query), "")
        asked.append(f"{request.method} {further or request.path.rsplit('/', 1)[-1]}")
        return False

    proxy.be_wrong(says_nothing_of_use, count)
    browsers = [watcher(behind, home) for _ in range(7)]
    with ExitStack() as stack:
        pages = [stack.enter_context(one.listening()) for one in browsers]
        for events in pages:
            events.until("rollouts")
        reviews = asked.count("POST subjectaccessreviews")
        pages += [stack.enter_context(browsers[number % 7].listening()) for number in range(43)]
        for events in pages:
            events.until("rollouts")
        assert asked.count("POST subjectaccessreviews") == reviews
        home.stands(30, "expansion")
        for events in pages:
            events.until("rollout", lambda one: shown(home)(one) and one["asked"] == 30)
    watches, lists = asked.count("GET watch"), asked.count("GET mlrollouts")
    assert (watches <= 3, lists) == (True, 1), asked


def test_what_is_old_is_said_to_be_old_and_made_new_once_the_cluster_is_back(
    behind: ClusterServer, home: House, proxy: ApiProxy
) -> None:
    with watcher(behind, home).listening() as events:
        events.until("rollouts")
        events.until("alive", lambda one: one["source"] == "live")
        proxy.be_wrong(hangs_up, of_rollouts)
        events.until("alive", lambda one: one["source"] == "stale" and "Kubernetes API" in one["why"])
        home.stands(30, "expansion")
        before = len(events)
        proxy.be_well()
        events.until("rollout", lambda one: shown(home)(one) and one["asked"] == 30, after=before)
        events.until("alive", lambda one: one["source"] == "live", after=before)


def test_a_right_that_is_missing_is_told_and_a_page_that_never_saw_anything_shows_nothing(
    behind: ClusterServer, home: House, proxy: ApiProxy
) -> None:
    browser = watcher(behind, home)
    proxy.be_wrong(refuses(403), of_rollouts)
    with browser.listening() as events:
        assert "answered 403" in events.until("alive", lambda one: "403" in (one["why"] or ""))["why"]
        assert "rollouts" not in {name for name, _ in events.heard}


def test_whose_token_is_revoked_is_signed_out(server: ClusterServer, home: House) -> None:
    browser = watcher(server, home)
    home.kubectl("delete", "serviceaccount", "watcher")
    until(lambda: browser.ask("GET", SESSION).status == 401, "the end of the session")
    assert browser.act(f"{home.namespace}/ml-dispatch", "rollback").status == 401
