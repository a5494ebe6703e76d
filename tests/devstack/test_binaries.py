"""Where programs come from, and that half-made ones are never taken for finished."""

import hashlib
import io
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

import pytest

from devstack import binaries, cache, envtest, gobuild, packages
from devstack.errors import MissingError, UnavailableError
from tests.support.http_server import CalmServer


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("MLROLLOUT_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    binaries.path.cache_clear()
    yield tmp_path / "cache"
    binaries.path.cache_clear()


def program(file: Path, prints: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\necho '{prints}'\n")
    file.chmod(0o755)
    return file


def test_kubebuilder_assets_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(gobuild.KUBERNETES.shelf / "kubectl", "from the cache")
    asset = program(tmp_path / "assets" / "kubectl", "from the assets")
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(asset.parent))

    assert binaries.path("kubectl") == asset


def test_the_cache_comes_before_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cached = program(gobuild.KUBERNETES.shelf / "kubectl", "from the cache")
    monkeypatch.setenv("PATH", str(program(tmp_path / "bin" / "kubectl", "v1.30.0").parent), prepend=":")

    assert binaries.path("kubectl") == cached


def test_a_program_on_the_path_must_run_and_be_new_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = program(tmp_path / "old" / "redis-server", "Redis server v=6.0.16 sha=00000000:0")
    new = program(tmp_path / "new" / "redis-server", "Redis server v=7.4.1 sha=00000000:0")
    broken = tmp_path / "broken" / "redis-server"
    broken.parent.mkdir()
    broken.write_text("not a program")
    broken.chmod(0o755)

    for folder, found in ((new.parent, new), (old.parent, None), (broken.parent, None)):
        monkeypatch.setenv("PATH", str(folder))
        assert binaries.on_path("redis-server") == found


@pytest.mark.parametrize(("version", "taken"), [("2.41.0", False), ("2.42.0+ds", True), ("3.0.1", True)])
def test_a_prometheus_that_is_older_than_promised_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, *, taken: bool
) -> None:
    installed = program(tmp_path / "bin" / "prometheus", f"prometheus, version {version} (branch: HEAD)")
    monkeypatch.setenv("PATH", str(installed.parent))

    assert binaries.on_path("prometheus") == (installed if taken else None)


def test_without_go_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(MissingError, match=r"(?s)Go is not installed.*Install Go 1\.\d+.*KUBEBUILDER_ASSETS"):
        gobuild.build("kube-apiserver")


def test_the_build_is_stamped_with_the_version_of_its_module() -> None:
    version = gobuild.KUBERNETES.version

    assert version.startswith("v1.")
    assert f"gitVersion={version}" in gobuild.KUBERNETES.link_flags()
    assert f"gitMinor={version.split('.')[1]}" in gobuild.KUBERNETES.link_flags()


def test_off_debian_the_next_source_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(UnavailableError, match="not Debian"):
        packages.unpack("redis-server")


def test_an_interrupted_build_leaves_nothing_that_looks_complete(empty_cache: Path) -> None:
    def make() -> None:
        with cache.workshop("thing") as folder:
            (folder / "half").write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make()

    assert not (empty_cache / "bin").exists()
    assert list((empty_cache / "workshop").iterdir()) == []


def test_two_processes_make_a_thing_once(tmp_path: Path) -> None:
    code = """
from pathlib import Path
from devstack import cache
with cache.workshop("thing") as folder:
    made = cache.shelf("thing-v1") / "thing"
    if not made.exists():
        print("made")
        (folder / "thing").write_text("done")
        cache.publish(folder / "thing", made)
"""
    makers = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(4)]

    assert sorted(maker.communicate()[0] for maker in makers) == ["", "", "", "made\n"]


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Keep quiet."""


@pytest.fixture
def published(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """An archive as the Kubernetes project publishes it, and the index that names it."""
    folder = tmp_path / "published"
    folder.mkdir()
    with CalmServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def publish(folder: Path, address: str, *, digest: str = "") -> str:
    content = b"#!/bin/sh\n"
    with tarfile.open(folder / "archive.tar.gz", "w:gz") as tar:
        for name in ("etcd", "kube-apiserver", "kubectl"):
            member = tarfile.TarInfo(f"controller-tools/envtest/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    digest = digest or hashlib.sha512((folder / "archive.tar.gz").read_bytes()).hexdigest()
    minor = gobuild.KUBERNETES.version.rpartition(".")[0]
    entries = "".join(
        f"  {version}:\n    envtest-{version}-{envtest.platform_name()}.tar.gz:\n"
        f"      hash: {digest}\n      selfLink: {address}/{file}\n"
        for version, file in ((f"{minor}.0", "old"), (f"{minor}.1", "archive.tar.gz"), ("v1.9.7", "older"))
    )
    (folder / "index.yaml").write_text(f"releases:\n{entries}")
    return f"{address}/index.yaml"


def test_published_binaries_are_verified_and_unpacked(published: tuple[Path, str]) -> None:
    binary = envtest.fetch("kube-apiserver", publish(*published))

    assert binary.read_bytes() == b"#!/bin/sh\n"
    assert binary.stat().st_mode & 0o111
    assert binaries.path("etcd") == binary.parent / "etcd"


def test_a_wrong_checksum_is_refused(published: tuple[Path, str]) -> None:
    with pytest.raises(UnavailableError, match="checksum"):
        envtest.fetch("etcd", publish(*published, digest="0" * 128))

    assert envtest.cached("etcd") is None


def test_an_unreachable_index_only_means_the_next_source() -> None:
    with pytest.raises(UnavailableError, match="out of reach"):
        envtest.fetch("etcd", "http://127.0.0.1:9/index.yaml")
