"""The Python of an environment that has the older version."""

import hashlib
import os
import subprocess
import sys
import sysconfig
import venv
from functools import cache as once
from pathlib import Path

from devstack import cache

WHEEL = next(Path(__file__).parent.glob("*.whl"))
ALONE = """\
#!/bin/sh
# What PYTHONPATH leads to would come before this environment's own, and may be the newer version.
unset PYTHONPATH
exec "$(dirname "$0")/python" "$@"
"""


@once
def python() -> Path:
    """The interpreter, whatever PYTHONPATH says; its environment is made the first time."""
    packages = sysconfig.get_path("purelib")
    mark = hashlib.sha256(WHEEL.read_bytes() + (packages + ALONE).encode()).hexdigest()[:16]
    name = f"older-{mark}"
    made = cache.root() / "older" / name
    with cache.workshop(name):
        if not (made / "complete").exists():
            _make(made, packages)
    return made / "bin" / "python-alone"


def _make(folder: Path, packages: str) -> None:
    """An environment is bound to its place, so it is made where it stays; the last file says that it is whole."""
    venv.create(folder, clear=True, with_pip=False)
    alone = folder / "bin" / "python-alone"
    alone.write_text(ALONE)
    alone.chmod(0o755)
    install = [sys.executable, "-m", "pip", "--python", str(alone), "install", "--no-deps", "--no-index", "-q"]
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run([*install, str(WHEEL)], check=True, env=clean)
    # Its own packages come first, so mlrollout is the wheel's, and everything else the tests' own.
    own = next(folder.glob("lib/python*/site-packages"))
    (own / "dependencies.pth").write_text(packages + "\n")
    (folder / "complete").touch()
