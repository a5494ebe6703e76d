"""What `helm --wait` makes of an application's chart that holds a rollout, which may last for weeks."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from devstack import binaries
from devstack.commands import run
from tests.whole.house import LONG, STAGES, House


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    """An application's chart with one rollout, whose stages are a value."""
    (tmp_path / "templates").mkdir()
    (tmp_path / "Chart.yaml").write_text("{apiVersion: v2, name: dispatch, version: 1.0.0}\n")
    (tmp_path / "templates" / "rollout.yaml").write_text(
        "apiVersion: mlrollout.dev/v1alpha1\n"
        "kind: MLRollout\n"
        "metadata: {name: ml-dispatch}\n"
        "spec: {{ toJson .Values.spec }}\n"
    )
    return tmp_path


def install(house: House, program: str, chart: Path, stages: Sequence[object], *options: str) -> tuple[int, str]:
    command: list[str | Path] = [
        binaries.path(program),
        "install",
        "dispatch",
        chart,
        f"--namespace={house.name}",
        "--values=-",
        *options,
    ]
    values = json.dumps({"spec": house.spec(stages=stages)})
    ran = run([*command, f"--kubeconfig={house.stack.cluster.kubeconfig}"], text=values)
    return ran.returncode, ran.stdout + ran.stderr


def test_helm_4_waits_for_the_end_of_a_rollout_that_ends_in_time(house: House, chart: Path) -> None:
    code, said = install(house, "helm4", chart, STAGES, "--wait", "--timeout=120s")

    assert code == 0, said
    assert house.percentage == "100"
    assert house.condition("Ready")["status"] == "True"


def test_helm_4_gives_up_on_a_rollout_that_lasts_longer(house: House, chart: Path) -> None:
    code, said = install(house, "helm4", chart, LONG, "--wait", "--timeout=10s")

    assert code != 0
    assert "MLRollout" in said


async def test_helm_4_fails_with_the_rollback_and_not_with_the_time(house: House, chart: Path) -> None:
    waiting = asyncio.create_task(asyncio.to_thread(install, house, "helm4", chart, LONG, "--wait", "--timeout=10m"))
    await asyncio.to_thread(house.until_percentage, 10)
    house.errors(0.2)

    async with asyncio.timeout(120):
        code, said = await waiting

    assert code != 0
    assert "MLRollout" in said
    assert house.percentage == "0"


@pytest.mark.parametrize(("program", "option"), [("helm4", "--wait=legacy"), ("helm", "--wait")])
def test_told_to_look_at_kubernetes_own_kinds_helm_takes_a_rollout_for_well(
    house: House, chart: Path, program: str, option: str
) -> None:
    code, said = install(house, program, chart, LONG, option, "--timeout=60s")

    assert code == 0, said
    house.until_percentage(10)
    assert house.condition("Ready")["status"] == "False"
