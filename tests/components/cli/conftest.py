import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.components.cli.objects import Objects
from tests.support.command_line import ApiDouble, CommandLine, api_double

Kubeconfig = Callable[..., Path]


@pytest.fixture
def mlrollout(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> CommandLine:
    home = tmp_path / "home"
    home.mkdir()
    return CommandLine(monkeypatch, capsys, home)


@pytest.fixture
def double() -> Iterator[ApiDouble]:
    with api_double() as running:
        yield running


@pytest.fixture
def kubeconfig(tmp_path: Path, mlrollout: CommandLine) -> Kubeconfig:
    """Writes a kubeconfig, and lets `KUBECONFIG` name it."""

    def write(
        server: str, user: dict[str, Any] | None = None, cluster: dict[str, Any] | None = None, **context: Any
    ) -> Path:
        file = tmp_path / "kubeconfig"
        found = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "here",
            "clusters": [{"name": "c", "cluster": {"server": server, **(cluster or {})}}],
            "users": [{"name": "u", "user": user or {"token": "hunter2"}}],
            "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u", **context}}],
        }
        file.write_text(yaml.safe_dump(found))
        mlrollout.setenv("KUBECONFIG", file)
        return file

    return write


@pytest.fixture
def closed() -> Iterator[int]:
    """A port at which nothing listens, kept from others."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


@pytest.fixture
def objects(kubeconfig: Kubeconfig, double: ApiDouble) -> Objects:
    kubeconfig(double.url)
    made = Objects(double)
    made.put("second stage")
    return made
