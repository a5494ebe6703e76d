"""A registry that answers as MLflow does where all is well, or whatever it is told to."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

ELSEWHERE = "/elsewhere"
ALIAS = "/api/2.0/mlflow/registered-models/alias"


class RegistryDouble:
    """What a registry holds, and how it misbehaves.

    Attributes:
        url: Where it answers.
        versions: What was registered.
        aliases: Which version each alias names.
        answer: In place of an answer: status and body; `None` for a true one.
        hangs: Seconds before any answer.
        asked: The headers of each question.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.versions: list[dict[str, Any]] = []
        self.aliases: dict[str, str] = {}
        self.answer: tuple[int, bytes] | None = None
        self.hangs = 0.0
        self.asked: list[dict[str, str]] = []

    def reply(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if path == ELSEWHERE:
            return 200, {"model_version": {"name": "dispatch", "version": "666"}}
        if path == ALIAS and method == "GET":
            version = self.aliases.get(body["alias"])
            unknown = {"error_code": "INVALID_PARAMETER_VALUE", "message": "Registered model alias not found."}
            return (200, {"model_version": {"name": "dispatch", "version": version}}) if version else (400, unknown)
        if path == ALIAS:
            self.aliases[body["alias"]] = body["version"]
            return 200, {}
        if path.endswith("registered-models/create"):
            return (400, {"error_code": "RESOURCE_ALREADY_EXISTS"}) if self.versions else (200, {})
        self.versions.append(body)
        return 200, {"model_version": {"name": "dispatch", "version": str(len(self.versions))}}


@contextmanager
def running() -> Iterator[RegistryDouble]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            split = urlsplit(self.path)
            self._answer(split.path, {name: values[0] for name, values in parse_qs(split.query).items()})

        def do_POST(self) -> None:
            self._answer(self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def _answer(self, path: str, body: dict[str, Any]) -> None:
            double.asked.append(dict(self.headers))
            time.sleep(double.hangs)
            if double.answer is not None and path != ELSEWHERE:
                status, text = double.answer
            else:
                status, told = double.reply(self.command, path, body)
                text = json.dumps(told).encode()
            try:
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", f"{double.url}{ELSEWHERE}")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)
            except OSError:
                pass  # it had been given up

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        double = RegistryDouble(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield double
        server.shutdown()
        thread.join()
