"""Users, and where each formula that is nearly right puts them elsewhere."""

import random
from collections.abc import Iterator, Mapping
from uuid import UUID

from mlrollout.assignment.bucket import BUCKETS, bucket, group, hashed, limit

from docs.vectors.reach import reach

SALTS = (
    "ml_dispatch:rollout_percentage",
    "{ml_dispatch}:rollout_percentage",
    "ml_dispatch:1",
    "ml_dispatch:2",
    "",
    "배차",
    "🚚",
)
NAMES = ("김철수", "이영희", "박민수", "최지우", "정하늘", "Zoë", "José", "Łukasz", "Иван", "محمد", "李小龍", "さくら")
ODD = (
    # Composed and decomposed, which no client may make the same.
    "é",
    "e\u0301",
    "각",
    "\u1100\u1161\u11a8",
    # Beyond 16 bits, joined, and with a variation selector.
    "🙂",
    "👩‍👩‍👧‍👦",
    "🇰🇷",
    "❤️",
    "\U0001d4b3",
    "\U0010ffff",
    # What a careless client cuts off, strips or takes for the end.
    "\0",
    "a\0b",
    "a\0",
    " ",
    " a",
    "a ",
    "a\n",
    "\t",
    "\ufeffa",
    "\u200b",
    "\u2028",
    "\x7f",
    "\u0080",
    "\uffff",
    # What a careless client takes for something else.
    "0",
    "-0",
    "007",
    "1e3",
    "null",
    "None",
    "undefined",
    "true",
    "NaN",
    "__proto__",
    "USER-1",
    "user-1",
    ":",
    "1:42",
    '"',
    "\\",
    "%00",
)
LONG = ("x" * 1_024, "배차" * 170, "🚚" * 256)
TOO_LONG = ("x" * 1_025, "배차" * 171, "🚚" * 256 + "!", "x" * 10_000)
"""By bytes in UTF-8; in characters, or in units of 16 bits, most are short enough."""
EACH = 300
"""How many users of each common kind there are for each salt."""

Row = Mapping[str, str | int]


def buckets() -> Iterator[Row]:
    """The rows of buckets.jsonl."""
    dice = random.Random(2026)
    for salt in SALTS:
        for user_id in ("", *ODD, *NAMES, *_lengths(dice), *_common(dice)):
            yield _row(salt, user_id, _telling(salt, user_id, dice))
    for user_id in (*LONG, *TOO_LONG):
        for percentage in (_telling(SALTS[0], user_id, dice), 25, 50, 75, 100):
            yield _row(SALTS[0], user_id, percentage)
    for user_id, percentage in _everywhere():
        yield _row(SALTS[2], user_id, percentage)
    for salt in SALTS[:2]:
        yield from _edges(salt)


def _row(salt: str, user_id: str, percentage: int) -> Row:
    return {
        "salt": salt,
        "user_id": user_id,
        "hash": hashed(salt, user_id),
        "bucket": bucket(salt, user_id),
        "percentage": percentage,
        "group": group(salt, user_id, percentage),
    }


def _lengths(dice: random.Random) -> Iterator[str]:
    """Printable ASCII of every length up to 40: each remainder by four takes its own path through the hash."""
    for length in range(1, 41):
        for _ in range(3):
            yield "".join(chr(dice.randrange(0x20, 0x7F)) for _ in range(length))


def _common(dice: random.Random) -> Iterator[str]:
    for number in range(EACH):
        yield str(number)
        yield str(dice.randrange(10**12))
        yield str(UUID(int=dice.getrandbits(128), version=4))
        yield f"{dice.choice(('kim', 'lee', 'park', 'choi'))}.{dice.randrange(10**4)}@example.com"


def _telling(salt: str, user_id: str, dice: random.Random) -> int:
    """A percentage that says much about the user: mostly the last one in control, or the first in treatment."""
    below = bucket(salt, user_id) * 100 // BUCKETS
    return dice.choice((below, below, below + 1, below + 1, dice.randrange(101)))


def _everywhere() -> Iterator[tuple[str, int]]:
    """A user who has no id, and one who has, at every percentage."""
    for percentage in range(101):
        yield "", percentage
        yield "42", percentage


def _edges(salt: str) -> Iterator[Row]:
    """The last hash in treatment and the first in control, at every percentage."""
    for percentage in range(101):
        for target in (limit(percentage) - 1, limit(percentage)):
            if 0 <= target < 1 << 32:
                yield _row(salt, reach(salt, target), percentage)
