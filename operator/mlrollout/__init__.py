"""Rolls an ML feature out to users by percentage, and takes it back by itself.

What an application needs stands here; the operator's parts are in the packages of their names.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .assignment import Assignment, Group, Reason, Rollout, State, Tls

__all__ = ["Assignment", "Group", "Reason", "Rollout", "State", "Tls"]


def __getattr__(name: str) -> object:
    """Load the application's side when it is asked for: the operator does not need it, nor it the operator."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import assignment  # noqa: PLC0415 - see above

    return getattr(assignment, name)
