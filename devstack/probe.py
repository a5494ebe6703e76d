"""Whether a file is a program that starts, and new enough for us."""

import re
from collections.abc import Mapping
from pathlib import Path
from subprocess import TimeoutExpired

from .commands import run

_VERSION: Mapping[str, tuple[str, ...]] = {
    "kubectl": ("version", "--client"),
    "helm": ("version", "--short"),
}
# Of Redis and Prometheus, the oldest that is promised: docs/redis-contract.md, docs/evidence-rules.md. An older kubectl
# reads manifests, and words refusals, otherwise than the API server's own release.
OLDEST: Mapping[str, tuple[int, int]] = {
    "redis-server": (7, 0),
    "redis-cli": (7, 0),
    "prometheus": (2, 42),
    "helm": (3, 0),
    "kubectl": (1, 34),
}


def runs(name: str, binary: Path) -> bool:
    """Whether this file is a working program `name` of a version that we can use."""
    try:
        told = run([binary, *_VERSION.get(name, ("--version",))], timeout=20)
    except (OSError, TimeoutExpired):
        return False
    return told.returncode == 0 and _new_enough(name, told.stdout)


def _new_enough(name: str, told: str) -> bool:
    if name not in OLDEST:
        return True
    version = re.search(r"(\d+)\.(\d+)", told)
    return version is not None and (int(version[1]), int(version[2])) >= OLDEST[name]
