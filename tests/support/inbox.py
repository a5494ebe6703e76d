"""A webhook's receiver on loopback: what it was sent, and what it answers."""

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.support.http_server import CalmServer

Answer = Callable[[dict[str, Any]], int]
"""The HTTP status with which an event is answered; it may take its time."""


class Inbox:
    """What arrived, as JSON, in the order in which it did.

    Attributes:
        got: The events.
        headers: Their headers.
        answer: What is answered.
        port: Where it listens on loopback.
    """

    def __init__(self, answer: Answer) -> None:
        self.got: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.answer = answer
        self.port = 0

    def url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def topics(self, uid: str = "") -> list[str]:
        """The topics of one object's events, or of all."""
        return [event["data"]["topic"] for event in self.got if event["data"]["uid"].startswith(uid)]


@contextmanager
def inbox(answer: Answer = lambda _: 204) -> Iterator[Inbox]:
    """One that is open for a while."""
    box = Inbox(answer)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            box.headers.append({name.lower(): value for name, value in self.headers.items()})
            box.got.append(event)
            self.send_response(int(self.path[1:]) if self.path[1:].isdigit() else box.answer(event))
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = CalmServer(("127.0.0.1", 0), Handler)
    box.port = server.server_port
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield box
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
