"""A user id for a hash that is wanted: MurmurHash3 keeps no secret, and goes backwards as well as forwards."""

from functools import cache
from itertools import count

from mlrollout.assignment.bucket import hashed

_MASK = 0xFFFFFFFF


def reach(salt: str, target: int) -> str:
    """An id of ASCII letters and digits that hashes to `target` under a salt."""
    made = (_ending(salt, f"edge{number}", target) for number in count())
    return next(user_id for user_id in made if user_id.isascii() and user_id.isalnum())


def _ending(salt: str, start: str, target: int) -> str:
    """The id that begins so and hashes to `target`; its last four bytes may be anything."""
    start += "0" * (-len(f"{salt}:{start}".encode()) % 4)
    length = len(f"{salt}:{start}".encode())
    # The state of the hash before the last block of four bytes, and the one that the block must make of it.
    before = _unfinished(hashed(salt, start)) ^ length
    after = _unfinished(target) ^ (length + 4)
    mixed = _rotated((after - 0xE6546B64) * _inverse(5) & _MASK, 32 - 13) ^ before
    block = _rotated(mixed * _inverse(0x1B873593) & _MASK, 32 - 15) * _inverse(0xCC9E2D51) & _MASK
    return start + block.to_bytes(4, "little").decode("latin-1")


def _unfinished(value: int) -> int:
    """What the last mixing of the hash was given, to have made `value` of it."""
    value ^= value >> 16
    value = value * _inverse(0xC2B2AE35) & _MASK
    value ^= value >> 13 ^ value >> 26
    value = value * _inverse(0x85EBCA6B) & _MASK
    return value ^ value >> 16


def _rotated(value: int, by: int) -> int:
    return (value << by | value >> (32 - by)) & _MASK


@cache
def _inverse(odd: int) -> int:
    return pow(odd, -1, 1 << 32)
