"""The cluster as the dashboard uses it, by a kubeconfig: each call in a thread, the watch in one of its own."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import quote

from mlrollout.api import GROUP, PLURAL, VERSION
from mlrollout.cli.cluster.api import Api, ApiCall, ClusterError, Data
from mlrollout.cli.cluster.rollouts import PAGE, ClusterRollouts, NoSuchRolloutError, items
from mlrollout.cli.ending import CommandError
from mlrollout.ports import ConflictError, DeniedError, GoneError, Object, ObjectsError, Ref

WATCH = 15
"""Seconds of a watch. Its reader begins another, so that a connection that broke off silently is found."""
_SILENCE = WATCH + 5.0
_ACCESS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"

T = TypeVar("T")
Event = tuple[str, Object]


class KubeconfigCluster:
    """The objects of a cluster, as the person of the kubeconfig sees them. Implements `DashboardCluster`.

    Args:
        rollouts: The cluster.
        everywhere: Whether the objects of every namespace are shown.
    """

    def __init__(self, rollouts: ClusterRollouts, *, everywhere: bool) -> None:
        self._rollouts = rollouts
        self._one_at_a_time = asyncio.Lock()
        self._path = _path("" if everywhere else rollouts.namespace)
        self.namespaces = None if everywhere else (rollouts.namespace,)

    @property
    def now(self) -> float:
        """The time by the API server's clock."""
        return self._rollouts.now

    async def list(self) -> tuple[Sequence[Object], str]:
        """Every object, and the version from which on they can be followed."""
        return await self._call(partial(_all, self._rollouts.api, self._path))

    async def changes(self, version: str) -> AsyncIterator[Event]:
        """What happens after a version, for a while."""
        reader = _WatchThread(self._rollouts.api.apart(), self._path, version)
        try:
            while (event := await reader.next()) is not None:
                yield event
        finally:
            reader.close()

    async def read(self, ref: Ref) -> Object:
        """An object as it stands now."""
        return await self._call(lambda: self._rollouts.within(ref.namespace).get(ref.name))

    async def ask(self, ref: Ref, verb: str, why: str, *, version: str = "") -> Object:
        """Set the annotation of a verb; the object after it."""
        there = self._rollouts.within(ref.namespace)
        return await self._call(lambda: there.annotate(ref.name, {f"{GROUP}/{verb}": why}, version))

    async def may(self, verb: str, ref: Ref) -> bool:
        """Whether this person may do something to an object; an empty name stands for all."""
        attributes = {"group": GROUP, "resource": PLURAL, "verb": verb, "namespace": ref.namespace, "name": ref.name}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
        call = ApiCall("ask for your rights", "POST", _ACCESS, body=review)
        answer = await self._call(lambda: self._rollouts.api.ask(call))
        return (answer.get("status") or {}).get("allowed") is True

    async def _call(self, call: Callable[[], T]) -> T:
        """Do it in a thread. There is one connection, so one call follows another."""
        async with self._one_at_a_time:
            try:
                return await asyncio.to_thread(call)
            except CommandError as error:
                raise _told(error) from None


class _WatchThread:
    """Reads a watch in a thread, since its connection knows no event loop."""

    def __init__(self, api: Api, path: str, version: str) -> None:
        self._api = api
        self._loop = asyncio.get_running_loop()
        self._read: asyncio.Queue[Event | ObjectsError | None] = asyncio.Queue()
        self._closed = False
        threading.Thread(target=self._run, args=(path, version), daemon=True).start()

    async def next(self) -> Event | None:
        """The next event; `None` where the watch is over.

        Raises:
            ObjectsError: It broke off.
        """
        try:
            async with asyncio.timeout(_SILENCE):
                found = await self._read.get()
        except TimeoutError:
            raise ObjectsError("the API server was silent for too long, so its connection is begun anew") from None
        if isinstance(found, ObjectsError):
            raise found
        return found

    def close(self) -> None:
        """Give up; the thread ends by itself."""
        self._closed = True
        self._api.hang_up()

    def _run(self, path: str, version: str) -> None:
        asked = {"resourceVersion": version, "allowWatchBookmarks": "true", "timeoutSeconds": str(WATCH)}
        try:
            for event in self._api.stream("follow the MLRollout objects", path, asked):
                self._tell((str(event.get("type") or ""), event.get("object") or {}))
            self._tell(None)
        except CommandError as error:
            self._tell(_told(error))
        except Exception as error:  # noqa: BLE001 - whoever waits must hear of it
            self._tell(ObjectsError(f"the watch failed ({type(error).__name__})"))
        finally:
            self._api.close()

    def _tell(self, found: Event | ObjectsError | None) -> None:
        if not self._closed and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._read.put_nowait, found)


def _all(api: Api, path: str) -> tuple[Sequence[Object], str]:
    found: list[Data] = []
    more = ""
    while True:
        page = api.ask(ApiCall("list the MLRollout objects", "GET", path, {"limit": str(PAGE), "continue": more}))
        found += items(page)
        metadata = page.get("metadata") or {}
        more = str(metadata.get("continue") or "")
        if not more:
            return found, str(metadata.get("resourceVersion") or "")


def _path(namespace: str) -> str:
    inside = f"namespaces/{quote(namespace, safe='')}/" if namespace else ""
    return f"/apis/{GROUP}/{VERSION}/{inside}{PLURAL}"


def _told(error: CommandError) -> ObjectsError:
    """The same as a port tells it."""
    status = error.status if isinstance(error, ClusterError) else 0
    kind = ObjectsError
    if isinstance(error, NoSuchRolloutError):
        kind = GoneError
    elif status == HTTPStatus.CONFLICT:
        kind = ConflictError
    elif status == HTTPStatus.FORBIDDEN:
        kind = DeniedError
    return kind(str(error))
