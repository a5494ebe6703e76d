"""The API server hangs, dies, comes back, or refuses; a call ends in time and says so."""

import asyncio
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from mlrollout.adapters.kubernetes import Client, KubernetesLease, KubernetesObjects, KubernetesSecrets
from mlrollout.ports import AbsentError, ConflictError, EventToPost, GoneError, Lease, ObjectsError, Ref

from devstack.cluster import write_kubeconfig
from tests.support.clocks import SystemClock
from tests.support.places import OPERATOR_RULES, Place

Call = Callable[[Client, Ref], Awaitable[object]]
LEASE = Lease("one", 8, 0, 0, 0, "1")
CALLS: dict[str, Call] = {
    "list": lambda client, _: objects(client).read_all(),
    "probe": lambda client, _: objects(client).probe(),
    "get": lambda client, ref: objects(client).get(ref),
    "save_status": lambda client, ref: objects(client).save_status(ref, "1", {"percentage": 10}),
    "set_finalizer": lambda client, ref: objects(client).set_finalizer(ref, "1", ("mlrollout.dev/traffic",)),
    "change_annotations": lambda client, ref: objects(client).change_annotations(
        ref, "1", {"mlrollout.dev/promote": None}
    ),
    "post once": lambda client, ref: objects(client).post_event(
        ref, "uid", EventToPost("RolledBack", "to 0 %", unique="1/3")
    ),
    "post again": lambda client, ref: objects(client).post_event(ref, "uid", EventToPost("EvidenceMissing", "no data")),
    "read a secret": lambda client, ref: KubernetesSecrets(client).read(ref.namespace, "redis", "url"),
    "read the lease": lambda client, ref: KubernetesLease(client, ref.namespace).read(),
    "create the lease": lambda client, ref: KubernetesLease(client, ref.namespace).create(LEASE),
    "replace the lease": lambda client, ref: KubernetesLease(client, ref.namespace).replace(LEASE),
}


def objects(client: Client) -> KubernetesObjects:
    return KubernetesObjects(client, SystemClock(), "operator-1")


async def failure(call: Awaitable[object]) -> str:
    """What the call's error says; it must be told as nothing but an error, and in time."""
    async with asyncio.timeout(30):
        with pytest.raises(ObjectsError) as told:
            await call
    assert not isinstance(told.value, ConflictError | GoneError | AbsentError)
    shown = "".join(traceback.format_exception(told.value))
    assert "During handling" not in shown
    assert "direct cause" not in shown
    return str(told.value)


# --- the real one --------------------------------------------------------------------------------


async def test_while_it_hangs_every_call_ends_and_afterwards_the_next_works(
    place: Place, admin: Client, connecting: Any
) -> None:
    made = await place.create(admin)
    used = await connecting(place.control_plane.kubeconfig, deadline=1)
    new = await connecting(place.control_plane.kubeconfig, deadline=1)
    await objects(used).get(place.ref())

    place.control_plane.pause()
    try:
        told = {await failure(call(used, place.ref())) for call in CALLS.values()}
        told.add(await failure(objects(new).get(place.ref())))
    finally:
        place.control_plane.resume()

    assert all("the Kubernetes API did not answer within 1 s" in text for text in told)
    async with asyncio.timeout(60):
        while True:
            try:
                found = await objects(used).get(place.ref())
                break
            except ObjectsError:
                continue
    assert found["metadata"]["uid"] == made["metadata"]["uid"]


async def test_while_it_is_down_every_call_says_so_and_once_it_is_back_the_next_works(
    place: Place, admin: Client
) -> None:
    made = await place.create(admin)

    place.control_plane.kill()
    try:
        told = {await failure(call(admin, place.ref())) for call in CALLS.values()}
    finally:
        place.control_plane.api_server.start()

    assert all("can't be reached" in text or "broke off" in text for text in told)
    assert str(place.control_plane.api_server.port) in max(told)
    found = await objects(admin).get(place.ref())
    assert found["metadata"]["uid"] == made["metadata"]["uid"]


async def test_a_revoked_token_is_told_as_such_and_not_shown(place: Place, connecting: Any) -> None:
    kubeconfig = place.account("operator", OPERATOR_RULES)
    operator = await connecting(kubeconfig)
    token = place.control_plane.token_for(place.namespace, "operator").encode()
    place.kubectl("delete", "serviceaccount", "operator")

    async def refused() -> str:
        async with asyncio.timeout(60):
            while "401" not in (text := await failure(KubernetesSecrets(operator).read(place.namespace, "a", "b"))):
                pass  # a token is believed for some seconds
        return text

    told = await refused()

    assert "token has not been revoked" in told
    assert token.decode().split(".")[2] not in told


async def test_an_unknown_resource_is_not_an_absent_object(place: Place, admin: Client) -> None:
    path = "/apis/mlrollout.dev/v9/namespaces/{namespace}/mlrollouts/{name}"

    told = await failure(admin.ask("read it", "GET", path, namespace=place.namespace, name="x"))

    assert told.startswith("Could not read it: the Kubernetes API answered 404. If the cluster does not know MLRollout")


