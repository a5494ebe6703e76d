"""The control plane binaries that the Kubernetes project publishes for test suites.

Much faster than a build, but GitHub may be out of reach: then the attempt ends
after a few seconds and the next source is asked.
"""

import functools
import hashlib
import platform
import re
import tarfile
import time
import urllib.request
from pathlib import Path

from . import cache
from .console import say
from .errors import UnavailableError
from .gobuild import KUBERNETES

INDEX = "https://raw.githubusercontent.com/kubernetes-sigs/controller-tools/HEAD/envtest-releases.yaml"
_ANSWER_WITHIN = 4.0
_COMPLETE_WITHIN = 120.0
_ENTRY = re.compile(
    r"^    envtest-(?P<version>v[\d.]+)-(?P<platform>\w+-\w+)\.tar\.gz:\s*\n"
    r"\s+hash: (?P<digest>[0-9a-f]{128})\s*\n\s+selfLink: (?P<url>\S+)",
    re.MULTILINE,
)


def cached(name: str) -> Path | None:
    """The binary of an earlier download of our Kubernetes minor version."""
    binary = _shelf() / name
    return binary if binary.exists() else None


def fetch(name: str, index: str = INDEX) -> Path:
    """Download, verify and unpack the newest patch release of our minor version."""
    shelf = _shelf()
    with cache.workshop(shelf.name) as folder:
        if found := cached(name):
            return found
        url, digest = _newest(_index(index))
        archive = folder / "archive.tar.gz"
        archive.write_bytes(_read(url))
        if hashlib.sha512(archive.read_bytes()).hexdigest() != digest:
            raise UnavailableError(f"{url} does not have the published checksum")
        say(f"Downloaded {url}.")
        cache.publish(_unpack(archive, folder / "bin"), shelf)
    if not (shelf / name).exists():
        raise UnavailableError(f"the published archive has no {name}")
    return shelf / name


def _shelf() -> Path:
    minor = KUBERNETES.version.rpartition(".")[0]
    return cache.shelf(f"envtest-{minor}")


def platform_name() -> str:
    """Operating system and processor as Go calls them."""
    machine = platform.machine().lower()
    names = {"x86_64": "amd64", "aarch64": "arm64"}
    return f"{platform.system().lower()}-{names.get(machine, machine)}"


def _newest(index: str) -> tuple[str, str]:
    if not index:
        raise UnavailableError("the list of published binaries is out of reach")
    minor = KUBERNETES.version.rpartition(".")[0] + "."
    fitting = [
        (int(entry["version"].removeprefix(minor)), entry["url"], entry["digest"])
        for entry in _ENTRY.finditer(index)
        if entry["version"].startswith(minor) and entry["platform"] == platform_name()
    ]
    if not fitting:
        raise UnavailableError(f"nothing is published for {minor}x on {platform_name()}")
    _, url, digest = max(fitting)
    return url, digest


@functools.cache
def _index(url: str) -> str:
    """The list of what is published; empty when out of reach, which is found out only once."""
    say("Looking for published control plane binaries (gives up after a few seconds).")
    try:
        return _read(url).decode()
    except UnavailableError as error:
        say(f"Going on without them: {error}.")
        return ""


def _read(url: str) -> bytes:
    """Read the whole answer, bounded in total and not only per read."""
    deadline = time.monotonic() + _COMPLETE_WITHIN
    parts = []
    try:
        with urllib.request.urlopen(url, timeout=_ANSWER_WITHIN) as answer:  # noqa: S310  (https, or a test's own server)
            while part := answer.read(1 << 20):
                parts.append(part)
                if time.monotonic() > deadline:
                    raise UnavailableError("the download is too slow")
    except OSError as error:
        raise UnavailableError(f"{url.split('/')[2]} is out of reach ({error})") from error
    return b"".join(parts)


def _unpack(archive: Path, target: Path) -> Path:
    target.mkdir()
    with tarfile.open(archive) as tar:
        for member in tar.getmembers():
            content = tar.extractfile(member)
            if content:
                binary = target / Path(member.name).name
                binary.write_bytes(content.read())
                binary.chmod(0o755)
    return target
