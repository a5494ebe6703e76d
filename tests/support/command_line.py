"""The command line, called as a person calls it, in this process."""

import io
import json
import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from mlrollout.cli import main

from tests.support.http_server import CalmServer


def into_a_closed_pipe(
    command: Sequence[str], *, environment: Mapping[str, str] | None = None, text: bytes = b""
) -> tuple[bytes, int]:
    """What a program complains of, and its exit code, where whoever read its output has gone away."""
    reading, writing = os.pipe()
    os.close(reading)
    ran = subprocess.run(
        command, env=environment, input=text, stdout=writing, stderr=subprocess.PIPE, timeout=60, check=False
    )
    os.close(writing)
    return ran.stderr, ran.returncode


@dataclass(frozen=True)
class Ran:
    """What came of a command."""

    code: int
    out: str
    err: str


class CommandLine:
    """Calls commands, for the length of a test.

    Args:
        monkeypatch: Sets what a shell would.
        capsys: Catches what is written.
        home: The home of whoever calls.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], home: Path) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        for name in [one for one in os.environ if one.startswith(("MLROLLOUT_", "KUBE")) or "proxy" in one.lower()]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("HOME", str(home))
        monkeypatch.setenv("COLUMNS", "100")

    def setenv(self, name: str, value: str | Path) -> None:
        self._monkeypatch.setenv(name, str(value))

    def __call__(self, *arguments: str, text: str = "") -> Ran:
        """Call one, with a text on its standard input."""
        self._monkeypatch.setattr(sys, "argv", ["mlrollout", *arguments])
        self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        said = self._capsys.readouterr()
        assert "Traceback" not in said.err
        code = ended.value.code
        assert isinstance(code, int)
        return Ran(code, said.out, said.err)


@dataclass
class Answer:
    """What the double answers.

    Attributes:
        body: An object, or text as it is.
        status: The status.
        headers: Beside the usual ones.
        before: Called before it is sent.
    """

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    before: Callable[[], object] = lambda: None


@dataclass(frozen=True)
class Asked:
    """A request that came."""

    method: str
    path: str
    headers: dict[str, str]
    body: str
    certificate: bool


class ApiDouble:
    """An API server in the hands of a test: answers by the begin of the path, the longest first; `*` is any other.

    Attributes:
        answers: What it answers.
        asked: What it was asked.
    """

    def __init__(self) -> None:
        self.answers: dict[str, Answer | Callable[[Asked], Answer]] = {}
        self.asked: list[Asked] = []
        self.scheme = "http"
        self.port = 0

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def answer(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        begins = sorted(self.answers, key=len, reverse=True)
        found = next((begin for begin in begins if asked.path.startswith(begin)), "*")
        answer = self.answers[found]
        return answer if isinstance(answer, Answer) else answer(asked)


@contextmanager
def api_double(encryption: ssl.SSLContext | None = None) -> Iterator[ApiDouble]:
    """One that runs."""
    double = ApiDouble()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            connection = self.connection
            shown = isinstance(connection, ssl.SSLSocket) and bool(connection.getpeercert())
            body = self.rfile.read(length).decode()
            answer = double.answer(Asked(self.command, self.path, dict(self.headers), body, shown))
            answer.before()
            sent = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
            self.send_response(answer.status)
            for name, value in {"Content-Length": str(len(sent)), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(sent)

        def do_CONNECT(self) -> None:
            """Answer as a proxy, behind which this very double is the API server."""
            self._answer()
            self.close_connection = False

        do_GET = do_POST = do_PATCH = _answer  # noqa: N815 - as the library calls them

        def log_message(self, *_: object) -> None:
            pass

    with CalmServer(("127.0.0.1", 0), Handler) as server:
        if encryption is not None:
            server.socket = encryption.wrap_socket(server.socket, server_side=True)
            double.scheme = "https"
        double.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield double
        finally:
            server.shutdown()
            thread.join()
