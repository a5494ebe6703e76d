"""Which Redis and which Prometheus an object has."""

from typing import Protocol

from mlrollout.api.spec import Spec

from .evidence_source import EvidenceSource
from .kubernetes import Ref
from .traffic_store import TrafficStore


class Connections(Protocol):
    """The Redis and the Prometheus of each object."""

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
