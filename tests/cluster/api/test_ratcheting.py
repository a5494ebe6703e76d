"""A CRD grows stricter over time, and objects from before must not be locked by it."""

import copy
import json
from typing import Any

import pytest
from mlrollout.api.crd import crd

from devstack.control_plane import ControlPlane
from devstack.errors import DevstackError
from devstack.processes import wait_until
from tests.support.sample import Sample

GROUP = "before.example"
NAMES = {"kind": "Relic", "listKind": "RelicList", "plural": "relics", "singular": "relic", "shortNames": ["before"]}
FALLING = [{"name": "a", "percentage": 30, "duration": "1h"}, {"name": "b", "percentage": 10, "duration": "1h"}]
OBJECT = Sample("spec.stages", FALLING).object | {"apiVersion": f"{GROUP}/v1alpha1", "kind": NAMES["kind"]}
APPLY = ("apply", "-f", "-")
REFUSAL = "each percentage must be greater than the one before"


def of_our_own_group(*, strict: bool) -> str:
    """The CRD under other names, so that no other test sees it change, and no kubectl takes it for ours."""
    manifest = copy.deepcopy(crd())
    manifest["metadata"]["name"] = f"relics.{GROUP}"
    manifest["spec"]["group"] = GROUP
    manifest["spec"]["names"] |= NAMES
    if not strict:
        schema: dict[str, Any] = manifest["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
        del schema["properties"]["spec"]["properties"]["stages"]["x-kubernetes-validations"]
    return json.dumps(manifest)


def refusal(control_plane: ControlPlane, *command: str, manifest: dict[str, Any] | None = None) -> str:
    try:
        control_plane.kubectl(*command, input=json.dumps(manifest) if manifest else None)
    except DevstackError as error:
        return str(error)
    return ""


@pytest.fixture
def grown_stricter(control_plane: ControlPlane) -> str:
    """Name of an object that breaks a rule which came after it."""
    control_plane.apply(of_our_own_group(strict=False))
    wait_until(lambda: not refusal(control_plane, *APPLY, manifest=OBJECT), within=30, what="an object from before")
    control_plane.apply(of_our_own_group(strict=True))
    another = OBJECT | {"metadata": {"name": "another"}}
    wait_until(
        lambda: REFUSAL in refusal(control_plane, *APPLY, "--dry-run=server", manifest=another),
        within=30,
        what="the new rule to be known",
    )
    return f"relics.{GROUP}/{OBJECT['metadata']['name']}"


def test_an_object_from_before_can_be_changed_elsewhere(control_plane: ControlPlane, grown_stricter: str) -> None:
    changed = {"spec": {"revision": "ranker-2"}}

    assert not refusal(control_plane, "patch", grown_stricter, "--type=merge", "-p", json.dumps(changed))
    assert control_plane.get(grown_stricter)["spec"]["revision"] == "ranker-2"


def test_what_is_changed_must_follow_the_new_rule(control_plane: ControlPlane, grown_stricter: str) -> None:
    changed = {"spec": {"stages": [*FALLING, {"name": "c", "percentage": 5, "duration": "1h"}]}}

    assert REFUSAL in refusal(control_plane, "patch", grown_stricter, "--type=merge", "-p", json.dumps(changed))
