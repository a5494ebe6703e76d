"""The names that stand in Redis beside the key of a percentage (docs/redis-contract.md)."""

from redis.crc import key_slot


def record_of(key: str) -> str:
    """The name under which the record of a key stands."""
    return f"{key}:record"


def claim_of(key: str) -> str:
    """The name under which an object says that it wants a key which another has."""
    return f"{key}:claim"


def changes_of(key: str) -> str:
    """The channel on which the accepted records of a key are pushed."""
    return f"{key}:changes"


def slot_problem(key: str) -> str:
    """Why a Cluster can't serve a key with its record; empty where it can."""
    if key_slot(key.encode()) == key_slot(record_of(key).encode()):
        return ""
    head, colon, tail = key.replace("{", "").replace("}", "").partition(":")
    return (
        f"The key {key} has no hash tag, so this Redis Cluster may keep it apart from its record. "
        f"Use a key with a part in braces, for example {{{head}}}{colon}{tail}."
    )


def users_of(key: str, attempt: int, group: str) -> str:
    """The name under which the distinct users of a group are counted."""
    return f"{key}:users:{attempt}:{group}"


def ratings_of(key: str, attempt: int) -> str:
    """The name under which the answers to the survey are counted."""
    return f"{key}:ratings:{attempt}"


def rated_of(key: str, attempt: int, period: int) -> str:
    """The name under which the users stand who have rated in a period of an attempt."""
    return f"{key}:rated:{attempt}:{period}"
