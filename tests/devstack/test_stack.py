import pytest

from devstack.chart import NAMESPACE, SERVICE_ACCOUNT
from devstack.cluster import Cluster
from devstack.detached import born
from devstack.errors import DevstackError, ProcessFailedError
from devstack.stack import Given, Stack


def test_the_parts_run_for_as_long_as_the_block() -> None:
    with Stack() as stack:
        assert stack.control_plane
        assert stack.redis
        assert stack.prometheus
        servers = [stack.control_plane.etcd, stack.control_plane.api_server, stack.redis, stack.prometheus]
        pids = [server.child.pid for server in servers]
        assert stack.cluster.get("namespaces")["kind"] == "List"
        assert all(map(born, pids))

    assert not any(map(born, pids))
    assert not stack.directory.exists()


def test_operators_run_side_by_side_under_the_shipped_permissions() -> None:
    with Stack() as stack:
        stack.install()
        first = stack.start_operator("first")
        second = stack.start_operator("second", env={"MLROLLOUT_NAMESPACE": NAMESPACE})
        account = Cluster(stack.cluster.kubeconfig_for(NAMESPACE, SERVICE_ACCOUNT), stack.directory)
        assert account.get("mlrollouts", "--all-namespaces")["items"] == []
        with pytest.raises(DevstackError, match="Forbidden"):
            account.get("secrets", "--all-namespaces")

        first.kill()

        assert not first.ready()
        assert second.ready()


def test_given_parts_are_used_instead_of_started() -> None:
    given = Given(kubeconfig="/their/kubeconfig", prometheus_url="http://theirs")
    with Stack(given=given) as stack:
        assert (stack.control_plane, stack.prometheus) == (None, None)
        assert stack.cluster.kubeconfig == "/their/kubeconfig"
        assert stack.prometheus_url == "http://theirs"
        assert stack.redis
        assert stack.redis.cli("ping") == "PONG"


def test_a_part_that_fails_stops_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    stack = Stack(given=Given(kubeconfig="/their/kubeconfig"))
    assert stack.redis
    assert stack.prometheus
    monkeypatch.setattr(stack.prometheus, "command", lambda: ["sh", "-c", "exit 1"])

    with pytest.raises(ProcessFailedError, match="prometheus ended with exit code 1"):
        stack.start()

    assert born(stack.redis.child.pid) is None
    assert not stack.directory.exists()
