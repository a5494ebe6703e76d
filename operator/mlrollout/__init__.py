"""Rolls an ML feature out to users by percentage, and takes it back by itself.

What an application needs stands here; the operator's parts are in the packages of their names.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .assignment import Assignment, Exposure, Group, LastKnown, Overrides, Reason, Rollout, State, Tls
    from .assignment.feature import Feature
    from .assignment.metrics import Metrics

__all__ = [
    "Assignment",
    "Exposure",
    "Feature",
    "Group",
    "LastKnown",
    "Metrics",
    "Overrides",
    "Reason",
    "Rollout",
    "State",
    "Tls",
]

_APART = {"Feature": ".assignment.feature", "Metrics": ".assignment.metrics"}


def __getattr__(name: str) -> object:
    """Load a name when it is asked for: `Feature` and `Metrics` need more packages than a decision does."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_APART.get(name, ".assignment"), __name__), name)
