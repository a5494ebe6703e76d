"""Whether a file is a program that starts, and new enough for us."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from subprocess import TimeoutExpired

from devstack.commands import run

_VERSION: Mapping[str, tuple[str, ...]] = {
    "kubectl": ("version", "--client"),
    "helm": ("version", "--short"),
}
_MAJORS: Mapping[str, range] = {
    "redis-server": range(7, 100),
    "redis-cli": range(7, 100),
    "helm": range(3, 5),
}


def runs(name: str, binary: Path) -> bool:
    """Whether this file is a working program `name` of a version that we can use."""
    try:
        told = run([binary, *_VERSION.get(name, ("--version",))], timeout=20)
    except (OSError, TimeoutExpired):
        return False
    return told.returncode == 0 and _new_enough(name, told.stdout)


def _new_enough(name: str, told: str) -> bool:
    if name not in _MAJORS:
        return True
    version = re.search(r"(\d+)\.\d+", told)
    return version is not None and int(version[1]) in _MAJORS[name]
