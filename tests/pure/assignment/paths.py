"""Paths of a feature that answer, fail and hang, and how a call of theirs is recorded."""

from tests.pure.assignment.calls import BrokenModelError

SUCCESS = ("treatment", False, None)
FAILURE = ("treatment", True, None)


def legacy(user_id: str, order: int = 0) -> str:
    return f"legacy {user_id} {order}"


def ml(user_id: str, order: int = 0) -> str:
    return f"ml {user_id} {order}"


def broken(user_id: str, order: int = 0) -> str:
    raise BrokenModelError(user_id)


async def legacy_async(user_id: str, order: int = 0) -> str:
    return legacy(user_id, order)


async def ml_async(user_id: str, order: int = 0) -> str:
    return ml(user_id, order)


async def broken_async(user_id: str, order: int = 0) -> str:
    return broken(user_id, order)
