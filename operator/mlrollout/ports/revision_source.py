"""What names a revision: a model registry, a ConfigMap, a document."""

from typing import Protocol

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
