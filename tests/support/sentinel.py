"""A Sentinel of our own, which may decide alone."""

from collections.abc import Sequence
from contextlib import suppress

import redis

from devstack import binaries
from devstack.redis_server import RedisServer
from devstack.servers import Server

PASSWORD = "hunter2"  # noqa: S105 - of a server of our own


class Sentinel(Server):
    """A Sentinel that may decide alone."""

    name = "sentinel"

    def __init__(self, primary: RedisServer, *, password: str = "") -> None:
        super().__init__()
        self._primary = primary
        self._password = password

    def command(self) -> Sequence[str]:
        lines = [
            "bind 127.0.0.1",
            f"port {self.port}",
            f'dir "{self.directory}"',
            f"sentinel monitor dispatch 127.0.0.1 {self._primary.port} 1",
            "sentinel down-after-milliseconds dispatch 300",
            "sentinel failover-timeout dispatch 1000",
            f"sentinel auth-pass dispatch {self._primary.password}",
            f"requirepass {self._password}" if self._password else "",
        ]
        file = self.directory / "sentinel.conf"
        file.write_text("\n".join(lines) + "\n")
        return [str(binaries.path("redis-server")), str(file), "--sentinel"]

    def promoted(self, replica: RedisServer) -> bool:
        """Ask for a failover; tell whether it has come to its end."""
        with redis.Redis(port=self.port, password=self._password or None, decode_responses=True) as client:
            with suppress(redis.ResponseError):  # it has begun already, or the replica is not known well enough
                client.sentinel_failover("dispatch")
            return bool(client.sentinel_get_master_addr_by_name("dispatch")[1] == replica.port)

    def ready(self) -> bool:
        """Ready when it knows the replica, so that it could promote it."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "+slave" in text


def sentinel_url(*ports: int) -> str:
    hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
    return f"redis+sentinel://:{PASSWORD}@{hosts}/dispatch/0"
