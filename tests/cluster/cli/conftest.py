import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from devstack.control_plane import ControlPlane
from tests.support import dispatch
from tests.support.command_line import CommandLine
from tests.support.places import Place


def named(state: str) -> str:
    """What the object in a state is called."""
    return "".join(one if one.isalnum() else "-" for one in state.lower()).replace("--", "-")


@pytest.fixture(scope="module")
def states(control_plane: ControlPlane) -> Place:
    """A namespace with an object in every state, each under a key of its own."""
    place = Place(control_plane)
    for number, (state, found) in enumerate(dispatch.rollouts().items()):
        spec = found["spec"] | {"traffic": found["spec"]["traffic"] | {"key": f"{place.namespace}-{number}"}}
        held = {"finalizers": ["example.com/test"]} if state == "being deleted" else {}
        metadata = {"name": named(state), "namespace": place.namespace, "labels": {"number": str(number)}, **held}
        place.apply({**found, "metadata": metadata, "spec": spec, "status": {}})
        if state != "not seen yet":
            patch = json.dumps({"status": found["status"]})
            place.kubectl("patch", "mlr", named(state), "--subresource=status", "--type=merge", "-p", patch)
    place.kubectl("delete", "mlr", named("being deleted"), "--wait=false")
    return place


@pytest.fixture
def mlrollout(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, control_plane: ControlPlane
) -> CommandLine:
    """As the administrator."""
    command_line = CommandLine(monkeypatch, capsys, tmp_path)
    command_line.setenv("KUBECONFIG", control_plane.kubeconfig)
    return command_line


READER: list[Mapping[str, list[str]]] = [
    {"apiGroups": ["mlrollout.dev"], "resources": ["mlrollouts"], "verbs": ["get", "list", "watch"]}
]
"""The rights of somebody who looks."""
