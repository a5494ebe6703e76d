"""Where each program comes from: the first of its sources that has one that runs.

`KUBEBUILDER_ASSETS`, then our cache, then PATH, then whatever can be fetched or built.
What takes time is said in one line, and done once for all processes of this machine.
"""

import functools
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from . import envtest, gobuild, packages, probe
from .errors import DevstackError, UnavailableError

Source = Callable[[str], "Path | None"]

# Valkey is what some distributions ship in Redis' place.
_ALIASES: Mapping[str, tuple[str, ...]] = {
    "redis-server": ("redis-server", "valkey-server"),
    "redis-cli": ("redis-cli", "valkey-cli"),
}


@functools.cache
def path(name: str) -> Path:
    """A program that runs, fetched or built first where there is none yet."""
    reasons: list[str] = []
    for source in _SOURCES[name]:
        try:
            found = source(name)
        except UnavailableError as error:
            reasons.append(str(error))
            continue
        if found:
            return found
    raise DevstackError(
        f"{name} could not be found, fetched or built ({'; '.join(reasons)}).",
        meaning=f"What needs {name} cannot start on this machine.",
        remedy=f"Install {name} so that it is on PATH, then run this again.",
    )


def names() -> tuple[str, ...]:
    """Every program that `path` knows."""
    return tuple(_SOURCES)


def _assets(name: str) -> Path | None:
    """From the folder that users of kubebuilder and envtest point to."""
    folder = os.environ.get("KUBEBUILDER_ASSETS")
    if not folder:
        return None
    binary = Path(folder, name)
    return binary if binary.exists() else None


def on_path(name: str) -> Path | None:
    """What the user has installed, where it runs and is new enough."""
    for alias in _ALIASES.get(name, (name,)):
        found = shutil.which(alias)
        if found and probe.runs(name, Path(found)):
            return Path(found)
    return None


_READY: tuple[Source, ...] = (_assets, gobuild.cached, envtest.cached)
_MADE: tuple[Source, ...] = (envtest.fetch, gobuild.build)
_PACKAGED = (packages.cached, on_path, packages.unpack, packages.install)

_SOURCES: Mapping[str, tuple[Source, ...]] = {
    "kube-apiserver": (*_READY, *_MADE),
    "etcd": (*_READY, *_MADE),
    "kubectl": (*_READY, on_path, *_MADE),
    "helm": (gobuild.cached, on_path, gobuild.build),
    "helm4": (gobuild.cached, gobuild.build),
    "victoria-metrics": (gobuild.cached, gobuild.build),
    "flux-health": (gobuild.cached, gobuild.build),
    "actionlint": (gobuild.cached, gobuild.build),
    "redis-server": _PACKAGED,
    "redis-cli": _PACKAGED,
    "prometheus": _PACKAGED,
    "promtool": _PACKAGED,
}
