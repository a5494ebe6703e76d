"""What users answered to the survey: at most one rating by a user in a period, counted by group.

Users rate as often as they like, and evidence is about users: whoever rates twenty dispatches says no more than anybody
else. What is kept is bounded by the number of users that count in a period, not by what is sent.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from hashlib import blake2b
from uuid import uuid4

from mlrollout.redis_common.names import rated_of, ratings_of

from .calls import Calls

KEPT = 90 * 86_400
"""Seconds that an attempt's counts outlive the last rating."""

MOST_RATERS = 100_000
"""Users whose ratings count in one period of an attempt: some 10 MB."""

# A call may be tried twice, so a user's entry knows by its nonce whether it is this call's own.
_RATE = """
local had = redis.call('HGET', KEYS[1], ARGV[1])
if had then
  if had == ARGV[2] .. ARGV[3] then return 0 end
  return string.sub(had, 1, #ARGV[2]) == ARGV[2] and 1 or 2
end
if redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[7]) then return 3 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[5])
redis.call('HINCRBY', KEYS[2], ARGV[4], 1)
redis.call('EXPIRE', KEYS[2], ARGV[6])
return 0
"""
_TOTALS = "return redis.call('HGETALL', KEYS[1])"


class Taken(IntEnum):
    """What became of a rating."""

    COUNTED = 0
    AGAIN = 1
    """The user's rating of this very dispatch counts already."""
    ENOUGH = 2
    """The user's rating of another dispatch counts for this period."""
    FULL = 3
    """As many users as there may be have rated in this period."""


@dataclass(frozen=True, slots=True)
class Rating:
    """A user's answer about a dispatch.

    Attributes:
        user: Who rates; only a hash is kept.
        dispatch: What is rated; likewise.
        rating: The answer.
    """

    user: str
    dispatch: str
    rating: int


@dataclass(frozen=True, slots=True)
class Ratings:
    """The ratings of a group in an attempt.

    Attributes:
        counts: How often each rating was given.
    """

    counts: Mapping[int, int] = field(default_factory=dict)

    @property
    def number(self) -> int:
        """How many ratings there are."""
        return sum(self.counts.values())

    @property
    def average(self) -> float | None:
        """The mean of the ratings; `None` without any."""
        return sum(rating * times for rating, times in self.counts.items()) / self.number if self.number else None


class RedisSurvey:
    """The answers in one Redis, which may be shared by any number of servers."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def rate(self, key: str, attempt: int, group: str, given: Rating, *, now: float, every: float) -> Taken:
        """Count a rating in, unless one of the user counts in this period already.

        Args:
            key: The key of the percentage.
            attempt: The attempt that it is about.
            group: The group that the user is in.
            given: What the user answered.
            now: Seconds since the epoch.
            every: Seconds of a period.

        Raises:
            TrafficError: Whether it was counted is unknown.
        """
        names = (rated_of(key, attempt, int(now // every)), ratings_of(key, attempt))
        marks = (_mark(given.user), _mark(given.dispatch), uuid4().bytes[:8])
        told = (f"{group}:{given.rating}", int(2 * every) + 1, KEPT, MOST_RATERS)
        return Taken(await self._calls.call(key, "EVAL", _RATE, 2, *names, *marks, *told))

    async def totals(self, key: str, attempt: int) -> Mapping[str, Ratings]:
        """The ratings by group; a group without any is left out.

        Raises:
            TrafficError: It can't be known now.
        """
        found = await self._calls.call(key, "EVAL", _TOTALS, 1, ratings_of(key, attempt))
        counts: dict[str, dict[int, int]] = {}
        for name, times in zip(found[::2], found[1::2], strict=True):
            group, _, rating = name.decode().partition(":")
            counts.setdefault(group, {})[int(rating)] = int(times)
        return {group: Ratings(by_rating) for group, by_rating in counts.items()}


def _mark(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=12).digest()
