"""Users who stay in control at every percentage, and those beside them who don't."""

import random
from collections.abc import Iterator

from mlrollout.assignment.bucket import BUCKETS, HOLDBACK, bucket, group, limit

from docs.vectors.buckets import LONG, NAMES, ODD, SALTS, TOO_LONG, Row
from docs.vectors.reach import reach

MOST = 50
"""The most that an object may ask for; a record may say more, up to 100."""
EACH = 150
"""How many users of a common kind there are for each salt."""


def holdbacks() -> Iterator[Row]:
    """The rows of holdback.jsonl."""
    dice = random.Random(2026)
    for salt in SALTS:
        for user_id in ("", *ODD, *NAMES, *(str(dice.randrange(10**12)) for _ in range(EACH))):
            yield _row(salt, user_id, dice.choice((10, 30, 100, 100, 100)), _telling(salt, user_id, dice))
    for user_id in (*LONG, *TOO_LONG):
        for holdback in (0, _telling(SALTS[0], user_id, dice), 50, 100):
            yield _row(SALTS[0], user_id, 100, holdback)
    for percentage in range(101):
        for holdback in (0, 5, 50):
            yield _row(SALTS[2], "42", percentage, holdback)
            yield _row(SALTS[2], "43", percentage, holdback)
    for salt in SALTS[:2]:
        yield from _edges(salt)


def _row(salt: str, user_id: str, percentage: int, holdback: int) -> Row:
    return {
        "salt": salt,
        "user_id": user_id,
        "bucket": bucket(salt, user_id),
        "holdback_bucket": bucket(salt + HOLDBACK, user_id),
        "percentage": percentage,
        "holdback": holdback,
        "group": group(salt, user_id, percentage, holdback),
    }


def _telling(salt: str, user_id: str, dice: random.Random) -> int:
    """A holdback that says much about the user: mostly the last one that does not hold them back, or the first."""
    below = bucket(salt + HOLDBACK, user_id) * 100 // BUCKETS
    return dice.choice((below, below, below + 1, below + 1, dice.randrange(MOST + 1)))


def _edges(salt: str) -> Iterator[Row]:
    """The last hash that is held back and the first that is not, at every holdback."""
    for holdback in (*range(MOST + 1), 100):
        for target in (limit(holdback) - 1, limit(holdback)):
            if 0 <= target < 1 << 32:
                yield _row(salt, reach(salt + HOLDBACK, target), 100, holdback)
