"""The `MLRollout` objects of a cluster: found, listed, followed, annotated."""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from http import HTTPStatus
from typing import Self
from urllib.parse import quote

from mlrollout.api import GROUP, KIND, PLURAL, VERSION
from mlrollout.cli.ending import CommandError
from mlrollout.domain.request import one_line
from mlrollout.glance.fields import Fields

from .api import DEADLINE, Api, ApiCall, ClusterError, Data
from .kubeconfig import read

PAGE = 500
"""How many objects are listed in one call."""
MANAGER = "kubectl-mlrollout"
"""Who writes, in the managed fields: nobody takes it for a manifest's applier."""
_SELF = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
_SOON = 2.0
"""Seconds for what is worth no waiting."""
_NAMES = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json"
_MANY = 3
_WHOLE = 2.0
"""Seconds by which clocks may seem to differ because the API server tells whole seconds."""
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_SHOWN = 60


class NoSuchRolloutError(CommandError):
    """There is no object of that name, which is no failure of the cluster or of a login."""


class ClusterRollouts:
    """The objects that a person means, in the cluster that he means.

    Args:
        context: The context of the kubeconfig; the current one if left out.
        namespace: Where to look; that of the context if left out.
    """

    def __init__(self, context: str | None = None, namespace: str | None = None, *, api: Api | None = None) -> None:
        self.api = api or Api(read(context))
        self.namespace = namespace or self.api.context.namespace

    @property
    def now(self) -> float:
        """The time by the API server's clock, by which ages are told: whatever is told of was written by that."""
        skew = self.api.skew or 0.0
        return time.time() + (skew if abs(skew) > _WHOLE else 0.0)

    def within(self, namespace: str) -> "ClusterRollouts":
        """The same of another namespace."""
        return ClusterRollouts(namespace=namespace, api=self.api)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.api.close()

    def get(self, name: str) -> Data:
        """The object of that name.

        Raises:
            NoSuchRolloutError: There is none; it tells of one that may be meant.
            ClusterError: It can't be had.
        """
        try:
            return self.api.ask(ApiCall(f"read {self.namespace}/{name}", "GET", self._path(name)))
        except ClusterError as error:
            raise self._better(error, name) from None

    def all(self, *, everywhere: bool = False, selector: str = "") -> Sequence[Data]:
        """Every object of the namespace, or of all, with labels that a selector asks for."""
        found: list[Data] = []
        for page in self._pages("list the MLRollout objects", "application/json", selector, everywhere=everywhere):
            found += page
        return found

    def names(self, *, everywhere: bool = False) -> Sequence[tuple[str, str]]:
        """Namespace and name of every object, which costs the API server and the wire little."""
        pages = self._pages("list the MLRollout objects", _NAMES, "", everywhere=everywhere)
        found = [one.get("metadata") or {} for page in pages for one in page]
        return [(str(one.get("namespace")), str(one.get("name"))) for one in found]

    def events(self, name: str, uid: str) -> Sequence[Data]:
        """The Events about an object that the API server still has, in no order."""
        about = f"involvedObject.kind={KIND},involvedObject.name={name},involvedObject.uid={uid}"
        call = ApiCall(
            f"list the Events about {self.namespace}/{name}",
            "GET",
            f"/api/v1/namespaces/{quote(self.namespace)}/events",
            {"fieldSelector": about, "limit": str(PAGE)},
        )
        return items(self.api.ask(call))

    def asker(self) -> str:
        """Who this is, as the API server knows him; empty where it does not say so, and soon."""
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        call = ApiCall("ask who this is", "POST", _SELF, body=review, patience=_SOON - DEADLINE)
        with suppress(ClusterError):
            return Fields(self.api.ask(call)).part("status").part("userInfo").text("username")
        return ""

    def changes(self, name: str, version: str) -> Iterator[Data]:
        """What the API server tells of an object after that version, for a while: `type` and `object`."""
        query = {"fieldSelector": f"metadata.name={name}", "resourceVersion": version}
        return self.api.stream(f"follow {self.namespace}/{name}", self._path(), query)

    def annotate(self, name: str, annotations: Mapping[str, str], version: str = "") -> Data:
        """Set annotations; answers with the object after it.

        Args:
            name: The object's.
            annotations: What to set.
            version: The resourceVersion that the object must still have; empty for any.

        Raises:
            NoSuchRolloutError: There is no such object.
            ClusterError: It was not done; with the status 409 where the object has another version by now.
        """
        metadata: Data = {"annotations": dict(annotations)}
        if version:
            metadata["resourceVersion"] = version
        what, query = f"annotate {self.namespace}/{name}", {"fieldManager": MANAGER}
        try:
            return self.api.ask(ApiCall(what, "PATCH", self._path(name), query, {"metadata": metadata}))
        except ClusterError as error:
            raise self._better(error, name) from None

    def _pages(self, what: str, accept: str, selector: str, *, everywhere: bool) -> Iterator[Sequence[Data]]:
        path = f"/apis/{GROUP}/{VERSION}/{PLURAL}" if everywhere else self._path()
        more = ""
        try:
            while True:
                query = {"limit": str(PAGE), "labelSelector": selector, "continue": more}
                page = self.api.ask(ApiCall(what, "GET", path, query, accept=accept))
                yield items(page)
                more = str((page.get("metadata") or {}).get("continue") or "")
                if not more:
                    return
        except ClusterError as error:
            raise self._unknown(error) if error.status == HTTPStatus.NOT_FOUND else error from None

    def _path(self, name: str | None = None) -> str:
        path = f"/apis/{GROUP}/{VERSION}/namespaces/{quote(self.namespace, safe='')}/{PLURAL}"
        return path if name is None else f"{path}/{_checked(name)}"

    def _better(self, error: ClusterError, name: str) -> CommandError:
        """The error that says the most about this failure."""
        if error.absent:
            return NoSuchRolloutError(
                f"there is no MLRollout {name} in the namespace {self.namespace}{self._meant(name)}"
            )
        if error.status == HTTPStatus.NOT_FOUND:
            return self._unknown(error)
        return error

    def _meant(self, name: str) -> str:
        """Which object may be meant by a name that none has; empty where nobody may know."""
        for everywhere in (True, False):
            with suppress(CommandError):  # not everybody may see all
                return _nearest(name, self.namespace, self.names(everywhere=everywhere))
        return ""

    def _unknown(self, error: ClusterError) -> CommandError:
        """What is told where the API server does not know the kind."""
        try:
            found = self.api.ask(ApiCall("find MLRollout", "GET", f"/apis/{GROUP}"))
        except ClusterError as other:
            if other.status != HTTPStatus.NOT_FOUND:
                return error
            missing = f"the cluster of the context {self.api.context.name} does not know {KIND}: its CRD is missing"
            return ClusterError(f"{missing}. Install the chart, or see --context", error.status)
        versions = [str(one.get("version")) for one in found.get("versions") or ()]
        told = f"the cluster knows {KIND} as {', '.join(versions)} alone, and this is of {VERSION}"
        return ClusterError(f"{told}: bring the CRD or this program to the other's version", error.status)


def _nearest(name: str, namespace: str, known: Sequence[tuple[str, str]]) -> str:
    from difflib import get_close_matches

    here = sorted(one for space, one in known if space == namespace)
    there = sorted(space for space, one in known if one == name)
    near = get_close_matches(name, here, _MANY)
    if there:
        return f": did you mean -n {' or -n '.join(there[:_MANY])}?"
    if near:
        return f": did you mean {' or '.join(near)}?"
    return f"; there {'is' if len(here) == 1 else 'are'} {', '.join(here[:_MANY])}" if here else ", and no other"


def _checked(name: str) -> str:
    """A name that an object can have.

    Raises:
        NoSuchRolloutError: None can have it.
    """
    if not _NAME.fullmatch(name):
        raise NoSuchRolloutError(
            f"no MLRollout can be called {one_line(name)[:_SHOWN]!r}: a name has a-z, 0-9, - and . alone"
        )
    return name


def items(found: Data) -> Sequence[Data]:
    """The objects in a list of them."""
    listed = found.get("items")
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
