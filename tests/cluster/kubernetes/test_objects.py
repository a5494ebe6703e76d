"""Reading and writing objects, as the administrator and with the operator's rights."""

import json
from typing import Any

import pytest
from mlrollout.adapters.kubernetes import Client, KubernetesObjects
from mlrollout.api import GROUP
from mlrollout.ports import ConflictError, GoneError, ObjectsError

from devstack.control_plane import ControlPlane
from tests.support.clocks import SystemClock
from tests.support.places import Place

FINALIZER = "mlrollout.dev/traffic"


@pytest.fixture
def objects(client: Client) -> KubernetesObjects:
    return KubernetesObjects(client, SystemClock(), "operator-1")


def version(stored: Any) -> str:
    return str(stored["metadata"]["resourceVersion"])


async def test_an_object_is_read_as_it_stands_now(objects: KubernetesObjects, admin: Client, place: Place) -> None:
    made = await place.create(admin)

    found = await objects.get(place.ref())

    assert found["metadata"]["uid"] == made["metadata"]["uid"]
    assert found["spec"] == made["spec"]
    assert found["status"]["observedGeneration"] == -1


async def test_a_list_of_many_pages_is_read_to_its_end(
    admin: Client, control_plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlrollout.adapters.kubernetes.objects.PAGE", 2)
    made = [await Place(control_plane).create(admin) for _ in range(5)]

    found = await KubernetesObjects(admin, SystemClock(), "operator-1").read_all()

    uids = [one["metadata"]["uid"] for one in found]
    assert len(uids) == len(set(uids))
    assert {one["metadata"]["uid"] for one in made} <= set(uids)


async def test_of_a_list_nothing_is_kept_that_nobody_reads(client: Client, admin: Client, place: Place) -> None:
    made = await place.create(admin)
    objects = KubernetesObjects(client, SystemClock(), "operator-1", place.namespace)
    annotations = {"team": "x" * 100_000, f"{GROUP}/pause": "wait"}
    await objects.change_annotations(place.ref(), made["metadata"]["resourceVersion"], annotations)

    (found,) = await objects.read_all()

    assert found["metadata"]["annotations"] == {f"{GROUP}/pause": "wait"}
    assert found["spec"] == made["spec"]
    assert len(json.dumps(found)) < 10_000


async def test_the_objects_of_all_namespaces_are_read(admin: Client, control_plane: ControlPlane) -> None:
    made = [await Place(control_plane).create(admin) for _ in range(2)]

    found = await KubernetesObjects(admin, SystemClock(), "operator-1").read_all()

    await KubernetesObjects(admin, SystemClock(), "operator-1").probe()
    uids = [one["metadata"]["uid"] for one in found]
    assert all(uids.count(one["metadata"]["uid"]) == 1 for one in made)


async def test_the_objects_of_one_namespace_are_read_with_rights_in_it_alone(
    client: Client, admin: Client, place: Place, control_plane: ControlPlane
) -> None:
    await Place(control_plane).create(admin)
    made = await place.create(admin)
    objects = KubernetesObjects(client, SystemClock(), "operator-1", place.namespace)

    await objects.probe()
    (found,) = await objects.read_all()

    assert found["metadata"]["uid"] == made["metadata"]["uid"]


async def test_saving_replaces_the_whole_status(objects: KubernetesObjects, admin: Client, place: Place) -> None:
    made = await place.create(admin)
    record = {"attempt": 1, "latched": False, "sequence": 1, "percentage": 10, "revision": "a", "stage": "pilot"}
    before = {"observedGeneration": 1, "percentage": 10, "stage": "pilot", "record": record}
    after = {"observedGeneration": 1, "percentage": 0, "record": {**record, "latched": True, "percentage": 0}}
    del after["record"]["stage"]  # type: ignore[attr-defined]  # it is a mapping

    saved = await objects.save_status(place.ref(), version(made), before)
    assert saved["status"] == before
    saved = await objects.save_status(place.ref(), version(saved), after)

    assert saved["status"] == after
    assert saved == await objects.get(place.ref())
    assert saved["spec"] == made["spec"]
    assert saved["metadata"]["generation"] == made["metadata"]["generation"]


async def test_a_status_based_on_an_older_object_is_not_saved(
    objects: KubernetesObjects, admin: Client, place: Place
) -> None:
    made = await place.create(admin)
    saved = await objects.save_status(place.ref(), version(made), {"percentage": 10})

    with pytest.raises(ConflictError, match=f"save the status of {place.ref()}"):
        await objects.save_status(place.ref(), version(made), {"percentage": 30})

    assert await objects.get(place.ref()) == saved


async def test_a_status_is_not_saved_to_a_namesake(objects: KubernetesObjects, admin: Client, place: Place) -> None:
    made = await place.create(admin)
    place.kubectl("delete", "mlrollout", "ml-dispatch")
    await place.create(admin)

    with pytest.raises(ConflictError):
        await objects.save_status(place.ref(), version(made), {"percentage": 10})


async def test_a_status_that_the_schema_refuses_is_no_conflict(
    objects: KubernetesObjects, admin: Client, place: Place
) -> None:
    made = await place.create(admin)

    with pytest.raises(ObjectsError, match=r"answered 422, .*status\.percentage.*CRD") as told:
        await objects.save_status(place.ref(), version(made), {"percentage": 500})

    assert not isinstance(told.value, ConflictError | GoneError)


async def test_what_is_gone_is_told_as_gone(objects: KubernetesObjects, place: Place) -> None:
    ref = place.ref("nobody")

    with pytest.raises(GoneError, match=r'"nobody" not found\.$'):
        await objects.get(ref)
    with pytest.raises(GoneError):
        await objects.save_status(ref, "1", {"percentage": 10})
    with pytest.raises(GoneError):
        await objects.set_finalizer(ref, "1", (FINALIZER,))
    with pytest.raises(GoneError):
        await objects.change_annotations(ref, "1", {"mlrollout.dev/promote": None})


async def test_finalizers_are_set_and_taken_away(objects: KubernetesObjects, admin: Client, place: Place) -> None:
    made = await place.create(admin)

    held = await objects.set_finalizer(place.ref(), version(made), (FINALIZER,))
    assert held["metadata"]["finalizers"] == [FINALIZER]

    free = await objects.set_finalizer(place.ref(), version(held), ())
    assert "finalizers" not in free["metadata"]
    assert free["spec"] == made["spec"]


async def test_finalizers_of_others_stay_when_the_object_has_changed(
    objects: KubernetesObjects, admin: Client, place: Place
) -> None:
    made = await place.create(admin)
    place.kubectl("patch", "mlrollout", "ml-dispatch", "--type=merge", "-p", '{"metadata":{"finalizers":["x.y/z"]}}')

    with pytest.raises(ConflictError):
        await objects.set_finalizer(place.ref(), version(made), (FINALIZER,))

    assert (await objects.get(place.ref()))["metadata"]["finalizers"] == ["x.y/z"]


async def test_the_last_finalizer_lets_a_deleted_object_go(
    objects: KubernetesObjects, admin: Client, place: Place
) -> None:
    made = await place.create(admin, finalizers=[FINALIZER])
    place.kubectl("delete", "mlrollout", "ml-dispatch", "--wait=false")
    deleted = await objects.get(place.ref())
    assert deleted["metadata"]["deletionTimestamp"]

    last = await objects.set_finalizer(place.ref(), version(deleted), ())

    assert last["metadata"]["uid"] == made["metadata"]["uid"]
    with pytest.raises(GoneError):
        await objects.get(place.ref())


async def test_annotations_come_and_go_in_one_write_and_the_others_stay(
    objects: KubernetesObjects, admin: Client, place: Place
) -> None:
    made = await place.create(
        admin, annotations={"mlrollout.dev/promote": "pilot", "mlrollout.dev/promoted": "x", "team": "y"}
    )

    left = await objects.change_annotations(
        place.ref(), version(made), {"mlrollout.dev/promote": None, "new": "z", "no": None}
    )

    assert left["metadata"]["annotations"] == {"mlrollout.dev/promoted": "x", "team": "y", "new": "z"}
    assert left == await objects.get(place.ref())


@pytest.mark.parametrize("before", ["of an object that changed since", "of a namesake"])
async def test_annotations_stay_as_they_are_where_the_object_is_another_by_now(
    objects: KubernetesObjects, admin: Client, place: Place, before: str
) -> None:
    made = await place.create(admin, annotations={"mlrollout.dev/promote": "pilot"})
    if before == "of a namesake":
        place.kubectl("delete", "mlrollout", "ml-dispatch")
        await place.create(admin, annotations={"mlrollout.dev/promote": "pilot"})
    else:
        place.kubectl("annotate", "mlrollout", "ml-dispatch", "team=y")
    stands = await objects.get(place.ref())

    with pytest.raises(ConflictError):
        await objects.change_annotations(place.ref(), version(made), {"mlrollout.dev/promote": None})

    assert await objects.get(place.ref()) == stands


async def test_a_writer_without_the_right_is_told_which_one(place: Place, admin: Client, connecting: Any) -> None:
    reading = [{"apiGroups": ["mlrollout.dev"], "resources": ["mlrollouts"], "verbs": ["get"]}]
    reader = KubernetesObjects(await connecting(place.account("reader", reading)), SystemClock(), "operator-1")
    made = await place.create(admin, annotations={"mlrollout.dev/promote": "pilot"})

    with pytest.raises(ObjectsError, match=r'403, mlrollouts.*cannot patch resource "mlrollouts/status".*roles hold'):
        await reader.save_status(place.ref(), version(made), {"percentage": 10})
    with pytest.raises(ObjectsError, match="403"):
        await reader.change_annotations(place.ref(), version(made), {"mlrollout.dev/promote": None})
    assert await reader.get(place.ref()) == made
