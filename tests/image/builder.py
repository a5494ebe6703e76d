"""The image built by its own Dockerfile without Docker, by buildah, and a program run in it as Kubernetes would.

The Dockerfile's base is taken where its registry can be reached. Elsewhere Debian's own Python stands in for it: the
same Debian, the same minor version of Python, so that every step runs, but not the same bytes.
"""

import json
import os
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from devstack import cache
from devstack.commands import run

ROOT = Path(__file__).parents[2]
TOOLS = ("buildah", "mmdebstrap", "bwrap")
AUTHORITIES = Path("/etc/ssl/certs")
"""Where the machine's own authorities are; a package registry within reach may need one of them."""

_NAMES = {"LOGNAME", "USER", "LNAME", "USERNAME"}
"""What this machine may say of a user that the image knows nothing of."""
_SUITE = "trixie"
_PACKAGES = "python3,python3-venv,python3-pip,ca-certificates"
_STAND_IN = """\
FROM scratch
ADD base.tar /
RUN ln -s python3 /usr/bin/python && rm -f /usr/lib/python3*/EXTERNALLY-MANAGED
"""


@dataclass(frozen=True)
class Image:
    """What was built, in a store of its own.

    Attributes:
        name: How it is called there.
        store: The folder of the store.
    """

    name: str
    store: Path

    def buildah(self, *arguments: str | Path) -> str:
        """Run buildah on the store."""
        places = ["--root", self.store / "root", "--runroot", self.store / "run", "--storage-driver", "overlay"]
        ran = run(["buildah", *map(str, places), *arguments])
        assert ran.returncode == 0, (ran.stdout + ran.stderr)[-3000:]
        return ran.stdout.strip()

    @property
    def config(self) -> dict[str, Any]:
        """The image's configuration, as the OCI writes it, with the digests of its layers."""
        found: dict[str, Any] = json.loads(self.buildah("inspect", "--type", "image", self.name))["OCIv1"]
        return found

    def root(self) -> Path:
        """The folder with its files."""
        return Path(self.buildah("mount", self.buildah("from", self.name)))


def build(store: Path) -> Image:
    """Build it anew, with nothing kept of another time but the base."""
    image = Image("localhost/mlrollout", store)
    options = ["--isolation", "chroot", "--timestamp", "0", "--volume", f"{AUTHORITIES}:{AUTHORITIES}:ro"]
    image.buildah("build", *options, *_base(image), "--tag", image.name, ROOT)
    return image


def _base(image: Image) -> Sequence[str]:
    """The argument that puts another base in place of the Dockerfile's, where that can't be had."""
    base = (ROOT / "Dockerfile").read_text().partition("ARG PYTHON=")[2].split()[0]
    try:
        image.buildah("pull", base)
    except AssertionError:
        folder = image.store / "base"
        folder.mkdir(parents=True)
        (folder / "Dockerfile").write_text(_STAND_IN)
        shutil.copy(_debian(), folder / "base.tar")
        image.buildah("build", "--isolation", "chroot", "--timestamp", "0", "--tag", "localhost/base", folder)
        return ["--build-arg", "PYTHON=localhost/base"]
    return []


def _debian() -> Path:
    """A Debian with Python and nothing else, made once for this machine."""
    kept = cache.shelf(f"image-base-{_SUITE}") / "base.tar"
    with cache.workshop(f"image-base-{_SUITE}") as folder:
        if not kept.exists():
            made = folder / "base.tar"
            command = ["mmdebstrap", "--quiet", "--variant=essential", f"--include={_PACKAGES}", _SUITE, str(made)]
            ran = run(command)
            if ran.returncode:
                pytest.skip(f"neither the base's registry nor Debian's packages can be reached: {ran.stderr[-500:]}")
            cache.publish(made, kept)
    return kept


def inside(root: Path, image: Image, *arguments: str, seen: Sequence[Path] = ()) -> Sequence[str]:
    """The command that runs another in the image: its user, its environment, a disk to be read alone, and no shell.

    Args:
        root: The image's files.
        image: The image.
        arguments: The command there.
        seen: Files and folders of this machine that are seen at the same place, likewise to be read alone.
    """
    config = image.config["config"]
    user, _, group = config["User"].partition(":")
    command = ["bwrap", "--unshare-user", "--unshare-pid", "--unshare-ipc", "--cap-drop", "ALL", "--die-with-parent"]
    command += ["--uid", user, "--gid", group, "--ro-bind", str(root), "/", "--proc", "/proc", "--dev", "/dev"]
    command += ["--tmpfs", "/tmp"]  # noqa: S108 - the one that Kubernetes mounts
    for shell in ("dash", "bash"):
        command += ["--ro-bind", "/dev/null", f"/usr/bin/{shell}"]
    for path in seen:
        command += ["--ro-bind", str(path), str(path)]
    for name in os.environ.keys() & _NAMES:
        command += ["--unsetenv", name]
    for name, _, value in (entry.partition("=") for entry in config["Env"]):
        if not name.startswith("MLROLLOUT_"):  # which the test says, as a pod's manifest would
            command += ["--setenv", name, value]
    return [*command, "--", *arguments]


def python(root: Path, image: Image, to: Path, seen: Sequence[Path]) -> Path:
    """A script in place of a Python that is called with `-m mlrollout operator …`: it runs the image's entrypoint."""
    entrypoint = image.config["config"]["Entrypoint"]
    to.write_text(f'#!/bin/sh\nshift 3\nexec {shlex.join(inside(root, image, *entrypoint, seen=seen))} "$@"\n')
    to.chmod(0o755)
    return to
