"""Which Redis, which Prometheus and which source of revisions an object has."""

from typing import Protocol

from mlrollout.api.revision_from import RevisionFrom
from mlrollout.api.spec import Spec

from .evidence_source import EvidenceSource
from .kubernetes import Ref
from .revision_source import RevisionSource
from .traffic_store import TrafficStore


class Connections(Protocol):
    """The Redis, the Prometheus and the source of revisions of each object."""

    async def store(self, ref: Ref, spec: Spec) -> TrafficStore:
        """The object's Redis: its own, or the operator's.

        Raises:
            ObjectsError: Its Secret can't be read.
            TrafficError: What the Secret holds is no usable URL.
        """
        ...

    def source(self, ref: Ref, spec: Spec) -> EvidenceSource:
        """The object's Prometheus: its own, or the operator's.

        Raises:
            AddressRefusedError: The administrator does not allow its address, or there is none.
        """
        ...

    def revisions(self, ref: Ref, found: RevisionFrom) -> RevisionSource:
        """What names the object's revision.

        Raises:
            RevisionNotAllowedError: The administrator does not allow its address, or this operator can't ask it.
        """
        ...
