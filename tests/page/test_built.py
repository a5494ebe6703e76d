"""The page that stands in the package is the one that its sources make, and its own tests pass."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.page.stand_in import PAGE

UI = Path(__file__).parents[2] / "ui" / "dashboard"
LOCK = (UI / "package-lock.json").read_text()

needs_packages = pytest.mark.skipif(
    not (UI / "node_modules" / "ready").exists(), reason="needs the page's Node packages: make page-tools"
)


def node(*command: str) -> str:
    """Runs what the Node packages bring, with the Node of this environment."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["npx", "--no-install", *command],  # noqa: S607 - found in this environment
        cwd=UI,
        env={**os.environ, "PATH": path, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def files(folder: Path) -> Mapping[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_lock_names_versions_and_hashes_and_no_registry() -> None:
    packages: Mapping[str, Mapping[str, Any]] = json.loads(LOCK)["packages"]

    assert "resolved" not in LOCK
    assert "registry" not in LOCK
    assert all("version" in one and "integrity" in one for name, one in packages.items() if name)


def test_the_page_needs_nothing_but_its_own_files() -> None:
    index = (PAGE / "index.html").read_text()

    assert "http" not in index
    assert "<style" not in index
    assert " style=" not in index
    assert index.count("<script") == index.count('src="./assets/')


@needs_packages
def test_the_built_page_is_what_its_sources_make(tmp_path: Path) -> None:
    node("vite", "build", "--outDir", str(tmp_path / "page"), "--logLevel", "error")

    assert files(tmp_path / "page") == files(PAGE), "run `make page`"


@needs_packages
def test_the_types_hold() -> None:
    node("tsc", "--noEmit")


@needs_packages
def test_its_components_and_its_stream_do_what_they_should() -> None:
    assert "passed" in node("vitest", "run")
