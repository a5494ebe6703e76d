"""One object as this process knows it, in parts that have one writer each."""

from .measured import Measured
from .notified import Failing, Notified
from .object import FINALIZER, TrackedObject
from .redis_side import RedisSide
from .resource import Resource, is_stale_version
from .standing import Standing
from .tally import Source, Tally
from .told import Told
from .writing import Writing

__all__ = [
    "FINALIZER",
    "Failing",
    "Measured",
    "Notified",
    "RedisSide",
    "Resource",
    "Source",
    "Standing",
    "Tally",
    "Told",
    "TrackedObject",
    "Writing",
    "is_stale_version",
]
