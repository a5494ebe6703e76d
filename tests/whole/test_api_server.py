"""An API server that answers wrongly: what is known goes on being guarded, and nothing has to be restarted."""

import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from devstack import chart, web
from devstack.operator_process import Operator
from devstack.processes import wait_until
from devstack.stack import Stack
from tests.support import api_proxy
from tests.support.api_proxy import Answer, ApiProxy, Where, everything, of_rollouts, refuses, watches
from tests.whole.house import LONG, House

UNSEEN = "The objects can't be seen"


def _readiness(operator: Operator) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"{operator.url}/readyz", timeout=2) as answer:  # noqa: S310 - our own server
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read().decode()
    except OSError:
        return 0, ""


def _metric(operator: Operator, name: str) -> float:
    lines = (web.get(f"{operator.url}/metrics") or b"").decode().splitlines()
    return next((float(line.split()[-1]) for line in lines if line.startswith(f"{name} ")), float("nan"))


def _told(operator: Operator, what: str) -> int:
    return operator.log.read_text().count(what)


WRONG: Mapping[str, tuple[Answer, Where]] = {
    "401": (refuses(401), everything),
    "403": (refuses(403), everything),
    "404": (refuses(404), everything),
    "503": (refuses(503), everything),
    "not found, by name": (api_proxy.knows_no_object, everything),
    "a page": (api_proxy.shows_a_page, everything),
    "an empty answer": (api_proxy.says_nothing_of_use, everything),
    "resets": (api_proxy.hangs_up, everything),
    "silence": (api_proxy.is_silent, everything),
    "403 for the objects alone": (refuses(403), of_rollouts),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_breach_reaches_zero_whatever_the_api_server_answers(
    proxied: tuple[Stack, ApiProxy], proxied_house: House, wrong: str
) -> None:
    house, (stack, proxy) = proxied_house, proxied
    house.apply(stages=LONG)
    house.until_percentage(10)
    _until_watched(stack, 1.0)
    with _noticed_by_both(stack):
        proxy.be_wrong(*WRONG[wrong])
    house.errors(0.2)
    wait_until(lambda: house.percentage == "0" or None, within=15, what="zero")

    assert all(operator.child.alive for operator in stack.operators)
    proxy.be_well()
    _until_rolled_back(house)
    assert all(operator.child.alive for operator in stack.operators)
    _until_watched(stack, 1.0)
    _sees_a_new_object(house)


def _until_rolled_back(house: House) -> None:
    """That the status tells of the rollback with its cause, once, and an Event."""
    house.until_reason("GuardrailBreached")
    house.until(lambda: house.events("RolledBack"), "the Event")
    assert house.reasons().count("RolledBack") == 1


@contextmanager
def _noticed_by_both(stack: Stack) -> Iterator[None]:
    """Waits at its end until each operator has said once more that the objects can't be seen."""
    before = [(operator, _told(operator, UNSEEN)) for operator in stack.operators]
    yield
    wait_until(
        lambda: all(_told(operator, UNSEEN) > told for operator, told in before) or None,
        within=60,
        what="both to notice",
    )


def _sees_a_new_object(house: House) -> None:
    house.errors(0.01)
    house.apply("second", stages=LONG, traffic={"key": f"{house.name}:second"})
    house.until(lambda: house.redis.get(f"{house.name}:second") == "10", "10 % of a new object")


def test_where_it_can_only_be_listed_it_is_listed(proxied: tuple[Stack, ApiProxy], proxied_house: House) -> None:
    house, (stack, proxy) = proxied_house, proxied
    _until_watched(stack, 1.0)
    proxy.be_wrong(refuses(403), watches)
    _until_watched(stack, 0.0)
    house.apply(stages=LONG)
    house.until_percentage(10)
    house.annotate("rollback")
    house.until_reason("ManualRollback")
    assert all(_readiness(operator)[0] == 200 for operator in stack.operators)
    proxy.be_well()
    _until_watched(stack, 1.0)


def _until_watched(stack: Stack, value: float) -> None:
    def all_say_so() -> bool | None:
        return all(_metric(operator, "mlrollout_watch_stands") == value for operator in stack.operators) or None

    wait_until(all_say_so, within=60, what=f"mlrollout_watch_stands at {value:g}")


def test_since_when_the_view_is_old_is_told(proxied: tuple[Stack, ApiProxy], proxied_house: House) -> None:
    house, (stack, proxy) = proxied_house, proxied
    house.apply(stages=LONG)
    house.until_percentage(10)
    first = stack.operators[0]
    wait_until(lambda: _readiness(first) == (200, "ok") or None, within=30, what="ready")

    proxy.be_wrong(refuses(401))
    wait_until(lambda: _readiness(first)[0] == 503 or None, within=90, what="no longer ready")

    text = _readiness(first)[1]
    assert "the view of the MLRollout objects is old: since 20" in text
    assert "the Kubernetes API answered 401" in text
    assert "goes on being guarded" in text
    assert _metric(first, "mlrollout_view_age_seconds") > 29
    assert web.get(f"{first.url}/livez") == b"ok"
    proxy.be_well()
    wait_until(lambda: _readiness(first) == (200, "ok") or None, within=30, what="ready again")
    assert _metric(first, "mlrollout_view_age_seconds") < 29


def test_a_silent_connection_is_not_believed_for_ever(proxied: tuple[Stack, ApiProxy], proxied_house: House) -> None:
    house, (stack, proxy) = proxied_house, proxied
    house.apply(stages=LONG)
    house.until_percentage(10)
    with _noticed_by_both(stack):
        proxy.be_half_open()
    house.errors(0.2)
    wait_until(lambda: house.percentage == "0" or None, within=15, what="zero")
    proxy.be_well()
    _until_rolled_back(house)


@contextmanager
def _starting(stack: Stack, kubeconfig: str) -> Iterator[Operator]:
    """An operator that is not waited for."""
    env = {
        "KUBECONFIG": kubeconfig,
        "MLROLLOUT_REDIS_URL": stack.redis_url,
        "MLROLLOUT_PROMETHEUS_URL": stack.prometheus_url,
    }
    operator = Operator(stack.directory / "late", env=env, name="late")
    with ThreadPoolExecutor(1) as starter:
        start = starter.submit(operator.start)
        try:
            yield operator
            start.result()
        finally:
            operator.stop()


def test_an_operator_that_starts_without_an_api_server_begins_the_moment_it_can() -> None:
    with Stack() as stack:
        stack.install()
        with api_proxy.api_proxy(stack.cluster) as proxy:
            kubeconfig = proxy.kubeconfig(stack.cluster, chart.NAMESPACE, chart.SERVICE_ACCOUNT)
            proxy.be_wrong(refuses(503))
            with _starting(stack, kubeconfig) as operator:
                wait_until(lambda: "answered 503" in _readiness(operator)[1] or None, within=60, what="the word of it")
                assert web.get(f"{operator.url}/livez") == b"ok"
                proxy.be_well()
                wait_until(lambda: _readiness(operator) == (200, "ok") or None, within=60, what="ready")


def test_without_its_crd_an_operator_says_what_to_do_and_waits(own_house: House) -> None:
    house, cluster = own_house, own_house.stack.cluster
    operator = house.stack.operators[0]
    house.apply(stages=LONG)
    house.until_percentage(10)

    cluster.kubectl("delete", "crd", "mlrollouts.mlrollout.dev")
    house.until_percentage(0)  # its objects are deleted with it, and their finalizers are heard
    wait_until(lambda: "kubectl apply -f crds/" in _readiness(operator)[1] or None, within=60, what="advice")
    with _starting(house.stack, str(cluster.kubeconfig_for(chart.NAMESPACE, chart.SERVICE_ACCOUNT))) as late:
        wait_until(lambda: "kubectl apply -f crds/" in _readiness(late)[1] or None, within=60, what="the same advice")
        chart.install_crds(cluster)
        wait_until(lambda: _readiness(late) == (200, "ok") or None, within=30, what="ready")

    house.until(lambda: _readiness(operator) == (200, "ok"), "ready again")
    house.apply(stages=LONG, revision="ranker-2")
    house.until_percentage(10)
    house.errors(0.2)
    house.until_reason("GuardrailBreached")
