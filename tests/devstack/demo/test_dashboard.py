"""The demo says where it can be watched, unless it is told not to."""

from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from devstack.demo.dashboard import Dashboard, watched

NOWHERE: Any = SimpleNamespace(cluster=SimpleNamespace(kubeconfig="nowhere"), prometheus_url="http://127.0.0.1:9090")
ADDRESS = "http://127.0.0.1:4711/dashboard/enter?code=c"


def test_it_is_there_once_it_has_said_where(tmp_path: Path) -> None:
    dashboard = Dashboard(NOWHERE, tmp_path)
    assert not dashboard.ready()
    dashboard.log.write_text(f"The dashboard, until Ctrl-C. This address works once:\n{ADDRESS}\n")

    assert dashboard.ready()
    assert dashboard.address == ADDRESS


def test_it_can_be_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASHBOARD", "0")
    with ExitStack() as parts:
        assert watched(NOWHERE, tmp_path, parts) == ""
