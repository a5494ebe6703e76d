"""The API server in memory, held against the real one: the same is done to both, and both have to answer the same."""

import json
import random
import time
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, Protocol

import pytest
from mlrollout.adapters.kubernetes import Client, KubernetesObjects
from mlrollout.adapters.kubernetes.objects import OBJECT
from mlrollout.api import GROUP
from mlrollout.api.crd import UNSEEN
from mlrollout.domain.annotations import REMOVED, removed, requests
from mlrollout.ports import ConflictError, GoneError, Object, ObjectsError, Ref

from tests.support.api_server import ApiServer
from tests.support.clocks import SystemClock
from tests.support.managed_fields import KUBECTL, owners
from tests.support.places import Place
from tests.support.sample import MINIMAL

ANSWERS: tuple[type[ObjectsError], ...] = (GoneError, ConflictError, ObjectsError)
HISTORIES = 10
STEPS = 40
ALL = "/apis/mlrollout.dev/v1alpha1/namespaces/{}/mlrollouts"
APPLIER = "applier"
REVISIONS = ("one", "two", "three")
FINALIZERS = ((), ("mlrollout.dev/traffic",), ("example.org/other",), ("mlrollout.dev/traffic", "example.org/other"))
STATUSES = (
    {"observedGeneration": 1, "percentage": 10, "stage": "pilot"},
    {"observedGeneration": 2, "percentage": 0},
    {"observedGeneration": 2, "percentage": 0, "stage": "full"},
)
ASKED: tuple[Mapping[str, str | None], ...] = (
    {f"{GROUP}/rollback": "errors > 5 % & <latency>"},
    {f"{GROUP}/rollback": "worse", f"{GROUP}/retry": "once more"},
    {f"{GROUP}/rollback": None, "team": "recommendations"},
)
ANSWERED: tuple[Mapping[str, str | None], ...] = (
    {f"{GROUP}/rollback": None, REMOVED: "one@1"},
    {f"{GROUP}/retry": None, f"{GROUP}/rollback": None, REMOVED: "one@1 two@2"},
    {REMOVED: "two@2"},
)
MANIFESTS: tuple[Mapping[str, str], ...] = (
    {"app": "dispatch"},
    {"app": "dispatch", f"{GROUP}/retry": "once more"},
    {f"{GROUP}/rollback": "worse"},
)
PEOPLE: dict[str, Sequence[Any]] = {
    "apply": REVISIONS,
    "annotate": ASKED,
    "apply_annotations": MANIFESTS,
    "edit_status": STATUSES,
    "edit_finalizers": FINALIZERS,
    "delete": (None,),
}
OPERATOR: dict[str, Sequence[Any]] = {
    "save_status": STATUSES,
    "set_finalizer": FINALIZERS,
    "change_annotations": ANSWERED,
}

Step = tuple[str, Any, int | None]
"""A method, its argument, and for what the operator does how many versions ago it has last read the object."""

FIRST: Step = ("edit_status", STATUSES[0], None)
"""What is done to a new object: its default status is kept nowhere until then, and any write would make a version."""


class Api(Protocol):
    """Either API server, about one object. What the operator does is done on a version."""

    async def get(self) -> Object: ...

    async def apply(self, revision: str) -> None: ...

    async def annotate(self, annotations: Mapping[str, str | None]) -> None: ...

    async def apply_annotations(self, annotations: Mapping[str, str]) -> None: ...

    async def edit_status(self, status: Mapping[str, Any]) -> None: ...

    async def edit_finalizers(self, finalizers: tuple[str, ...]) -> None: ...

    async def delete(self) -> None: ...

    async def save_status(self, version: str, status: Mapping[str, Any]) -> Object: ...

    async def set_finalizer(self, version: str, finalizers: tuple[str, ...]) -> Object: ...

    async def change_annotations(self, version: str, annotations: Mapping[str, str | None]) -> Object: ...

    def watched(self) -> list[tuple[str, Object]]: ...


class Real:
    """The operator's part by its adapter, the people's as their tools put it."""

    def __init__(self, admin: Client, place: Place) -> None:
        self._admin = admin
        self._objects = KubernetesObjects(admin, SystemClock(), "operator-1")
        self._place = place
        self._ref = place.ref()
        self._begin = json.loads(place.kubectl("get", "--raw", ALL.format(place.namespace)))["metadata"]

    async def get(self) -> Object:
        return await self._objects.get(self._ref)

    async def apply(self, revision: str) -> None:
        try:
            await self._people("", {"spec": {"revision": revision}})
        except GoneError:
            manifest = MINIMAL | {
                "metadata": {"name": self._ref.name},
                "spec": MINIMAL["spec"] | {"revision": revision},
            }
            await self._admin.ask("create it", "POST", ALL.format(self._place.namespace), manifest)

    async def annotate(self, annotations: Mapping[str, str | None]) -> None:
        await self._people("", {"metadata": {"annotations": annotations}})

    async def apply_annotations(self, annotations: Mapping[str, str]) -> None:
        await self.get()  # an apply would create it
        metadata = {"name": self._ref.name, "namespace": self._ref.namespace, "annotations": annotations}
        manifest = json.dumps({"apiVersion": MINIMAL["apiVersion"], "kind": MINIMAL["kind"], "metadata": metadata})
        how = ("--server-side", "--force-conflicts", "--validate=false", f"--field-manager={APPLIER}")
        self._place.control_plane.kubectl("apply", *how, "-f", "-", input=manifest)

    async def edit_status(self, status: Mapping[str, Any]) -> None:
        await self._people("/status", [{"op": "add", "path": "/status", "value": status}])

    async def edit_finalizers(self, finalizers: tuple[str, ...]) -> None:
        await self._people("", [{"op": "add", "path": "/metadata/finalizers", "value": list(finalizers)}])

    async def delete(self) -> None:
        await self._ask("DELETE", OBJECT)

    async def save_status(self, version: str, status: Mapping[str, Any]) -> Object:
        return await self._objects.save_status(self._ref, version, status)

    async def set_finalizer(self, version: str, finalizers: tuple[str, ...]) -> Object:
        return await self._objects.set_finalizer(self._ref, version, finalizers)

    async def change_annotations(self, version: str, annotations: Mapping[str, str | None]) -> Object:
        return await self._objects.change_annotations(self._ref, version, annotations)

    def watched(self) -> list[tuple[str, Object]]:
        """Every event since the beginning."""
        path = f"{ALL.format(self._place.namespace)}?watch=1&timeoutSeconds=1"
        text = self._place.kubectl("get", "--raw", f"{path}&resourceVersion={self._begin['resourceVersion']}")
        events = [json.loads(line) for line in text.splitlines()]
        return [(event["type"], event["object"]) for event in events]

    async def _people(self, part: str, patch: Any) -> None:
        await self._ask("PATCH", f"{OBJECT}{part}?fieldManager={KUBECTL}", patch)

    async def _ask(self, method: str, path: str, body: Any = None) -> None:
        await self._admin.ask("do it", method, path, body, namespace=self._ref.namespace, name=self._ref.name)


