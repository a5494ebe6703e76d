"""`mlrollout dashboard`: a server on loopback, entered by an address that works once, acting as its person."""

import http.client
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from devstack.control_plane import ControlPlane
from tests.cluster.server.house import House
from tests.cluster.server.page import SESSION, STREAM, Browser
from tests.support.command_line import CommandLine

LOOKS = {"apiGroups": ["mlrollout.dev"], "resources": ["mlrollouts"], "verbs": ["get", "list", "watch"]}
ACTS = LOOKS | {"verbs": [*LOOKS["verbs"], "patch"]}


@dataclass
class Opened:
    """A dashboard that runs."""

    process: subprocess.Popen[str]
    address: str

    @property
    def port(self) -> int:
        return urlsplit(self.address).port or 0

    def enter(self) -> Browser:
        browser = Browser(self)
        answer = browser.ask("GET", self.address.partition(str(self.port))[2])
        assert (answer.status, answer.headers["Location"]) == (303, "/dashboard/")
        browser.csrf = browser.ask("GET", SESSION).json["csrf"]
        return browser


@contextmanager
def opened(kubeconfig: Path, *options: str) -> Iterator[Opened]:
    command: Sequence[str] = [sys.executable, "-m", "mlrollout", "dashboard", "--no-open", *options]
    environment = os.environ | {"KUBECONFIG": str(kubeconfig)}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if line.startswith("http://127.0.0.1:"):
                    yield Opened(process, line.strip())
                    break
            else:
                assert process.stderr is not None
                raise AssertionError(process.stderr.read())
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def home(control_plane: ControlPlane) -> House:
    return House(control_plane)


@pytest.fixture(scope="module")
def dashboard(home: House) -> Iterator[Opened]:
    with opened(home.account("acts", [ACTS]), "-n", home.namespace) as running:
        yield running


@pytest.fixture(scope="module")
def browser(dashboard: Opened) -> Browser:
    return dashboard.enter()


def test_the_address_works_once(dashboard: Opened, browser: Browser) -> None:
    again = Browser(dashboard)
    answer = again.ask("GET", dashboard.address.partition(str(dashboard.port))[2])
    assert (answer.status, again.cookie) == (403, "")
    assert b"mlrollout dashboard" in answer.body
    assert again.ask("GET", "/dashboard/enter?code=").status == 403
    assert again.ask("GET", "/dashboard/enter").status == 403
    stranger = again.ask("GET", SESSION)
    assert (stranger.status, stranger.json["signIn"]) == (401, "command")
    assert again.ask("GET", STREAM).status == 401
    again.cookie = f"{browser.cookie}\xff"
    assert again.ask("GET", SESSION).status == 401


def test_it_is_the_person_of_the_kubeconfig_in_the_namespace_that_was_asked_for(home: House, browser: Browser) -> None:
    session = browser.ask("GET", SESSION).json
    assert session["user"] == f"system:serviceaccount:{home.namespace}:acts"
    assert (session["mode"], session["namespaces"], session["expiresAt"]) == ("person", [home.namespace], None)
    assert session["context"]


def test_what_changes_is_told_and_what_is_asked_for_is_asked_in_the_persons_name(home: House, browser: Browser) -> None:
    with browser.listening() as events:
        assert [one["can"] for one in events.until("rollouts")["rollouts"]] == [["rollback"]]
        home.stands(30, "expansion")
        events.until("rollout", lambda one: one["asked"] == 30)
    answer = browser.act(f"{home.namespace}/ml-dispatch", "pause", "night shift")
    assert (answer.status, answer.json["answered"]) == (200, False)
    who = re.escape(f"system:serviceaccount:{home.namespace}:acts")
    assert re.fullmatch(rf"night shift \[dashboard .*Z\] \(by {who}\)", home.annotations["pause"])
    seen = browser.seen(f"{home.namespace}/ml-dispatch")
    refused = browser.act(f"{home.namespace}/ml-dispatch", "retry", seen=seen)
    assert refused.status == 409
    assert browser.act(f"{home.namespace}/gone", "rollback").status == 404


def test_no_page_of_another_place_and_no_name_of_another_host_gets_anything(
    dashboard: Opened, browser: Browser
) -> None:
    for headers in ({"Host": "rebound.example.com"}, {"Origin": "https://evil.example.com"}):
        told = {"Cookie": browser.cookie, **headers}
        with closing(http.client.HTTPConnection("127.0.0.1", dashboard.port, timeout=10)) as connection:
            connection.request("GET", SESSION, headers=told)
            assert connection.getresponse().status == 403
    path = "/dashboard/api/rollouts/a/b/acts"
    assert browser.ask("POST", path, {"verb": "rollback"}, **{"X-CSRF-Token": "x"}).status == 403


def test_who_may_not_patch_gets_no_buttons_and_who_may_not_list_all_gets_the_contexts_namespace(home: House) -> None:
    with opened(home.account("looks", [LOOKS])) as running:
        browser = running.enter()
        assert browser.ask("GET", SESSION).json["namespaces"] == [home.namespace]
        with browser.listening(f"{home.namespace}/ml-dispatch") as events:
            assert events.until("detail")["can"] == []
        answer = browser.act(f"{home.namespace}/ml-dispatch", "rollback")
        assert (answer.status, "the right to patch" in answer.json["detail"]) == (403, True)
        cookie = browser.cookie
        assert browser.ask("DELETE", SESSION).status == 204
        browser.cookie = cookie
        assert browser.ask("GET", SESSION).status == 401


def test_who_may_not_list_anything_is_told_at_once(mlrollout: CommandLine, home: House) -> None:
    mlrollout.setenv("KUBECONFIG", home.account("nobody", []))
    ran = mlrollout("dashboard", "--no-open")
    assert (ran.code, "answered 403" in ran.err) == (3, True)


@pytest.mark.parametrize(
    ("options", "why"),
    [(["--prometheus", "redis://x"], "Prometheus' address must be"), (["--config", "nowhere.yaml"], "can't be read")],
)
def test_what_can_not_be_used_is_told(mlrollout: CommandLine, options: list[str], why: str) -> None:
    ran = mlrollout("dashboard", "--no-open", *options)
    assert (ran.code, why in ran.err) == (2, True)
