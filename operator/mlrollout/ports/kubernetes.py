"""The Kubernetes API: objects, Events, and Secrets that objects name."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """Which object is meant."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class ApiLogin:
    """What a connection to the API server is made with, as it is known now: tokens are replaced.

    Attributes:
        server: Its address.
        encryption: Whom to trust, and the certificate that is shown.
        headers: What each request carries so that the API server knows who asks.
        proxy: The address of a proxy in between; `None` for none but the environment's.
    """

    server: str
    encryption: ssl.SSLContext = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    proxy: str | None = None


@dataclass(frozen=True, slots=True)
class EventToPost:
    """A Kubernetes Event that is to be posted.

    Attributes:
        reason: Short, specific, `CamelCase`; part of the contract.
        message: For people.
        warning: Whether its type is `Warning` rather than `Normal`.
        unique: For a transition, what makes it the only one of its kind (the event is created once,
            however often it is sent); empty for a repeating Event, which is counted up instead.
    """

    reason: str
    message: str
    warning: bool = False
    unique: str = ""


Object = Mapping[str, Any]
"""An `MLRollout` as the API server gives it: `metadata`, `spec`, `status`."""


class Objects(Protocol):
    """The Kubernetes API, as far as the operator uses it."""

    async def get(self, ref: Ref) -> Object:
        """The object as it stands now (not from a cache)."""
        ...

    async def save_status(self, ref: Ref, resource_version: str, status: Mapping[str, Any]) -> Object:
        """Replace the whole status if the object still has this resourceVersion; answers with the object after it.

        Raises:
            ConflictError: It has another one by now; nothing was written.
            GoneError: It no longer exists.
            ObjectsError: Whether it was written is unknown.
        """
        ...

    async def set_finalizer(self, ref: Ref, resource_version: str, finalizers: tuple[str, ...]) -> Object:
        """Replace the list of finalizers, under the same condition."""
        ...

    async def change_annotations(
        self, ref: Ref, resource_version: str, annotations: Mapping[str, str | None]
    ) -> Object:
        """Set these annotations in one write, and remove those that are `None`, under the same condition."""
        ...

    async def post_event(self, ref: Ref, uid: str, event: EventToPost) -> None:
        """Post a Kubernetes Event about the object."""
        ...


class Secrets(Protocol):
    """Secrets that an object names, in its own namespace."""

    async def read(self, namespace: str, name: str, key: str) -> str:
        """The decoded value.

        Raises:
            ObjectsError: It does not exist, has no such key, or may not be read.
        """
        ...

    async def read_all(self, namespace: str, name: str) -> Mapping[str, bytes]:
        """Every value, decoded, by its key.

        Raises:
            ObjectsError: It does not exist, or may not be read.
        """
        ...
