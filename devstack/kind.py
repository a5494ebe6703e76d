"""A kind cluster in place of our own control plane, for who has a container engine."""

import shutil
from pathlib import Path
from subprocess import TimeoutExpired

from .commands import run
from .console import say
from .errors import DevstackError, MissingError

NAME = "mlrollout"
_HOMES = {"kubectl": "https://kubernetes.io/docs/tasks/tools", "helm": "https://helm.sh/docs/intro/install"}


def create(directory: Path) -> str:
    """Make the cluster, or use the one of that name; its kubeconfig file."""
    check("leave CLUSTER=kind out: the own control plane needs neither.")
    kubeconfig = str(directory / "kubeconfig-kind")
    if exists():
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


def exists() -> bool:
    """Whether there is a cluster of that name."""
    return NAME in _kind("get", "clusters").split()


def check(instead: str, *commands: str) -> None:
    """Complain about exactly what is missing.

    Args:
        instead: What can be done on a machine that has none of it.
        commands: Programs that are needed besides.
    """
    missing = [f"the command `{command}` ({_HOMES[command]})" for command in commands if not shutil.which(command)]
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
            remedy=f"Install it, or {instead}",
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