# --- what it does too rarely to be waited for ----------------------------------------------------

STATUS = {"kind": "Status", "status": "Failure"}


@asynccontextmanager
async def answering(answer: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    """An API server that answers everything like this; its address."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(application) as server:
        yield str(server.make_url(""))


async def ask(connecting: Any, tmp_path: Any, url: str, deadline: float = 10) -> str:
    kubeconfig = write_kubeconfig(tmp_path / "kubeconfig", {"server": url.rstrip("/")}, "s3cret-token")
    return await failure(objects(await connecting(kubeconfig, deadline)).get(Ref("dispatch", "ml-dispatch")))


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (
            lambda: web.json_response({**STATUS, "message": "too many\nrequests"}, status=429),
            "answered 429, too many requests. It is overloaded",
        ),
        (
            lambda: web.json_response({**STATUS, "message": "etcdserver: leader changed"}, status=500),
            "answered 500, etcdserver: leader changed.",
        ),
        (lambda: web.Response(text="<p>s3cret page</p>", content_type="text/html", status=503), "answered 503."),
        (lambda: web.json_response({"message": "s3cret"}, status=503), "answered 503."),
        (lambda: web.json_response([1], status=503), "answered 503."),
        (lambda: web.Response(text="<p>s3cret page</p>", content_type="text/html"), "broke off"),
        (lambda: web.json_response(None), "broke off"),
        (lambda: web.Response(body=b"\xff"), "broke off"),
        (lambda: web.json_response({**STATUS, "message": "x" * 5000}, status=500), "xxx…"),
    ],
)
async def test_an_answer_that_is_none_is_told_without_its_body(
    connecting: Any, tmp_path: Any, answer: Callable[[], web.Response], complaint: str
) -> None:
    async def give(_: web.Request) -> web.StreamResponse:
        return answer()

    async with answering(give) as url:
        told = await ask(connecting, tmp_path, url)

    assert told.startswith("Could not read dispatch/ml-dispatch: ")
    assert complaint in told
    assert "s3cret" not in told
    assert len(told) < 500


ITEM = {"metadata": {"namespace": "dispatch", "name": "ml-dispatch", "uid": "1"}}


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"kind": "MLRolloutList"},
        {"kind": "MLRolloutList", "items": None},
        {"kind": "MLRolloutList", "items": {}},
        {"kind": "MLRolloutList", "items": [None]},
        {"kind": "MLRolloutList", "items": [{"metadata": {"name": "ml-dispatch", "namespace": "dispatch"}}]},
        {"kind": "PodList", "items": []},
        {"items": []},
        STATUS,
    ],
)
async def test_what_is_no_list_is_never_read_as_a_list_of_nothing(
    connecting: Any, tmp_path: Any, answer: dict[str, Any]
) -> None:
    async def give(_: web.Request) -> web.StreamResponse:
        return web.json_response(answer)

    async with answering(give) as url:
        kubeconfig = write_kubeconfig(tmp_path / "kubeconfig", {"server": url.rstrip("/")}, "token")
        client = await connecting(kubeconfig)
        for call in ("list", "probe"):
            told = await failure(CALLS[call](client, Ref("dispatch", "ml-dispatch")))
            assert "answered with something else" in told


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"kind": "MLRollout"},
        {"kind": "Pod", **ITEM},
        {"kind": "MLRollout", "metadata": ITEM["metadata"] | {"name": "other"}},
        {"kind": "MLRollout", "metadata": ITEM["metadata"] | {"namespace": "other"}},
    ],
)
async def test_what_is_another_object_is_never_taken_for_the_one_that_was_asked_for(
    connecting: Any, tmp_path: Any, answer: dict[str, Any]
) -> None:
    async def give(_: web.Request) -> web.StreamResponse:
        return web.json_response(answer)

    async with answering(give) as url:
        assert "answered with something else" in await ask(connecting, tmp_path, url)


async def test_an_answer_that_drips_ends_in_time(connecting: Any, tmp_path: Any) -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b" ")
            await asyncio.sleep(0.05)

    async with answering(drip) as url:
        assert "did not answer within 0.5 s" in await ask(connecting, tmp_path, url, deadline=0.5)


async def test_nothing_is_sent_twice(connecting: Any, tmp_path: Any) -> None:
    seen = []

    async def refuse(request: web.Request) -> web.StreamResponse:
        seen.append((request.method, request.headers["Content-Type"], request.headers["User-Agent"]))
        return web.json_response({**STATUS, "message": "busy"}, status=503, headers={"Retry-After": "1"})

    async with answering(refuse) as url:
        kubeconfig = write_kubeconfig(tmp_path / "kubeconfig", {"server": url.rstrip("/")}, "token")
        client = await connecting(kubeconfig)
        for name in ("get", "save_status", "post once", "replace the lease"):
            await failure(CALLS[name](client, Ref("dispatch", "ml-dispatch")))

    assert seen == [
        ("GET", "application/json", "mlrollout"),
        ("PATCH", "application/json-patch+json", "mlrollout"),
        ("POST", "application/json", "mlrollout"),
        ("PUT", "application/json", "mlrollout"),
    ]
