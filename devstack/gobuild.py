"""Binaries built from Go modules, the versions pinned by a `go.mod` and `go.sum` here."""

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from . import cache
from .commands import run
from .console import say
from .errors import DevstackError, MissingError

_HERE = Path(__file__).parent
_STAMP = "k8s.io/component-base/version"


@dataclass(frozen=True)
class GoModule:
    """One pinned module and the commands that are built from it.

    Attributes:
        folder: The folder beside this file with its `go.mod` and `go.sum`.
        module: The module whose version names what is built.
        commands: The package of each binary.
        stamps: Link-time variables; `{version}`, `{major}`, `{minor}` are filled in.
        takes: How long a first build takes, for the progress line.
    """

    folder: str
    module: str
    commands: Mapping[str, str]
    stamps: tuple[str, ...]
    takes: str

    @property
    def version(self) -> str:
        """The pinned version, as `v1.2.3`."""
        text = (_HERE / self.folder / "go.mod").read_text()
        found = re.search(rf"^(?:require )?\s*{self.module} (v\S+)", text, re.MULTILINE)
        if not found:
            raise DevstackError(f"{self.folder}/go.mod does not require {self.module}.")
        return found[1]

    @property
    def shelf(self) -> Path:
        """Where its binaries stand once they are built."""
        return cache.shelf(f"{self.folder}-{self.version}")

    def link_flags(self) -> str:
        """Strip symbols and set the version, without which Kubernetes says v0.0.0."""
        major, minor, _ = self.version.removeprefix("v").split(".", 2)
        fields = {"version": self.version, "major": major, "minor": minor}
        return " ".join(["-s -w", *(f"-X {s.format(**fields)}" for s in self.stamps)])


KUBERNETES = GoModule(
    folder="kubernetes",
    module="k8s.io/kubernetes",
    commands={
        "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
        "kubectl": "k8s.io/kubernetes/cmd/kubectl",
    },
    stamps=(
        f"{_STAMP}.gitVersion={{version}}",
        f"{_STAMP}.gitMajor={{major}}",
        f"{_STAMP}.gitMinor={{minor}}",
    ),
    takes="up to 5 minutes on two cores",
)
ETCD = GoModule(
    folder="etcd",
    module="go.etcd.io/etcd/server/v3",
    commands={"etcd": "go.etcd.io/etcd/server/v3"},
    stamps=(),
    takes="half a minute",
)
HELM = GoModule(
    folder="helm",
    module="helm.sh/helm/v3",
    commands={"helm": "helm.sh/helm/v3/cmd/helm"},
    stamps=("helm.sh/helm/v3/internal/version.version={version}",),
    takes="1 to 2 minutes on two cores",
)
HELM4 = GoModule(
    folder="helm4",
    module="helm.sh/helm/v4",
    commands={"helm4": "helm.sh/helm/v4/cmd/helm"},
    stamps=("helm.sh/helm/v4/internal/version.version={version}",),
    takes="2 to 3 minutes on two cores",
)
VICTORIAMETRICS = GoModule(
    folder="victoriametrics",
    module="github.com/VictoriaMetrics/VictoriaMetrics",
    commands={"victoria-metrics": "github.com/VictoriaMetrics/VictoriaMetrics/app/victoria-metrics"},
    stamps=(),
    takes="1 to 2 minutes on two cores",
)
FLUX = GoModule(
    folder="flux",
    module="github.com/fluxcd/pkg/runtime",
    commands={"flux-health": "."},
    stamps=(),
    takes="1 to 2 minutes on two cores",
)
ACTIONLINT = GoModule(
    folder="actionlint",
    module="github.com/rhysd/actionlint",
    commands={"actionlint": "github.com/rhysd/actionlint/cmd/actionlint"},
    stamps=(),
    takes="under a minute",
)
_ALL = (KUBERNETES, ETCD, HELM, HELM4, VICTORIAMETRICS, FLUX, ACTIONLINT)
MODULES: Mapping[str, GoModule] = {name: module for module in _ALL for name in module.commands}


def cached(name: str) -> Path | None:
    """The binary of an earlier build of exactly this version."""
    binary = MODULES[name].shelf / name
    return binary if binary.exists() else None


def build(name: str) -> Path:
    """Build the binary, or take it from whoever built it while we waited."""
    module = MODULES[name]
    go = shutil.which("go") or _no_go(name)
    with cache.workshop(f"{name}-{module.version}") as folder:
        if found := cached(name):
            return found
        say(f"Building {name} {module.version} from Go modules ({module.takes}).")
        _compile(go, module, name, folder)
        return cache.publish(folder / name, module.shelf / name)


def _compile(go: str, module: GoModule, name: str, folder: Path) -> None:
    command = [go, "build", "-mod=readonly", "-trimpath", "-buildvcs=false"]
    command += ["-ldflags", module.link_flags(), "-o", str(folder / name)]
    ran = run(
        [*command, module.commands[name]],
        cwd=_HERE / module.folder,
        env={"CGO_ENABLED": "0", "GOWORK": "off"},
    )
    if ran.returncode:
        tail = "\n".join(ran.stderr.strip().splitlines()[-15:])
        raise DevstackError(
            f"Building {name} {module.version} with Go failed:\n{tail}",
            meaning=f"There is no {name}, so the local stack cannot start.",
            remedy="Check that a Go module proxy is within reach (`go env GOPROXY`), "
            "that the disk is not full, and that `go version` is as new as "
            f"devstack/{module.folder}/go.mod asks for.",
        )


def _no_go(name: str) -> str:
    needed = re.search(r"^go (\S+)", (_HERE / "etcd" / "go.mod").read_text(), re.MULTILINE)
    raise MissingError(
        f"{name} has to be built, and Go is not installed.",
        meaning="No ready-made binary was found or could be fetched.",
        remedy=f"Install Go {needed[1] if needed else ''} or newer (https://go.dev/doc/install)"
        + (
            ", or set KUBEBUILDER_ASSETS to a folder with kube-apiserver, etcd and kubectl."
            if not name.startswith("helm")
            else ", or install Helm (https://helm.sh/docs/intro/install)."
        ),
    )
