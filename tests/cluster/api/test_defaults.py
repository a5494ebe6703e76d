"""What the API server fills in, and what it refuses to change."""

import json
from typing import Any

import pytest
from mlrollout.api.spec import Spec

from devstack.control_plane import ControlPlane
from devstack.errors import DevstackError
from tests.support.sample import MINIMAL, REDIS, Sample

OTHER_HOLDBACK = "the holdback cannot change within a revision: change spec.revision with it"
OTHER_REDIS = "the Redis connection cannot change: delete the object and create another"


@pytest.fixture
def stored(control_plane: ControlPlane) -> dict[str, Any]:
    """The minimal object as it is after its creation."""
    return create(control_plane, MINIMAL)


def create(control_plane: ControlPlane, manifest: dict[str, Any]) -> dict[str, Any]:
    unnamed = json.dumps(manifest | {"metadata": {"generateName": "defaults-"}})
    made: dict[str, Any] = json.loads(control_plane.kubectl("create", "-f", "-", "-o", "json", input=unnamed))
    return made


def replace(control_plane: ControlPlane, stored: dict[str, Any], spec: dict[str, Any]) -> None:
    changed = json.dumps(stored | {"spec": stored["spec"] | spec})
    control_plane.kubectl("replace", "--dry-run=server", "-f", "-", input=changed)


def refusal(control_plane: ControlPlane, stored: dict[str, Any], traffic: dict[str, Any]) -> str:
    with pytest.raises(DevstackError) as refused:
        replace(control_plane, stored, {"traffic": traffic})
    return str(refused.value)


def test_a_minimal_spec_gets_the_models_defaults(stored: dict[str, Any]) -> None:
    ours = Spec.model_validate(MINIMAL["spec"])
    written = ours.model_dump(by_alias=True, exclude_none=True)

    assert Spec.model_validate(stored["spec"]) == ours
    assert set(stored["spec"]) == {field for field, value in written.items() if value != ()}
    # What a breach does is left to the kind, of which a schema's default knows nothing.
    assert set(stored["spec"]["guardrails"][0]) == set(written["guardrails"][0]) - {"action"}


def test_an_object_that_nobody_has_seen_is_not_taken_for_ready(stored: dict[str, Any]) -> None:
    (ready,) = stored["status"]["conditions"]

    assert stored["status"]["observedGeneration"] == -1
    assert (ready["type"], ready["status"], ready["reason"]) == ("Ready", "Unknown", "AwaitingOperator")


def test_the_key_stays(control_plane: ControlPlane, stored: dict[str, Any]) -> None:
    refused = refusal(control_plane, stored, {"key": "another"})

    assert "spec.traffic: Invalid value" in refused
    assert "the key cannot change: delete the object and create another for the new key" in refused


def test_a_redis_is_not_added_later(control_plane: ControlPlane, stored: dict[str, Any]) -> None:
    assert OTHER_REDIS in refusal(control_plane, stored, stored["spec"]["traffic"] | {"redis": REDIS})


@pytest.mark.parametrize("secret", [None, {"name": "another", "key": "url"}, {"name": "redis", "key": "another"}])
def test_a_redis_is_neither_left_nor_changed(control_plane: ControlPlane, secret: dict[str, str] | None) -> None:
    stored = create(control_plane, Sample("spec.traffic.redis", REDIS).object)
    traffic = {"key": stored["spec"]["traffic"]["key"]} | ({"redis": {"secretRef": secret}} if secret else {})

    assert OTHER_REDIS in refusal(control_plane, stored, traffic)


@pytest.mark.parametrize(("before", "after"), [(None, 5), (5, None), (5, 0), (5, 10), (10, 5)])
def test_the_holdback_changes_with_the_revision_alone(
    control_plane: ControlPlane, before: int | None, after: int | None
) -> None:
    traffic = MINIMAL["spec"]["traffic"]
    first, then = (traffic if one is None else traffic | {"holdback": one} for one in (before, after))
    stored = create(control_plane, MINIMAL | {"spec": MINIMAL["spec"] | {"traffic": first}})

    assert OTHER_HOLDBACK in refusal(control_plane, stored, then)
    replace(control_plane, stored, {"traffic": then, "revision": "ranker-2"})


def test_a_holdback_of_nobody_is_none(control_plane: ControlPlane, stored: dict[str, Any]) -> None:
    replace(control_plane, stored, {"traffic": stored["spec"]["traffic"] | {"holdback": 0}})


def test_everything_else_may_change(control_plane: ControlPlane, stored: dict[str, Any]) -> None:
    traffic = stored["spec"]["traffic"] | {"lease": "1m"}
    changed = {
        "revision": "ranker-2",
        "paused": True,
        "prometheus": {"address": "http://elsewhere"},
        "traffic": traffic,
    }

    replace(control_plane, stored, changed)


@pytest.mark.parametrize("how", [(), ("--server-side",)], ids=["client-side", "server-side"])
def test_a_users_stages_take_the_place_of_the_default_ones_and_go_again(
    control_plane: ControlPlane, how: tuple[str, ...]
) -> None:
    manifest = MINIMAL | {"metadata": {"name": f"staged{'-'.join(how)}", "namespace": "default"}}
    half_and_full = [
        {"name": "half", "percentage": 50, "duration": "1h"},
        {"name": "full", "percentage": 100, "duration": "1d"},
    ]
    stages = []

    for spec in ({}, {"stages": half_and_full}, {"stages": half_and_full[1:]}, {}):
        control_plane.kubectl("apply", *how, "-f", "-", input=json.dumps(manifest | {"spec": MINIMAL["spec"] | spec}))
        found = control_plane.get("mlr", manifest["metadata"]["name"])
        stages.append([stage["name"] for stage in found["spec"]["stages"]])

    default = ["pilot", "expansion", "full"]
    assert stages == [default, ["half", "full"], ["full"], default]


@pytest.mark.parametrize("how", [(), ("--server-side",)], ids=["client-side", "server-side"])
def test_a_manifest_that_is_applied_again_asks_for_nothing(control_plane: ControlPlane, how: tuple[str, ...]) -> None:
    """Client-side, kubectl says `configured` all the same: lists that were filled in look different to it."""
    name = f"again{'-'.join(how)}"
    manifest = json.dumps(MINIMAL | {"metadata": {"name": name, "namespace": "default"}})
    found = []

    for _ in range(3):
        control_plane.kubectl("apply", *how, "-f", "-", input=manifest)
        found.append(control_plane.get("mlr", name))

    assert [one["metadata"]["generation"] for one in found] == [1, 1, 1]
    assert found[0]["spec"] == found[2]["spec"]
    # The second time it is written who has set what; from then on, nothing.
    assert found[1] == found[2]
