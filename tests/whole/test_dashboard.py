"""The dashboard as people use it: a real browser, the server, the operator, and everything that they stand on."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from devstack.stack import Stack
from tests.cluster.cli.test_dashboard import opened
from tests.cluster.server.house import DASHBOARD, DOCUMENTED
from tests.components.server.ab.calls import ClusterServer
from tests.page.samples import HTML
from tests.support.browser import Screens, browser, screen
from tests.support.screen import AXE, Screen
from tests.whole.house import House

__all__ = ["browser", "screen"]

STAGES = [
    {"name": "pilot", "percentage": 10, "duration": "1h"},
    {"name": "expansion", "percentage": 30, "duration": "1s"},
    {"name": "full", "percentage": 100, "duration": "1h", "approval": "Manual"},
]
WATCH = ("get", "list", "watch")
OPERATE = (*WATCH, "patch")


@pytest.fixture(scope="module")
def account(stack: Stack) -> Path:
    """The server's kubeconfig, with exactly the rights that the documentation grants."""
    metadata = {"name": "mlrollout-server", "namespace": "mlrollout-system"}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "mlrollout-system"}}
    subject = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}
    stack.cluster.apply("\n---\n".join([yaml.safe_dump(namespace), yaml.safe_dump(subject), DOCUMENTED, DASHBOARD]))
    return stack.cluster.kubeconfig_for("mlrollout-system", "mlrollout-server")


@pytest.fixture
def server(house: House, account: Path) -> Iterator[ClusterServer]:
    """One that has the dashboard, and knows how the application of this house exports its metrics."""
    shown = {"object": {"namespace": house.name, "name": "ml-dispatch"}, "metrics": metrics_of(house)}
    config = {
        "rollouts": [{"name": "ml-dispatch", "key": house.key}],
        "prometheus": house.stack.prometheus_url,
        "dashboard": {"applications": [shown], "interval": "5s", "window": "1m"},
    }
    with ClusterServer(house.stack.redis_url, account, config) as running:
        yield running


@pytest.fixture
def url(server: ClusterServer) -> str:
    """Where the dashboard is."""
    return f"{server.url}/dashboard/"


def metrics_of(house: House) -> str:
    """What the names of its application's metrics begin with."""
    return house.name.replace("-", "_")


def person(house: House, name: str, *verbs: str) -> str:
    """The token of somebody who may do this with every rollout."""
    group = "rbac.authorization.k8s.io"
    subject = {"kind": "ServiceAccount", "name": name, "namespace": house.name}
    rules = [{"apiGroups": ["mlrollout.dev"], "resources": ["mlrollouts"], "verbs": list(verbs)}]
    role = {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": {"name": name}, "rules": rules}
    bound: dict[str, Any] = {"apiVersion": f"{group}/v1", "kind": "RoleBinding", "metadata": {"name": name}}
    bound |= {"roleRef": {"apiGroup": group, "kind": "Role", "name": name}, "subjects": [subject]}
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}}
    items = [account, role, bound]
    house.kubectl("apply", "-f", "-", input=yaml.safe_dump_all(items))
    return house.kubectl("create", "token", name).strip()


def sign_in(shown: Screen, token: str) -> None:
    shown.page.get_by_label("Token of the cluster").fill(token)
    shown.press("Sign in")
    shown.lose(".sign-in")


def act(shown: Screen, verb: str, reason: str) -> None:
    """Asks for a verb as a person does."""
    shown.press(f"{verb} …")
    shown.page.get_by_label("Reason").fill(reason)
    shown.page.get_by_role("dialog").get_by_role("button", name=verb, exact=True).click()
    shown.lose("dialog")


def counted(house: House, good: int, bad: int) -> None:
    """What the application has counted so far, in the SDK's words; its control has no failures."""
    groups = (("treatment", good, bad), ("control", good, 0))
    house._exports[metrics_of(house)] = "".join(
        f'{metrics_of(house)}_total{{group="{group}",status="{status}"}} {count}\n'
        for group, successes, failures in groups
        for status, count in (("success", successes), ("failure", failures))
    )


def test_a_person_follows_a_rollout_and_acts_on_it(house: House, url: str, screen: Screens) -> None:
    house.apply(stages=STAGES)
    house.until_percentage(10)
    shown = screen().open(url)
    sign_in(shown, person(house, "operates", *OPERATE))
    shown.page.get_by_role("link", name="ml-dispatch").first.click()
    shown.see("10 %", within=".summary .share")
    shown.see("Live", within=".live.on")

    act(shown, "Pause", "a holiday")
    shown.see("Paused", within=".summary .phase")
    act(shown, "Resume", "back at work")
    shown.see("Under way", within=".summary .phase")
    act(shown, "Promote", "all is well")
    shown.see("30 %", within=".summary .share")
    shown.see("Waiting for approval", within=".summary .phase")
    act(shown, "Approve", "the numbers are good")
    shown.see("100 %", within=".summary .share")
    act(shown, "Demote", "a complaint")
    shown.see("30 %", within=".summary .share")
    act(shown, "Roll back", f"many complaints {HTML}")
    shown.see("0 %", within=".summary .share")
    shown.see("Rolled back by a person", within=".summary .phase")
    assert house.percentage == "0"
    act(shown, "Retry", "mended")
    shown.see("10 %", within=".summary .share")

    shown.see(f"many complaints {HTML}", within=".history")
    assert shown.ask("window.ran === undefined && document.querySelectorAll('#page img').length === 0")
    shown.see("operates", within=".history")
    shown.picture("real-one", whole=True)
    told = [one for one in house.status()["history"] if one["reason"] == "ManualRollback"]
    assert "many complaints" in told[0]["message"]


