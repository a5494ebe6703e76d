"""The manifest that krew's index takes: where each archive is, and what it must be."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .archive import COMMAND
from .platforms import Machine

_SHORT = "Roll ML features out by percentage, and back"
_LONG = """\
Shows how rollouts of ML features are doing that the mlrollout operator looks after:
where each stands, what its guardrails say, why it doesn't go on or was rolled back,
and what to do. Approves, pauses, promotes and rolls back. Lints and simulates
manifests before they are applied, and looks at what is wrong with an installation.
"""
_CAVEATS = """\
It needs Python 3.11 to 3.14 on PATH, or named by MLROLLOUT_PYTHON.
"""


def manifest(version: str, homepage: str, url: str, archives: Mapping[Machine, Path]) -> dict[str, Any]:
    """The manifest.

    Args:
        version: Of the program.
        homepage: Its page.
        url: The folder that the archives can be fetched from.
        archives: What was built.
    """
    return {
        "apiVersion": "krew.googlecontainertools.github.com/v1alpha2",
        "kind": "Plugin",
        "metadata": {"name": "mlrollout"},
        "spec": {
            "version": f"v{version}",
            "homepage": homepage,
            "shortDescription": _SHORT,
            "description": _LONG,
            "caveats": _CAVEATS,
            "platforms": [_platform(machine, archive, url) for machine, archive in archives.items()],
        },
    }


def _platform(machine: Machine, archive: Path, url: str) -> dict[str, Any]:
    return {
        "selector": {"matchLabels": {"os": machine.os, "arch": machine.arch}},
        "uri": f"{url.rstrip('/')}/{archive.name}",
        "sha256": hashlib.sha256(archive.read_bytes()).hexdigest(),
        "bin": COMMAND,
    }
