"""Which users are in treatment: the one formula that every client, in every language, must share.

A user has a bucket for good, and treatment is the buckets below the percentage. So raising the
percentage only moves users from control to treatment, and lowering it only back. Whom a holdback keeps in
control is a matter of a second bucket, and of no percentage.
"""

from enum import StrEnum
from typing import NoReturn

import mmh3

from .ids import LONGEST

BUCKETS = 1_000_000
_HASHES = 1 << 32
HOLDBACK = ":holdback"
"""What a salt ends in where the bucket is for the holdback: independent of the bucket that the percentage goes by."""


class Group(StrEnum):
    """Which path a user gets: the legacy one, or the new one."""

    CONTROL = "control"
    TREATMENT = "treatment"

    @classmethod
    def _missing_(cls, value: object) -> NoReturn:
        raise ValueError(f"there is no group {value!r}: write {' or '.join(repr(one.value) for one in cls)}")


def hashed(salt: str, user_id: str) -> int:
    """MurmurHash3 (x86, 32 bits, seed 0) of `salt:user_id` in UTF-8, unsigned.

    Raises:
        UnicodeEncodeError: Salt or id holds half a surrogate pair, which is no text in UTF-8.
    """
    # Always bytes: given half a surrogate pair in a str, mmh3 5.3 ends the process.
    return mmh3.mmh3_32_uintdigest(f"{salt}:{user_id}".encode())


def bucket(salt: str, user_id: str) -> int:
    """The user's bucket, from 0 to 999,999; independent of the same user's under another salt.

    Raises:
        UnicodeEncodeError: Salt or id is no text in UTF-8.
    """
    return hashed(salt, user_id) * BUCKETS >> 32


def limit(percentage: int) -> int:
    """The least hash whose bucket is not in treatment; `bucket(…) < percentage * 10_000` in terms of the hash."""
    return -(-percentage * (BUCKETS // 100) * _HASHES // BUCKETS)


def held_back(salt: str, user_id: str, holdback: int) -> bool:
    """Whether the user stays in control at every percentage, where that many per cent of the users do.

    Raises:
        UnicodeEncodeError: Salt or id is no text in UTF-8.
    """
    return hashed(salt + HOLDBACK, user_id) < limit(holdback)


def group(salt: str, user_id: str, percentage: int, holdback: int = 0) -> Group:
    """The user's group at a percentage from 0 to 100. An id that is empty or too long is nobody's, and in control.

    Raises:
        UnicodeEncodeError: Salt or id is no text in UTF-8.
    """
    somebody = 0 < len(user_id.encode()) <= LONGEST
    treated = hashed(salt, user_id) < limit(percentage) and not held_back(salt, user_id, holdback)
    return Group.TREATMENT if somebody and treated else Group.CONTROL
