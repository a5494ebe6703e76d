"""Files out of Go modules that nobody has to build: the schemas of Kubernetes' versions, and others' CRDs."""

import functools
import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from .commands import run
from .errors import DevstackError, MissingError

KUBERNETES = "k8s.io/kubernetes"
SUMS: Mapping[tuple[str, str], str] = {
    (KUBERNETES, "v1.30.14"): "h1:MrlKXh9uhLIJpyxOeXhcndzRVSvwiV9iJ8NgH8nqPsg=",
    (KUBERNETES, "v1.31.14"): "h1:UtjLfqvXLuSVDdJ4+NpQCIfFkKkLnAAVmxAEMsnkhjk=",
    (KUBERNETES, "v1.32.10"): "h1:yiRa8DyKp4Yrbv028MP6kpp5N1N3eO8Hp/tSCbBGIPE=",
    (KUBERNETES, "v1.33.6"): "h1:NOIZqkx8M4XfdyRKllzLSBiMgSilPzSvCembfzOMk6A=",
    (KUBERNETES, "v1.34.2"): "h1:WQdDvYJazkmkwSncgNwGvVtaCt4TYXIU3wSMRgvp3MI=",
    ("sigs.k8s.io/gateway-api", "v1.4.0"): "h1:ZwlNM6zOHq0h3WUX2gfByPs2yAEsy/EenYJB78jpQfQ=",
    (
        "github.com/prometheus-operator/prometheus-operator",
        "v0.85.0",
    ): "h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=",
}
"""What can be had, with the checksum of each as a `go.sum` would have it."""


def versions(module: str) -> list[str]:
    """Those of a module that can be had, oldest first."""
    return [version for name, version in SUMS if name == module]


@functools.cache
def folder(module: str, version: str) -> Path:
    """Where the module's files are, fetched first where they are not there yet."""
    go = shutil.which("go")
    if go is None:
        raise MissingError(
            f"{module} is a Go module, and Go is not installed.", remedy="Install Go: go.dev/doc/install"
        )
    # Outside of any module, so that the module's own requirements are of no interest.
    ran = run([go, "mod", "download", "-json", f"{module}@{version}"], cwd=Path("/"), env={"GOWORK": "off"})
    found = json.loads(ran.stdout or "{}")
    if ran.returncode:
        raise DevstackError(f"{module} {version} could not be fetched: {found.get('Error') or ran.stderr.strip()}")
    if found["Sum"] != SUMS[module, version]:
        raise DevstackError(f"{module} {version} is not what it was: its checksum is {found['Sum']}.")
    return Path(found["Dir"])
