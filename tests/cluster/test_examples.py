"""The examples are what the API server accepts as they stand."""

import pytest
from mlrollout.cli.authoring.template import written

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
