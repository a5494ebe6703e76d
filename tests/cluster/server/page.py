"""The dashboard as its page uses it: signed in by a cookie, told by an event stream."""

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any, Protocol

from tests.components.assignment.place import IN_TIME

SESSION = "/dashboard/api/session"
STREAM = "/dashboard/api/stream"
Event = tuple[str, Any]


class Listening(Protocol):
    """Where a dashboard listens."""

    @property
    def port(self) -> int: ...


@dataclass
class Said:
    """What a dashboard answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Events:
    """What a page has heard so far."""

    heard: list[Event] = field(default_factory=list)
    over: bool = False
    changed: threading.Condition = field(default_factory=threading.Condition)

    def read(self, response: http.client.HTTPResponse) -> None:
        found: dict[str, str] = {}
        try:
            for line in iter(response.readline, b""):
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if name:
                    found[name] = value
                elif "event" in found:
                    with self.changed:
                        self.heard.append((found["event"], json.loads(found["data"])))
                        self.changed.notify_all()
                    found = {}
        except (OSError, ValueError, AttributeError):
            pass  # the test has hung up
        with self.changed:
            self.over = True
            self.changed.notify_all()

    def until(self, name: str, condition: Callable[[Any], object] = lambda _: True, *, after: int = 0) -> Any:
        """The first event of that name for which something is so, heard or yet to come."""
        ends = time.monotonic() + IN_TIME
        with self.changed:
            while True:
                for event, data in self.heard[after:]:
                    if event == name and condition(data):
                        return data
                assert self.changed.wait(ends - time.monotonic()), (name, [event for event, _ in self.heard])

    def until_over(self) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: self.over, IN_TIME)

    def __len__(self) -> int:
        return len(self.heard)


class Browser:
    """A browser at a dashboard: it keeps the cookie, and what its page may show with its requests."""

    def __init__(self, server: Listening, **headers: str) -> None:
        self.server = server
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.cookie = ""
        self.csrf = ""

    def sign_in(self, token: str) -> Said:
        answer = self.ask("POST", SESSION, {"token": token})
        if answer.status == 200:
            self.csrf = answer.json["csrf"]
        return answer

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Said:
        told = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        if self.cookie:
            told["Cookie"] = self.cookie
        if body is not None:
            told.setdefault("Content-Type", "application/json")
        if self.csrf and method != "GET":
            told.setdefault("X-CSRF-Token", self.csrf)
        with closing(http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=20)) as connection:
            connection.request(method, path, None if body is None else json.dumps(body), told)
            response = connection.getresponse()
            answer = Said(response.status, dict(response.getheaders()), response.read())
        for name, morsel in SimpleCookie(answer.headers.get("Set-Cookie", "")).items():
            self.cookie = f"{name}={morsel.value}" if morsel.value else ""
        return answer

    def act(self, ref: str, verb: str, reason: str = "because", **more: object) -> Said:
        return self.ask("POST", f"/dashboard/api/rollouts/{ref}/acts", {"verb": verb, "reason": reason, **more})

    def seen(self, ref: str) -> Any:
        """How a rollout stands, as a page shows it that is opened now."""
        with self.listening(ref) as events:
            return events.until("detail")["situation"]

    @contextmanager
    def listening(self, rollout: str = "") -> Iterator[Events]:
        """The page's event stream, as long as the block lasts."""
        path = f"{STREAM}?rollout={rollout}" if rollout else STREAM
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
        with closing(connection):
            connection.request("GET", path, headers={**self.headers, "Cookie": self.cookie})
            response = connection.getresponse()
            assert (response.status, response.headers["Content-Type"]) == (200, "text/event-stream"), response.read()
            events = Events()
            reader = threading.Thread(target=events.read, args=(response,), daemon=True)
            reader.start()
            try:
                yield events
            finally:
                if connection.sock is not None:
                    connection.sock.shutdown(2)
                response.close()
                reader.join(5)
