"""The examples are what the API server accepts as they stand."""

import subprocess
from pathlib import Path

import pytest
import yaml
from mlrollout.cli.authoring.template import written

from devstack import binaries
from devstack.chart import REPOSITORY
from devstack.control_plane import ControlPlane

EXAMPLES = sorted((REPOSITORY / "examples").glob("*/rollout*.yaml"))


def test_there_are_examples() -> None:
    assert EXAMPLES


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_an_example_is_accepted(control_plane: ControlPlane, file: str) -> None:
    control_plane.apply('{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"dispatch"}}')

    told = control_plane.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", str(file))

    assert told == "mlrollout.mlrollout.dev/ml-dispatch created (server dry run)\n"


def test_a_template_is_accepted(control_plane: ControlPlane) -> None:
    made = written("ml_dispatch", "", "default", "ranker-1")

    told = control_plane.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", "-", input=made)

    assert told == "mlrollout.mlrollout.dev/ml-dispatch created (server dry run)\n"


KIND = REPOSITORY / "examples" / "kind" / "parts.yaml"


def test_the_parts_for_kind_are_accepted(control_plane: ControlPlane) -> None:
    control_plane.apply('{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"dispatch"}}')

    told = control_plane.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", str(KIND))

    assert all(line.endswith("(server dry run)") for line in told.splitlines())
    assert len(told.splitlines()) == len(list(yaml.safe_load_all(KIND.read_text())))


def test_the_prometheus_for_kind_can_read_its_configuration(tmp_path: Path) -> None:
    (config,) = [part for part in yaml.safe_load_all(KIND.read_text()) if part["kind"] == "ConfigMap"]
    file = tmp_path / "prometheus.yml"
    file.write_text(config["data"]["prometheus.yml"])

    subprocess.run([binaries.path("promtool"), "check", "config", file], check=True, capture_output=True)
