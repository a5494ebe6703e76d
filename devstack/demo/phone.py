"""Somebody's phone: a webhook's receiver on this machine, and what arrived there."""

import http.server
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .promises import Promise


@dataclass(frozen=True)
class Rang:
    """A message.

    Attributes:
        at: When it arrived, seconds since the epoch.
        data: What the operator sent; docs/notification.schema.json says what is in it.
    """

    at: float
    data: dict[str, Any]

    @property
    def lines(self) -> list[str]:
        """What a phone shows: the title, and what it says."""
        return [str(self.data["title"]), *str(self.data["text"]).splitlines()]


@dataclass
class Phone:
    """What has arrived so far, and the file that names this phone to the operator."""

    file: Path
    rang: list[Rang] = field(default_factory=list)

    def of(self, revision: str) -> Rang | None:
        """What it was told of a revision that was taken back; `None` before."""
        return next((one for one in self.rang if one.data["revision"] == revision), None)


def told(phone: Phone, revision: str, since: float) -> Promise:
    """Somebody was told of the rollback, by whom it was promised."""
    rang = phone.of(revision)
    seen = "nothing" if rang is None else f"{rang.at - since:.1f} s after 0 in Redis: {rang.data['title']}"
    return Promise(f"a phone was told of it (seen: {seen})", rang is not None and rang.data["topic"] == "RolledBack")


@contextmanager
def ringing(file: Path) -> Iterator[Phone]:
    """A phone that rings for rollbacks."""
    phone = Phone(file)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            phone.rang.append(Rang(time.time(), event["data"]))
            self.send_response(http.HTTPStatus.NO_CONTENT)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """The teller tells."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        url = f"http://127.0.0.1:{server.server_port}/"
        routes = "routes: [{receivers: [phone], topics: [RolledBack]}]"
        file.write_text(f"receivers: [{{name: phone, url: '{url}'}}]\n{routes}\n", encoding="utf-8")
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield phone
        finally:
            server.shutdown()
            thread.join()
