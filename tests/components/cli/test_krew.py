"""The plugin as krew installs it: built for this machine, unpacked, linked, and found by the real kubectl."""

import hashlib
import re
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from devstack import binaries, cache
from krew.__main__ import write
from krew.platforms import MACHINES, PYTHONS, here

pytestmark = pytest.mark.long

URL = "https://example.com/releases/v1"
DONE, FAILED, WRONG = 0, 1, 2


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The archive for this machine and this Python, and the manifest."""
    to = tmp_path_factory.mktemp("krew")
    python = "{}.{}".format(*sys.version_info)
    archive, manifest = write(to, "https://example.com", URL, [here()], [python], cache.root() / "krew")
    return archive, yaml.safe_load(manifest.read_text())


@pytest.fixture(scope="module")
def path(built: tuple[Path, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PATH on which the plugin is, as krew puts it there: a link to the command in its store."""
    root = tmp_path_factory.mktemp("root")
    store, links = root / "store" / "mlrollout" / "v1", root / "bin"
    with tarfile.open(built[0]) as archive:
        archive.extractall(store, filter="data")
    links.mkdir()
    command = built[1]["spec"]["platforms"][0]["bin"]
    (links / "kubectl-mlrollout").symlink_to(Path("..") / "store" / "mlrollout" / "v1" / command)
    return f"{links}:/usr/bin:/bin"


def kubectl(path: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """As of somebody who has a Python, and nothing of this repository in it."""
    python = Path(sys.base_prefix) / "bin" / "python3"
    given = {"PATH": path, "HOME": "/nowhere", "MLROLLOUT_PYTHON": str(python), **environment}
    command = [str(binaries.path("kubectl")), "mlrollout", *arguments]
    return subprocess.run(command, env=given, capture_output=True, text=True, timeout=120, check=False)


def test_the_manifest_names_each_archive_by_its_sum(built: tuple[Path, dict[str, Any]]) -> None:
    archive, manifest = built
    assert manifest["metadata"]["name"] == "mlrollout"
    spec = manifest["spec"]
    assert re.fullmatch(r"v\d+\.\d+\.\d+", spec["version"])
    assert len(spec["shortDescription"]) <= 50, "what krew's index takes"
    (platform,) = spec["platforms"]
    assert platform["uri"] == f"{URL}/{archive.name}"
    assert platform["sha256"] == hashlib.sha256(archive.read_bytes()).hexdigest()
    assert platform["selector"]["matchLabels"] == {"os": here().os, "arch": here().arch}
    assert len({(one.os, one.arch) for one in MACHINES}) == 4
    assert all(one in spec["caveats"] for one in (PYTHONS[0], PYTHONS[-1]))


def test_nothing_in_an_archive_depends_on_who_made_it_and_when(built: tuple[Path, dict[str, Any]]) -> None:
    with tarfile.open(built[0]) as archive:
        files = archive.getmembers()
    assert [Path(one.name) for one in files] == sorted(Path(one.name) for one in files)
    assert {(one.mtime, one.uid, one.gid, one.uname) for one in files} == {(0, 0, 0, "")}
    assert {one.name for one in files if one.mode & 0o111} == {"kubectl-mlrollout"}
    assert "LICENSE" in {one.name for one in files}


def test_kubectl_runs_it_with_what_is_in_the_archive(path: str, tmp_path: Path) -> None:
    ran = kubectl(path, "version")
    assert (ran.stderr, ran.returncode) == ("", DONE)
    manifest = tmp_path / "rollout.yaml"
    manifest.write_text(kubectl(path, "template", "shop").stdout)
    assert kubectl(path, "lint", str(manifest)).stdout == "nothing found in 1 MLRollout\n"
    ran = kubectl(path, "lint", str(manifest), "--prometheus", "http://127.0.0.1:1")
    assert ran.returncode == FAILED, ran.stderr
    assert "can't be reached" in ran.stdout
    ran = kubectl(path, "status", "x")
    assert ran.stderr.startswith("kubectl mlrollout status: there is no cluster to talk to")
    ran = kubectl(path, "operator")
    assert ran.stderr.endswith("which is not installed: install mlrollout with its extra `operator`\n")


def test_without_a_python_it_says_so(path: str) -> None:
    ran = kubectl(path, "version", MLROLLOUT_PYTHON="/nowhere/python3")
    assert ran.stderr.startswith("kubectl mlrollout: it needs Python 3.11 to 3.14, and finds none on PATH")
    assert ran.returncode == WRONG


def test_libraries_of_other_programs_are_nothing_to_it(path: str, tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("raise SystemExit('the wrong one')")
    assert kubectl(path, "version", PYTHONPATH=str(tmp_path)).returncode == DONE
