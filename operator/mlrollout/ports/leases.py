"""The Lease by which replicas agree on a leader."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Lease:
    """The `Lease` by which replicas agree on who may take traffic up.

    Attributes:
        holder: Who leads; empty where the leader has given it up.
        duration: Seconds of silence after which the others may take it.
        acquired: When the holder took it, in seconds since the epoch by the holder's clock; for people.
        renewed: When the holder last said that it lives, likewise.
        transitions: How often the holder has changed.
        version: What a write must be based on; every write that changes anything changes it.
    """

    holder: str
    duration: float
    acquired: float
    renewed: float
    transitions: int
    version: str = ""


class LeaseStore(Protocol):
    """Where the one lease of an installation is kept."""

    async def read(self) -> Lease | None:
        """The lease as it stands now (not from a cache); `None` where there is none.

        Raises:
            ObjectsError: It can't be known.
        """
        ...

    async def create(self, lease: Lease) -> Lease:
        """Make the lease where there is none; answers with it and its version.

        Raises:
            ConflictError: There is one by now.
            ObjectsError: Whether it was made is unknown.
        """
        ...

    async def replace(self, lease: Lease) -> Lease:
        """Put this lease in the place of the one of its `version`, or of none where that is gone.

        Answers with it and its new version.

        Raises:
            ConflictError: There is one of another version by now; nothing was written.
            ObjectsError: Whether it was written is unknown.
        """
        ...
