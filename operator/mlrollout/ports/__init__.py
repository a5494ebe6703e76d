"""What the operator needs of the world. Adapters implement these; the simulated world does too.

Every method may raise its port's error and nothing else; none of them retries for longer than its
deadline, and none of them hangs. The errors, as a tree, and what the operator does about each are in `errors`.
"""

from mlrollout.domain.state import NamedRevision

from .clock import Clock
from .connections import Connections
from .errors import (
    AbsentError,
    AddressRefusedError,
    ConflictError,
    DeniedError,
    ExistsError,
    GoneError,
    KeyRefusedError,
    LoginRefusedError,
    MessageRefusedError,
    ObjectsError,
    PortError,
    QueryRefusedError,
    ReceiverError,
    ReceiverNotAllowedError,
    RevisionNotAllowedError,
    RevisionUnknownError,
    SourceError,
    TrafficError,
    WordingError,
)
from .evidence_source import EvidenceSource
from .kubernetes import ApiLogin, EventToPost, Object, Objects, Ref, Secrets
from .leases import Lease, LeaseStore
from .receivers import Receivers
from .revision_source import RevisionSource, RevisionSources
from .traffic_store import TrafficStore

__all__ = [
    "AbsentError",
    "AddressRefusedError",
    "ApiLogin",
    "Clock",
    "ConflictError",
    "Connections",
    "DeniedError",
    "EventToPost",
    "EvidenceSource",
    "ExistsError",
    "GoneError",
    "KeyRefusedError",
    "Lease",
    "LeaseStore",
    "LoginRefusedError",
    "MessageRefusedError",
    "NamedRevision",
    "Object",
    "Objects",
    "ObjectsError",
    "PortError",
    "QueryRefusedError",
    "ReceiverError",
    "ReceiverNotAllowedError",
    "Receivers",
    "Ref",
    "RevisionNotAllowedError",
    "RevisionSource",
    "RevisionSources",
    "RevisionUnknownError",
    "Secrets",
    "SourceError",
    "TrafficError",
    "TrafficStore",
    "WordingError",
]
