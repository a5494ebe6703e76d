"""A kind cluster in place of our own control plane, for who has a container engine."""

import shutil
from pathlib import Path
from subprocess import TimeoutExpired

from .commands import run
from .console import say
from .errors import DevstackError, MissingError

NAME = "mlrollout"


def create(directory: Path) -> str:
    """Make the cluster, or use the one of that name; its kubeconfig file."""
    check()
    kubeconfig = str(directory / "kubeconfig-kind")
    if NAME in _kind("get", "clusters").split():
        say(f"Using the kind cluster {NAME} that is there already.")
        _kind("export", "kubeconfig", "--name", NAME, "--kubeconfig", kubeconfig)
    else:
        say(f"Creating the kind cluster {NAME} (one to three minutes).")
        _mark(directory).touch()
        _kind(
            *("create", "cluster", "--name", NAME),
            *("--kubeconfig", kubeconfig, "--wait", "180s"),
        )
    return kubeconfig


def delete(directory: Path) -> bool:
    """Delete the cluster if `create` made it; whether it did."""
    if not _mark(directory).exists():
        return False
    say(f"Deleting the kind cluster {NAME}.")
    _kind("delete", "cluster", "--name", NAME)
    _mark(directory).unlink()
    return True


def check() -> None:
    """Complain about exactly what is missing."""
    missing = []
    if not shutil.which("docker"):
        missing.append("the command `docker` (https://docs.docker.com/get-docker/)")
    elif not _engine_runs():
        missing.append("a running Docker engine (`docker info` fails: start it)")
    if not shutil.which("kind"):
        missing.append("the command `kind` (https://kind.sigs.k8s.io)")
    if missing:
        raise MissingError(
            f"A kind cluster needs what is not here: {'; '.join(missing)}.",
            meaning="Nothing was started.",
            remedy="Install it, or leave CLUSTER=kind out: the own control plane needs neither.",
        )


def _mark(directory: Path) -> Path:
    return directory / "kind-cluster-is-ours"


def _engine_runs() -> bool:
    try:
        return run(["docker", "info"], timeout=20).returncode == 0
    except TimeoutExpired:
        return False


def _kind(*arguments: str) -> str:
    ran = run(["kind", *arguments])
    if ran.returncode:
        raise DevstackError(f"kind {' '.join(arguments[:2])} failed: {ran.stderr.strip()}")
    return ran.stdout
