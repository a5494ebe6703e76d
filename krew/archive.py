"""An archive for one kind of machine: this program, all that it needs, and a script that finds a Python.

The same sources make the same bytes, so anybody can check the sum in the manifest.
"""

import gzip
import io
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from .platforms import Machine

ROOT = Path(__file__).parents[1]
COMMAND = "kubectl-mlrollout"
_LOCK = ROOT / "requirements" / "cli.txt"
_OLD_PYTHONS = re.compile(r" ; python_full_version < '[^']*'")
"""Of a requirement: pip holds it against the Python that it runs in, not against the one that is asked for."""


def build(machine: Machine, pythons: Sequence[str], to: Path, wheels: Path) -> Path:
    """Build the archive of a machine.

    Args:
        machine: The kind of machine.
        pythons: The Pythons that it shall work with.
        to: The folder that it is put into.
        wheels: Where wheels are kept, for the next time.

    Raises:
        subprocess.CalledProcessError: A wheel can't be had.
    """
    tree = to / f"tree-{machine}"
    shutil.rmtree(tree, ignore_errors=True)
    lib = tree / "lib"
    _unpack_own(lib)
    for python in pythons:
        for wheel in _needed(machine, python, wheels):
            _unpack(wheel, lib if wheel.name.endswith("-none-any.whl") else lib / f"cp{python.replace('.', '')}")
    here = Path(__file__).parent
    shutil.copy(here / "main.py", lib / "main.py")
    shutil.copy(here / "launcher.sh", tree / COMMAND)
    shutil.copy(ROOT / "LICENSE", tree / "LICENSE")
    archive = to / f"mlrollout-{machine}.tar.gz"
    archive.write_bytes(_packed(tree))
    shutil.rmtree(tree)
    return archive


def _unpack_own(to: Path) -> None:
    """The wheel of this program, built where nobody else builds one."""
    with TemporaryDirectory() as folder:
        _pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, str(ROOT))
        (wheel,) = Path(folder).glob("*.whl")
        _unpack(wheel, to)


def _needed(machine: Machine, python: str, wheels: Path) -> Sequence[Path]:
    """The wheels that it needs there: those kept from the last time, or else the index's; none but the locked ones."""
    folder = wheels / f"{machine}-{python}"
    lock = wheels / "requirements.txt"
    lock.write_text(_OLD_PYTHONS.sub("", _LOCK.read_text()))
    wanted = ["--no-deps", "--require-hashes", "--only-binary=:all:", "-r", str(lock), "--dest", str(folder)]
    there = ["--implementation=cp", f"--python-version={python}", *(f"--platform={tag}" for tag in machine.tags)]
    kept = ["--no-index", f"--find-links={folder}"]
    if not folder.is_dir() or not _pip("download", *wanted, *there, *kept, check=False):
        shutil.rmtree(folder, ignore_errors=True)
        _pip("download", *wanted, *there)
    return sorted(folder.glob("*.whl"))


def _pip(*arguments: str, check: bool = True) -> bool:
    quiet = ["--quiet", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", *arguments, *quiet]
    return subprocess.run(command, check=check, stderr=None if check else subprocess.DEVNULL).returncode == 0


def _unpack(wheel: Path, to: Path) -> None:
    with zipfile.ZipFile(wheel) as opened:
        for name in opened.namelist():
            if ".data/" not in name:  # scripts, which nobody calls here
                opened.extract(name, to)


def _packed(tree: Path) -> bytes:
    """The tree as tar.gz, of which nothing depends on when, where and by whom it was made."""
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as zipped, tarfile.open(fileobj=zipped, mode="w") as tar:
        for file in _files(tree):
            entry = tarfile.TarInfo(str(file.relative_to(tree)))
            entry.size = file.stat().st_size
            entry.mode = 0o755 if file.name == COMMAND else 0o644
            with file.open("rb") as opened:
                tar.addfile(entry, opened)
    return packed.getvalue()


def _files(tree: Path) -> Iterator[Path]:
    return (one for one in sorted(tree.rglob("*")) if one.is_file())