class Double:
    """The API server in memory, used as the real one is."""

    def __init__(self, ref: Ref) -> None:
        self._server = ApiServer(time.time)
        self._ref = ref
        self._watched: list[tuple[str, Object]] = []
        self._server.watchers.append(lambda kind, found: self._watched.append((kind, found)))

    async def get(self) -> Object:
        return self._server.get(self._ref)

    async def apply(self, revision: str) -> None:
        self._server.apply(self._ref, MINIMAL["spec"] | {"revision": revision})

    async def annotate(self, annotations: Mapping[str, str | None]) -> None:
        self._server.annotate(self._ref, annotations)

    async def apply_annotations(self, annotations: Mapping[str, str]) -> None:
        self._server.apply_annotations(self._ref, annotations, APPLIER)

    async def edit_status(self, status: Mapping[str, Any]) -> None:
        self._server.edit_status(self._ref, status)

    async def edit_finalizers(self, finalizers: tuple[str, ...]) -> None:
        self._server.edit_finalizers(self._ref, finalizers)

    async def delete(self) -> None:
        self._server.delete(self._ref)

    async def save_status(self, version: str, status: Mapping[str, Any]) -> Object:
        return self._server.save_status(self._ref, version, status)

    async def set_finalizer(self, version: str, finalizers: tuple[str, ...]) -> Object:
        return self._server.set_finalizer(self._ref, version, finalizers)

    async def change_annotations(self, version: str, annotations: Mapping[str, str | None]) -> Object:
        return self._server.change_annotations(self._ref, version, annotations)

    def watched(self) -> list[tuple[str, Object]]:
        return self._watched


class Side:
    """One of the two, and what names it has for what: versions and uids are told by when they were first seen."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self._versions = ["1"]
        self._uids: list[str] = []

    async def do(self, step: Step) -> Any:
        """What comes of something that somebody does."""
        name, what, behind = step
        arguments = [] if what is None else [what]
        if behind is not None:
            arguments.insert(0, self._versions[max(0, len(self._versions) - 1 - behind)])
        return await self._outcome(getattr(self.api, name)(*arguments))

    async def stands(self) -> Any:
        return await self._outcome(self.api.get())

    async def is_new(self) -> bool:
        """Whether nothing has been written to it since it was made."""
        try:
            return bool((await self.api.get())["status"] == UNSEEN)
        except GoneError:
            return False

    async def _outcome(self, act: Awaitable[Object | None]) -> Any:
        try:
            found = await act
        except ObjectsError as error:
            return next(kind for kind in ANSWERS if isinstance(error, kind))
        return self.told(found) if found is not None else None

    def told(self, found: Object) -> dict[str, Any]:
        metadata = found["metadata"]
        return {
            "version": _number(self._versions, metadata["resourceVersion"]),
            "uid": _number(self._uids, metadata["uid"]),
            "generation": metadata["generation"],
            "revision": found["spec"]["revision"],
            "status": found["status"],
            "finalizers": metadata.get("finalizers", []),
            "goes": ("deletionTimestamp" in metadata, metadata.get("deletionGracePeriodSeconds")),
            "annotations": metadata.get("annotations", {}),
            "owners": owners(metadata),
            "requests": requests(metadata),
            "removed": removed(metadata),
        }


def _number(known: list[str], name: str) -> int:
    if name not in known:
        known.append(name)
    return known.index(name)


def step(chance: random.Random) -> Step:
    """Something that somebody may do."""
    name = chance.choice((*PEOPLE, *OPERATOR))
    behind = chance.choice((0, 0, 0, 1)) if name in OPERATOR else None
    return name, chance.choice((PEOPLE | OPERATOR)[name]), behind


@pytest.mark.parametrize("seed", range(HISTORIES))
async def test_the_api_server_in_memory_answers_as_the_real_one(admin: Client, place: Place, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - no secret
    real, double = Side(Real(admin, place)), Side(Double(place.ref()))
    done: list[Step] = []
    for _ in range(STEPS):
        done.append(FIRST if await real.is_new() else step(chance))
        assert await double.do(done[-1]) == await real.do(done[-1]), _lines(done)
        assert await double.stands() == await real.stands(), _lines(done)
    assert _watched(double) == _watched(real)


def _watched(side: Side) -> list[Any]:
    return [(kind, side.told(found)) for kind, found in side.api.watched()]


def _lines(done: list[Step]) -> str:
    return "\n".join(map(str, done))