def test_what_happens_elsewhere_is_seen_and_who_may_only_watch_has_no_button(
    house: House, url: str, screen: Screens
) -> None:
    house.apply(stages=STAGES)
    house.until_percentage(10)
    shown = screen().open(f"{url}#/{house.name}/ml-dispatch")
    sign_in(shown, person(house, "watches", *WATCH))
    shown.see("You may look.")
    assert shown.page.get_by_role("button", name="Roll back").count() == 0

    house.annotate("rollback", "by hand")
    shown.see("Rolled back by a person", within=".summary .phase")
    shown.see("by hand", within=".history")
    house.kubectl("delete", "mlr", "ml-dispatch")
    shown.see("This rollout was deleted while you looked at it.")


def test_a_token_that_ends_while_the_page_is_open_ends_no_work(house: House, url: str, screen: Screens) -> None:
    house.apply(stages=STAGES)
    house.until_percentage(10)
    shown = screen().open(f"{url}#/{house.name}/ml-dispatch")
    sign_in(shown, person(house, "leaves", *OPERATE))
    shown.press("Roll back …")
    shown.page.get_by_label("Reason").fill("complaints")
    house.kubectl("delete", "serviceaccount", "leaves")
    shown.until("fetch('api/session').then((answer) => answer.status === 401)")
    shown.page.get_by_role("dialog").get_by_role("button", name="Roll back").click()
    shown.see("Your session has ended")
    sign_in(shown, person(house, "comes", *OPERATE))

    assert house.percentage == "10"
    assert shown.page.url.endswith(f"#/{house.name}/ml-dispatch")
    assert shown.page.get_by_label("Reason").count() == 0, "what another person wrote is not theirs to send"


def test_of_two_tabs_that_want_the_same_the_second_hears_that_it_is_done(
    house: House, url: str, screen: Screens
) -> None:
    house.apply(stages=STAGES)
    house.until_percentage(10)
    token = person(house, "operates", *OPERATE)
    tabs = [screen().open(f"{url}#/{house.name}/ml-dispatch") for _ in range(2)]
    for tab in tabs:
        sign_in(tab, token)
        tab.press("Pause …")
        tab.page.get_by_label("Reason").fill("a holiday")
    tabs[0].page.get_by_role("dialog").get_by_role("button", name="Pause").click()
    tabs[0].see("Pause: done.", within=".acts")
    tabs[1].page.get_by_role("dialog").get_by_role("button", name="Pause").click()
    tabs[1].see("paused", within="dialog .note.bad")
    assert house.reasons().count("Paused") == 1


def test_a_server_that_dies_and_comes_back_is_neither_believed_nor_lost(
    house: House, server: ClusterServer, url: str, screen: Screens
) -> None:
    house.apply(stages=STAGES)
    house.until_percentage(10)
    token = person(house, "operates", *OPERATE)
    shown = screen().open(f"{url}#/{house.name}/ml-dispatch")
    sign_in(shown, token)
    shown.see("Live", within=".live.on")
    server.kill()
    shown.see("Not live: what you see is as of")
    house.annotate("rollback", "meanwhile")
    house.until_percentage(0)
    assert "10 %" in (shown.page.locator(".summary .share").text_content() or "")

    server.start()
    shown.see("Your session has ended")  # its key was of the process that died
    sign_in(shown, token)
    shown.see("Rolled back by a person", within=".summary .phase")
    shown.see("Live", within=".live.on")


def test_mlrollout_dashboard_opens_it_as_the_person_of_the_kubeconfig(house: House, screen: Screens) -> None:
    house.apply(stages=STAGES)
    house.until_percentage(10)
    with opened(Path(house.stack.cluster.kubeconfig), "-n", house.name) as running:
        shown = screen().open(running.address)
        shown.see("1 rollout")
        assert "code=" not in shown.page.url
        shown.page.get_by_role("link", name="ml-dispatch").click()
        act(shown, "Roll back", "complaints")
        shown.see("Rolled back by a person", within=".summary .phase")
        shown.press("Sign out")
        shown.see("Run mlrollout dashboard again")
        stranger = screen().open(running.address)
        assert "Sign out" not in (stranger.page.text_content("body") or "")


def test_the_figures_are_those_of_prometheus(house: House, url: str, screen: Screens) -> None:
    counted(house, 0, 0)
    house.apply(stages=STAGES)
    house.until_percentage(10)
    counted(house, 990, 10)
    shown = screen().open(f"{url}#/{house.name}/ml-dispatch")
    sign_in(shown, person(house, "watches", *WATCH))
    rate = shown.page.locator(".card", has_text="ML success rate")
    rate.get_by_text("99\u00a0%").wait_for()
    rate.get_by_text("100\u00a0%").wait_for()
    assert rate.get_by_text("meets target").count() == 2
    satisfaction = shown.page.locator(".card", has_text="User satisfaction").text_content() or ""
    assert satisfaction.count("no data") == 3
    assert "0" not in satisfaction.replace("4.0", "")
    shown.picture("real-figures", whole=True)
    error_rate = shown.page.locator(".guardrails .card").text_content() or ""
    assert "Passes" in error_rate
    assert "0.01" in error_rate
    if AXE.exists():
        assert shown.violations() == []
