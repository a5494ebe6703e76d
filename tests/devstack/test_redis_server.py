import socket
import ssl
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from devstack.errors import DevstackError
from devstack.redis_server import RedisServer


def ask(server: RedisServer, timeout: float) -> bytes:
    """Ping on a connection of our own; an empty answer when none comes in time."""
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname, address.port), timeout=timeout) as client:
        client.sendall(b"PING\r\n")
        try:
            return client.recv(64)
        except TimeoutError:
            return b""


def test_a_paused_redis_keeps_connections_and_answers_nobody() -> None:
    with RedisServer() as server:
        server.pause()
        assert ask(server, timeout=0.2) == b""

        server.resume()
        assert ask(server, timeout=10) == b"+PONG\r\n"


def test_after_a_kill_it_comes_back_empty_on_the_same_address() -> None:
    with RedisServer() as server:
        url = server.url
        server.cli("set", "key", "30")

        server.kill()
        with pytest.raises(DevstackError, match="refused"):
            server.cli("get", "key")
        server.start()

        assert (server.url, server.cli("get", "key")) == (url, "")


def test_with_an_append_only_file_a_restart_loses_nothing() -> None:
    with RedisServer(config=["appendonly yes"]) as server:
        server.cli("set", "key", "30")

        server.restart()

        assert server.cli("get", "key") == "30"


def test_a_password_is_asked_for() -> None:
    with RedisServer(password="sesame") as server:  # noqa: S106  (of this test alone)
        assert server.cli("ping") == "PONG"
        assert ask(server, timeout=10).startswith(b"-NOAUTH")


def test_tls_comes_with_a_certificate_that_clients_can_verify() -> None:
    with RedisServer(tls=True) as server:
        address = urlsplit(server.url)
        context = ssl.create_default_context(cafile=str(server.ca_file))
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        with (
            socket.create_connection((address.hostname, address.port), timeout=10) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1") as client,
        ):
            client.sendall(b"PING\r\n")

            assert client.recv(64) == b"+PONG\r\n"
        assert address.scheme == "rediss"


def test_one_node_can_be_a_whole_cluster() -> None:
    with RedisServer(cluster=True) as server:
        assert server.cli("set", "{rollout}:percentage", "10") == "OK"
        assert "cluster_slots_ok:16384" in server.cli("cluster", "info")


def test_a_replica_follows_its_primary() -> None:
    with RedisServer(password="shared") as primary:  # noqa: S106  (of this test alone)
        primary.cli("set", "key", "30")
        with RedisServer(password="shared", replica_of=primary) as replica:  # noqa: S106  (likewise)
            assert replica.cli("get", "key") == "30"
            assert primary.cli("wait", "1", "5000") == "1"


def test_a_given_folder_is_kept(tmp_path: Path) -> None:
    with RedisServer(tmp_path / "redis") as server:
        log = server.log

    assert "Ready to accept connections" in log.read_text()
