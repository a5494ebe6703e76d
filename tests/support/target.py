"""A scrape target whose metrics are whatever the test says."""

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

from tests.support.http_server import CalmServer


class Target(CalmServer):
    """Serves `text`; once it is closed, connections to it are refused.

    Attributes:
        text: The metrics, in the exposition format; set it at any time.
    """

    def __init__(self, text: str, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.text = text

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    def count(self, name: str) -> Callable[[], None]:
        """Something to call again and again that has a counter grow."""
        numbers = itertools.count(100)

        def grow() -> None:
            self.text = f"{name} {next(numbers)}"

        return grow

    def close(self) -> None:
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Target

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.server.text.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Keep quiet."""


@contextmanager
def target(text: str, port: int = 0) -> Iterator[Target]:
    server = Target(text, port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join()
