"""The cluster, as far as the dashboard uses it: by a server's own ServiceAccount, or by a person's kubeconfig."""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from mlrollout.ports import Object, Ref


class DashboardCluster(Protocol):
    """The objects of a cluster, followed; and verbs asked of them. What fails raises an `ObjectsError`."""

    @property
    def now(self) -> float:
        """The time by which ages are told, seconds since the epoch."""
        ...

    @property
    def namespaces(self) -> tuple[str, ...] | None:
        """The namespaces that are followed; `None` for all."""
        ...

    async def list(self) -> tuple[Sequence[Object], str]:
        """Every object, and the version from which on they can be followed."""
        ...

    def changes(self, version: str) -> AsyncIterator[tuple[str, Object]]:
        """What happens after a version, for a while: the type of each event, and its object.

        The first has no type: the API server has begun to answer.
        """
        ...

    async def read(self, ref: Ref) -> Object:
        """An object as it stands now."""
        ...

    async def ask(self, ref: Ref, verb: str, why: str, *, version: str = "") -> Object:
        """Set the annotation of a verb, if the object still has that version; empty for any. The object after it."""
        ...
