"""What names a revision: a model registry, a ConfigMap, a document."""

from collections.abc import Iterable
from typing import Protocol

from mlrollout.api.revision_from import RevisionFrom
from mlrollout.domain.state import NamedRevision


class RevisionSource(Protocol):
    """A source of revisions."""

    async def ask(self, *, deadline: float) -> NamedRevision:
        """What it names now.

        Args:
            deadline: Seconds for everything: connecting, waiting, reading.

        Raises:
            RevisionUnknownError: It names none that can be used; the text says why, without the response's body.
        """
        ...

    async def completed(self, revision: str, *, deadline: float) -> None:
        """Take in that a revision is complete, where the object wants the source to know.

        Raises:
            RevisionUnknownError: Whether it knows is unknown.
        """
        ...


class RevisionSources(Protocol):
    """The sources of revisions that objects may name."""

    def source(self, namespace: str, found: RevisionFrom) -> RevisionSource:
        """What an object of a namespace names.

        Raises:
            RevisionNotAllowedError: The administrator does not allow its address, or it is none.
        """
        ...

    async def keep(self, named: Iterable[tuple[str, RevisionFrom | None]]) -> None:
        """Give up the connections that none of these names, by namespace, and none has named the last time either."""
        ...

    async def close(self) -> None:
        """Give up every connection."""
        ...
