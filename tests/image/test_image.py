"""What is in the image, and that it runs as the chart runs it."""

import json
import re
import stat
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from devstack import web
from devstack.redis_server import RedisServer
from devstack.stack import Stack
from krew.platforms import MACHINES, Machine, here
from tests.components.server.place import FLAG, KIM, HttpServer
from tests.image.builder import ROOT, Image, build, inside, python
from tests.whole.conftest import houses
from tests.whole.house import LONG

LOCKED = re.compile(r"^([a-z0-9-]+)==([^ ]+)(?: ; (.+))? \\$", re.MULTILINE)
OLD_PYTHONS = re.compile(r" ; python_full_version < '[^']*'")
"""Of a requirement: pip holds it against the Python that it runs in, not against the one that is asked for."""
COPYLEFT = re.compile(r"GPL|\b(MPL|EPL|EUPL|CDDL|OSL)\b")
WITHOUT_A_WORD = {"promql-parser"}
"""Packages whose own metadata names no licence: its repository says MIT."""


def locked() -> dict[str, str]:
    """The packages of the image with their versions, but for those of another system or of an older Python."""
    text = (ROOT / "requirements" / "image.txt").read_text()
    elsewhere = ("python_full_version <", "sys_platform == 'win32'")
    return {name: version for name, version, when in LOCKED.findall(text) if not when.startswith(elsewhere)}


def test_the_list_of_its_packages_is_what_is_locked_with_a_licence_each(root: Path) -> None:
    told = json.loads((root / "opt/mlrollout/sbom.cdx.json").read_text())

    assert told["bomFormat"] == "CycloneDX"
    assert told["metadata"]["component"]["name"] == "mlrollout"
    parts = {part["purl"]: part for part in told["components"]}
    assert set(parts) == {f"pkg:pypi/{name}@{version}" for name, version in locked().items()}
    assert {part["name"] for part in parts.values() if not part.get("licenses")} == WITHOUT_A_WORD
    assert {part["name"] for part in parts.values() if COPYLEFT.search(json.dumps(part.get("licenses")))} == {"certifi"}
    assert {entry["ref"] for entry in told["dependencies"]} >= {part["bom-ref"] for part in parts.values()}


def test_whoever_builds_it_gets_the_same_layer(image: Image, tmp_path: Path) -> None:
    again = build(tmp_path / "again")

    assert again.config["rootfs"]["diff_ids"][-1] == image.config["rootfs"]["diff_ids"][-1]
    assert again.config["config"] == image.config["config"]


def test_it_says_who_it_is_and_runs_as_nobody(image: Image, root: Path) -> None:
    config = image.config["config"]

    assert config["User"] == "65532:65532"
    assert config["Entrypoint"] == ["mlrollout", "operator"]
    assert config["Labels"]["org.opencontainers.image.licenses"] == "Apache-2.0"
    own = list((root / "opt/mlrollout").rglob("*"))
    assert own
    assert not [path for path in own if path.lstat().st_mode & (stat.S_ISUID | stat.S_ISGID)]
    assert not [path for path in own if not path.is_symlink() and path.lstat().st_mode & stat.S_IWOTH]
    assert not list((root / "opt/mlrollout/lib").glob("python3*/site-packages/pip")), "nothing installs into it"


def test_every_module_has_its_bytecode_which_no_time_makes_stale(root: Path) -> None:
    packages = root / "opt/mlrollout/lib"

    compiled = list(packages.rglob("*.pyc"))
    assert len(compiled) > 1000
    assert {file.read_bytes()[4:8] for file in compiled} == {b"\x01\0\0\0"}, "by a hash, unchecked"
    assert (next(packages.rglob("mlrollout/__pycache__/")) / "__init__.cpython-313.pyc").exists()


def test_an_operator_in_it_guards_without_root_a_shell_or_a_disk_to_write_on(
    image: Image, root: Path, tmp_path: Path
) -> None:
    with Stack() as stack:
        stack.install()
        operator = stack.start_operator(python=python(root, image, tmp_path / "python", seen=[stack.directory]))
        for house in houses(stack):
            house.apply(stages=LONG)
            house.until_percentage(10)
            house.errors(0.2)
            house.until_reason("GuardrailBreached", "Stalled")
            house.until(lambda: house.events("RolledBack"), "the Event")  # noqa: B023 - called in this turn
            assert house.percentage == "0"
        assert "The watch of the objects ended" not in operator.log.read_text()
        assert b"\nmlrollout_watch_stands 1" in (web.get(f"{operator.url}/metrics") or b"")


class ContainedServer(HttpServer):
    """The server, run in the image."""

    def __init__(self, redis_url: str, image: Image, root: Path) -> None:
        super().__init__(redis_url, {})
        self._image, self._root = image, root

    def command(self) -> Sequence[str]:
        """As the chart's container has it."""
        _, _, *command = super().command()
        return inside(self._root, self._image, *command, seen=[self.directory])


def test_the_server_in_it_tells_who_gets_what(image: Image, root: Path) -> None:
    with RedisServer() as redis, ContainedServer(redis.url, image, root) as server:
        told = server.ask("POST", FLAG, KIM, token=None)

    assert (told.status, told.json["value"]) == (200, False), "nothing is in Redis yet"


@pytest.mark.parametrize("machine", [one for one in MACHINES if one.os == "linux" and one != here()], ids=str)
@pytest.mark.parametrize("file", ["image", "build", "sbom"])
def test_what_is_locked_can_be_had_for_the_other_processor_too(machine: Machine, file: str, tmp_path: Path) -> None:
    lock = tmp_path / "requirements.txt"
    lock.write_text(OLD_PYTHONS.sub("", (ROOT / "requirements" / f"{file}.txt").read_text()))
    there = ["--implementation=cp", "--python-version=3.13", *(f"--platform={tag}" for tag in machine.tags)]
    wanted = ["--no-deps", "--require-hashes", "--only-binary=:all:", "--target", str(tmp_path / "none")]

    ran = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--dry-run", *wanted, *there, "-r", str(lock)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr
