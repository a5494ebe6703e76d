"""Giving a key up when its object goes."""

from dataclasses import replace

from .record import Record, greater
from .state import State
from .traffic import Traffic


def leave(state: State | None, uid: str, traffic: Traffic, *, keep: bool) -> Record | None:
    """The record that gives the key up; `None` where nothing of this object's is left in Redis.

    Whoever sees the deletion may write it, any number of times and side by side: it is told from what
    stands, so that one who comes second finds nothing left to do.

    Args:
        state: Where the rollout stands; `None` where this process has never known.
        uid: The uid of the object that goes.
        traffic: What stands in Redis.
        keep: Whether the traffic stays where it is (`onDelete: Retain`).
    """
    found = traffic.record
    if found is not None and found.owner not in ("", uid):
        return None
    if traffic.unreadable and (keep or traffic.percentage == 0):
        return None  # a newer operator's record: only the key can be lowered
    own = _own(state, uid, found)
    if own is None or (found is not None and _given_up(own, found, traffic, keep=keep)):
        return None
    percentage = traffic.in_force if keep else 0
    return replace(own, sequence=own.next_sequence, percentage=min(percentage, own.percentage), owner="")


def _own(state: State | None, uid: str, found: Record | None) -> Record | None:
    """The newest record of this object that is known; one given up already counts, where it followed on ours.

    Of two replicas that have seen a breach, the cause of the one whose record stands in Redis is told.
    """
    if state is None:
        return found if found is not None and found.owner == uid else None
    return state.record if found is None else greater(found, state.record)


def _given_up(own: Record, found: Record, traffic: Traffic, *, keep: bool) -> bool:
    """Whether Redis holds it already. A failover may bring back what an earlier owner had left there."""
    return found.owner == "" and found == own and (keep or (found.percentage == 0 and traffic.percentage == 0))
