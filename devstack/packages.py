"""redis and prometheus from the operating system's packages.

On Debian and Ubuntu the packages are downloaded and unpacked into our cache: that
needs no root and starts no system service. Only where that fails are they installed.
"""

import os
import platform
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import cache, probe
from .commands import run
from .console import say
from .errors import UnavailableError

_WRAPPER = """#!/bin/sh
LD_LIBRARY_PATH="{libraries}"
export LD_LIBRARY_PATH
exec "{binary}" "$@"
"""


@dataclass(frozen=True)
class Package:
    """What the distributions call the packages of one program.

    Attributes:
        debian: The packages to download, besides the libraries they need.
        brew: The Homebrew formula.
        binaries: The programs in it that we use.
    """

    debian: tuple[str, ...]
    brew: str
    binaries: tuple[str, ...]


REDIS = Package(
    debian=("redis-server", "redis-tools"),
    brew="redis",
    binaries=("redis-server", "redis-cli"),
)
PROMETHEUS = Package(debian=("prometheus",), brew="prometheus", binaries=("prometheus", "promtool"))
PACKAGES: Mapping[str, Package] = {binary: package for package in (REDIS, PROMETHEUS) for binary in package.binaries}


def cached(name: str) -> Path | None:
    """The binary of packages unpacked earlier, unless a library it needs is gone."""
    binary = _shelf(PACKAGES[name]) / "bin" / name
    return binary if probe.runs(name, binary) else None


def unpack(name: str) -> Path:
    """Download the Debian packages and unpack them into the cache."""
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise UnavailableError("this is not Debian or Ubuntu")
    package = PACKAGES[name]
    shelf = _shelf(package)
    with cache.workshop(shelf.name) as folder:
        if found := cached(name):
            return found
        say(f"Unpacking the packages {', '.join(package.debian)} (some seconds).")
        tree = folder / "tree"
        _download(package.debian, folder)
        for archive in sorted(folder.glob("*.deb")):
            _run(["dpkg-deb", "-x", str(archive), str(tree)], folder)
        for binary in package.binaries:
            _wrap(tree, binary, shelf)
        cache.publish(tree, shelf)
    return cached(name) or _too_old(name)


def install(name: str) -> Path:
    """Install the packages for the whole machine, with Homebrew or as root with apt."""
    package = PACKAGES[name]
    if brew := shutil.which("brew"):
        say(f"Installing {package.brew} with Homebrew (about a minute).")
        _run([brew, "install", package.brew], Path.cwd())
    elif shutil.which("apt-get"):
        say(f"Installing {', '.join(package.debian)} with apt-get (about a minute).")
        root = [] if os.geteuid() == 0 else ["sudo", "-n"]
        command = [*root, "apt-get", "install", "--yes", "--no-install-recommends"]
        _run([*command, *package.debian], Path.cwd())
    else:
        raise UnavailableError("neither apt-get nor Homebrew is here")
    found = shutil.which(name)
    if found and probe.runs(name, Path(found)):
        return Path(found)
    return _too_old(name)


def _too_old(name: str) -> Path:
    raise UnavailableError(f"the {name} of this distribution does not run or is too old")


def _shelf(package: Package) -> Path:
    """One per distribution release: the cache may be shared with another machine."""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        release = {}
    system = f"{release.get('ID', 'unknown')}-{release.get('VERSION_ID', 'unknown')}"
    return cache.shelf(f"{package.debian[0]}-{system}-{platform.machine()}")


def _download(packages: Sequence[str], folder: Path) -> None:
    """Fetch the packages and the shared libraries that this machine lacks."""
    options = ["-o", "APT::Sandbox::User=root"] if os.geteuid() == 0 else []
    try:
        wanted = _missing(packages, folder, options)
    except UnavailableError:
        options += _own_lists(folder)
        say("Updating a package list of our own (half a minute; the system's is untouched).")
        _run(["apt-get", *options, "update"], folder)
        wanted = _missing(packages, folder, options)
    _run(["apt-get", *options, "download", *wanted], folder)


def _missing(packages: Sequence[str], folder: Path, options: Sequence[str]) -> list[str]:
    plan = ["apt-get", *options, "install", "--simulate", "--no-install-recommends"]
    planned = _run([*plan, *packages], folder)
    needed = re.findall(r"^Inst (\S+)", planned, re.MULTILINE)
    libraries = [n for n in needed if n.startswith("lib") and not n.startswith("libjs-")]
    return [*packages, *libraries]


def _own_lists(folder: Path) -> list[str]:
    """Options that keep apt's lists in our folder, which needs no root."""
    state, archive = folder / "apt", folder / "apt" / "cache"
    (state / "lists" / "partial").mkdir(parents=True)
    (archive / "archives" / "partial").mkdir(parents=True)
    return ["-o", f"Dir::State::lists={state}/lists", "-o", f"Dir::Cache={archive}"]


def _wrap(tree: Path, binary: str, shelf: Path) -> None:
    """Write `bin/<binary>`, which finds the libraries unpacked beside it."""
    real = next(tree.glob(f"usr/*bin/{binary}"), None)
    if real is None:
        raise UnavailableError(f"the packages contain no {binary}")
    folders = sorted({p.parent for p in tree.glob("**/*.so*")})
    wrapper = tree / "bin" / binary
    wrapper.parent.mkdir(exist_ok=True)
    libraries = ":".join(str(shelf / folder.relative_to(tree)) for folder in folders)
    text = _WRAPPER.format(libraries=libraries, binary=shelf / real.relative_to(tree))
    wrapper.write_text(text)
    wrapper.chmod(0o755)


def _run(command: Sequence[str], folder: Path) -> str:
    ran = run(command, cwd=folder, env={"LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"})
    if ran.returncode:
        last = (ran.stderr.strip() or ran.stdout.strip()).splitlines()[-1:]
        raise UnavailableError(f"`{' '.join(command[:3])} …` failed: {''.join(last)}")
    return ran.stdout
