"""`up` leaves a working stack behind, and `down` leaves nothing."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack import binaries, web
from devstack.detached import Detacher, born
from devstack.environment import given
from devstack.stack import Given


def devstack(directory: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    variables = ("KUBECONFIG", "REDIS_URL", "PROMETHEUS_URL", "MLROLLOUT_LOCAL", "CLUSTER")
    clean = {name: value for name, value in os.environ.items() if name not in variables}
    return subprocess.run(
        [sys.executable, "-m", "devstack", "--directory", str(directory), *arguments],
        env={**clean, **environment},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def in_shell(directory: Path, script: str) -> str:
    source = f". {shlex.quote(str(directory / 'env'))}; {script}"
    return subprocess.run(["/bin/sh", "-ec", source], capture_output=True, text=True, check=True).stdout


def pids(directory: Path) -> dict[str, int]:
    return {child.name: child.pid for child in Detacher(directory / "run").known()}


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    local = tmp_path / "some where"
    yield local
    assert devstack(local, "down").returncode == 0


def test_up_and_down_and_up_again(directory: Path) -> None:
    started = devstack(directory, "up", "--no-operator")
    assert started.returncode == 0, started.stderr
    assert "source " in started.stdout
    assert in_shell(directory, "kubectl get --raw /readyz; redis-cli -u $REDIS_URL ping") == "okPONG\n"
    first = pids(directory)
    assert set(first) == {"etcd", "kube-apiserver", "redis", "prometheus"}

    again = devstack(directory, "up", "--no-operator")
    assert "running already" in again.stderr
    assert pids(directory) == first

    os.kill(first["redis"], 9)
    assert devstack(directory, "status").returncode == 3
    mended = devstack(directory, "up", "--no-operator")
    assert mended.returncode == 0, mended.stderr
    assert {name for name, pid in pids(directory).items() if first[name] != pid} == {"redis"}
    assert in_shell(directory, "redis-cli -u $REDIS_URL ping") == "PONG\n"
    assert devstack(directory, "status").returncode == 0
    other = devstack(directory, "up", "--no-operator", REDIS_URL="redis://elsewhere")
    assert (other.returncode, "down" in other.stderr) == (1, True)

    running = pids(directory)
    assert devstack(directory, "down").returncode == 0
    assert not any(map(born, running.values()))
    assert not (directory / "env").exists()
    assert "Nothing was running" in devstack(directory, "down").stderr


def test_the_operator_comes_up_and_down_with_the_rest(directory: Path) -> None:
    started = devstack(directory, "up")
    assert started.returncode == 0, started.stderr
    assert web.get(in_shell(directory, "echo $OPERATOR_URL").strip() + "/readyz") is not None
    assert "mlrollouts" in in_shell(directory, "kubectl api-resources --api-group=mlrollout.dev")
    operator = pids(directory)["operator"]

    assert devstack(directory, "down").returncode == 0

    assert born(operator) is None


def test_a_failing_part_shows_its_log_and_takes_the_others_with_it(directory: Path, tmp_path: Path) -> None:
    assets = tmp_path / "assets"
    assets.mkdir()
    for name in ("etcd", "kubectl"):
        (assets / name).symlink_to(binaries.path(name))
    witness = f"cat '{directory}/run/etcd.json'; echo; echo the disk is on fire; exit 7"
    (assets / "kube-apiserver").write_text(f"#!/bin/sh\n{witness}\n")
    (assets / "kube-apiserver").chmod(0o755)

    failed = devstack(directory, "up", "--no-operator", KUBEBUILDER_ASSETS=str(assets))

    assert failed.returncode == 1
    assert "ended with exit code 7" in failed.stderr
    assert "the disk is on fire" in failed.stderr
    [log] = directory.glob("**/kube-apiserver.log")
    assert born(json.loads(log.read_text().splitlines()[0])["pid"]) is None
    assert pids(directory) == {}


def test_what_is_given_is_used_and_left_alone(directory: Path) -> None:
    kubeconfig = directory.parent / "elsewhere"
    user = {"KUBECONFIG": "/their/kubeconfig", "REDIS_URL": "redis://theirs", "PATH": "/bin"}
    ours = shlex.join([str(kubeconfig), "redis://ours"])

    assert given(user) == Given(kubeconfig="/their/kubeconfig", redis_url="redis://theirs")
    assert given({"KUBECONFIG": str(kubeconfig), "REDIS_URL": "redis://ours", "MLROLLOUT_LOCAL": ours}) == Given()


def test_kind_says_exactly_what_is_missing(directory: Path) -> None:
    refused = devstack(directory, "up", CLUSTER="kind", PATH="/nowhere")

    assert refused.returncode == 2
    assert "`docker`" in refused.stderr
    assert "`kind`" in refused.stderr
    assert pids(directory) == {}


def test_a_pid_that_passed_to_a_stranger_is_not_ours(tmp_path: Path) -> None:
    entry = {"pid": os.getpid(), "born": "at another time", "log": str(tmp_path / "log")}
    (tmp_path / "redis.json").write_text(json.dumps(entry))

    [child] = Detacher(tmp_path).known()

    assert not child.alive
