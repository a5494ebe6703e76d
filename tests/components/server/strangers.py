"""What anybody can send who reaches the port, and what comes back."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from devstack.redis_server import RedisServer
from tests.components.server.place import APP_LINE, ORIGIN, HttpServer, served


def connect(server: HttpServer, source: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=20, source_address=(source, 0))


def sample(server: HttpServer, name: str) -> float:
    text = server.ask("GET", "/metrics", token=None).body.decode()
    return next((float(line.split()[-1]) for line in text.splitlines() if line.startswith(f"{name} ")), 0.0)


@contextmanager
def strict(redis: RedisServer, **config: object) -> Iterator[HttpServer]:
    """A server with limits of its own."""
    with served(redis.url, {"origins": [ORIGIN], **config}, [APP_LINE]) as server:
        yield server
