"""What strangers cost the server: its memory and its log, under heads without end, silence, nonsense and streams.

Beside it, for `--rival`, any server that is told by a command; `{port}` stands in it for the port:

    python -m benchmarks.strangers
    python -m benchmarks.strangers --rival 'aiohttp: python -m benchmarks.strangers --floor {port}'
    python -m benchmarks.strangers --rival 'uvicorn: uvicorn benchmarks.hello:app --port {port}'
"""

import argparse
import re
import shlex
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import partial
from pathlib import Path

from aiohttp import web

from devstack.redis_server import RedisServer
from tests.components.server.place import APP, APP_LINE, EVENTS, FLAGS, KIM, HttpServer

MIB = 1024 * 1024
LIMIT = 'ulimit -n 1024 && exec "$@"'
SETTLES = 3.0
"""Seconds after which memory is read: what an attack holds it still holds then."""


class Ours(HttpServer):
    """The server, with as many descriptors as a process has by default."""

    def command(self) -> Sequence[str]:
        return ["sh", "-c", LIMIT, "sh", *super().command()]


class Rival(HttpServer):
    """Another server."""

    def __init__(self, command: str) -> None:
        super().__init__("")
        self._command = command

    def command(self) -> Sequence[str]:
        return ["sh", "-c", LIMIT, "sh", *shlex.split(self._command.format(port=self.port))]

    def ready(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False


def floor(port: int) -> None:
    """aiohttp with one route."""

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text="ok")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    web.run_app(app, host="127.0.0.1", port=port)


# --- attacks -------------------------------------------------------------------------------------


@contextmanager
def connections(server: HttpServer, number: int) -> Iterator[list[socket.socket]]:
    with ExitStack() as stack:
        yield [stack.enter_context(closing(_connect(server))) for _ in range(number)]


def _connect(server: HttpServer) -> socket.socket:
    made = socket.socket()
    made.settimeout(2)
    with suppress(OSError):
        made.connect(("127.0.0.1", server.port))
    return made


@contextmanager
def unfinished_heads(server: HttpServer) -> Iterator[None]:
    """300 heads of 700 kB in fields of 8 kB, none of which ends."""
    with connections(server, 300) as made:
        for one in made:
            with suppress(OSError):
                one.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n")
                for number in range(88):
                    one.sendall(b"X-%d: " % number + b"x" * 7990 + b"\r\n")
        yield


@contextmanager
def silence(server: HttpServer) -> Iterator[None]:
    """700 connections that begin a head, and then say nothing."""
    with connections(server, 700) as made:
        for one in made:
            with suppress(OSError):
                one.sendall(b"GET / HTTP/1.1\r\n")
        yield


@contextmanager
def crowd(server: HttpServer) -> Iterator[None]:
    """3000 connections, more than there are descriptors."""
    with ExitStack() as stack:
        for _ in range(3000):
            made = stack.enter_context(closing(socket.socket()))
            made.setblocking(False)  # noqa: FBT003 - the standard library's
            made.connect_ex(("127.0.0.1", server.port))
        yield


@contextmanager
def nonsense(server: HttpServer) -> Iterator[None]:
    """3000 heads that can't be read, one after another."""
    _each(server, 3000, b"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer hunter2\r\r\n\r\n")
    yield


@contextmanager
def no_text(server: HttpServer) -> Iterator[None]:
    """3000 tokens that are no text."""
    _each(
        server,
        3000,
        b"GET /api/ml-dispatch/ab-test/stats HTTP/1.1\r\nHost: a\r\nX-API-Key: \xff\r\nConnection: close\r\n\r\n",
    )
    yield


@contextmanager
def streams(server: HttpServer) -> Iterator[None]:
    """2000 streams with one ticket."""
    ticket = ""
    with suppress(Exception):
        ticket = server.ask("POST", FLAGS, KIM).json["eventStreams"][0]["endpoint"]["requestUri"]
    with connections(server, 2000) as made:
        for one in made:
            with suppress(OSError):
                one.sendall(f"GET {ticket or EVENTS} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        yield


def _each(server: HttpServer, number: int, request: bytes) -> None:
    for _ in range(number):
        with suppress(OSError), closing(_connect(server)) as one:
            one.sendall(request)
            one.recv(65536)


ATTACKS = (unfinished_heads, silence, crowd, nonsense, no_text, streams)


# --- figures -------------------------------------------------------------------------------------


def measure(name: str, make: Callable[[], HttpServer]) -> None:
    """One line a figure: memory before, and while the attack stands; the log's growth; whether others are answered."""
    for attack in ATTACKS:
        with make() as server:
            before, logged = memory(server), log_size(server)
            with attack(server):
                time.sleep(SETTLES)
                found, grown = memory(server), log_size(server) - logged
                answered = "yes" if is_answered(server) else "NO"
                print(f"| {name} | {attack.__name__} | {before:.0f} | {found:.0f} | {grown} | {answered} |", flush=True)


def memory(server: HttpServer) -> float:
    """Of the server and what it has started, in MiB: `sh` has become the server."""
    processes = [server.child.pid]
    for task in Path(f"/proc/{server.child.pid}/task").iterdir():
        processes += map(int, (task / "children").read_text().split())
    texts = [Path(f"/proc/{one}/status").read_text() for one in processes]
    return sum(int(found[1]) for text in texts if (found := re.search(r"VmRSS:\s+(\d+)", text))) * 1024 / MIB


def log_size(server: HttpServer) -> int:
    return server.log.stat().st_size


def is_answered(server: HttpServer) -> bool:
    """Whether somebody from another address gets an answer."""
    try:
        with closing(socket.create_connection(("127.0.0.1", server.port), 5, ("127.0.0.2", 0))) as one:
            one.sendall(f"GET /livez HTTP/1.1\r\nHost: a\r\nX-API-Key: {APP}\r\n\r\n".encode())
            return one.recv(20).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def main() -> None:
    """Attack each."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rival", action="append", default=[], metavar="NAME: COMMAND")
    options.add_argument("--floor", type=int, metavar="PORT")
    told = options.parse_args()
    if told.floor:
        floor(told.floor)
        return
    print("| server | attack | MiB before | MiB | log bytes | others answered |\n|---|---|---|---|---|---|", flush=True)
    with RedisServer() as redis:
        measure("mlrollout", lambda: Ours(redis.url, {}, [APP_LINE]))
    for rival in told.rival:
        name, _, command = rival.partition(": ")
        measure(name, partial(Rival, command))


if __name__ == "__main__":
    main()
