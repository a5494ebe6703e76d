"""Which users are in treatment: the one formula that every client, in every language, must share.

A user has a bucket for good, and treatment is the buckets below the percentage. So raising the
percentage only moves users from control to treatment, and lowering it only back.
"""

from typing import Literal

import mmh3

BUCKETS = 1_000_000

Group = Literal["control", "treatment"]


def bucket(salt: str, user_id: str) -> int:
    """The user's bucket, from 0 to 999,999; independent of the same user's under another salt.

    Raises:
        UnicodeEncodeError: Salt or id holds half a surrogate pair, which is no text in UTF-8.
    """
    return mmh3.hash(f"{salt}:{user_id}".encode(), 0, signed=False) * BUCKETS >> 32


def group(salt: str, user_id: str, percentage: int) -> Group:
    """The user's group at a percentage from 0 to 100."""
    return "treatment" if bucket(salt, user_id) < percentage * (BUCKETS // 100) else "control"
