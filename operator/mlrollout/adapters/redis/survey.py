"""What users answered to the survey: one rating by a user of a dispatch, counted by group."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import uuid4

from mlrollout.redis_server.names import rated_of, ratings_of

from .calls import Calls

KEPT = 90 * 86_400
"""Seconds that a rating is remembered, and that an attempt's counts outlive the last rating."""

# A call may be tried twice, so a mark knows by its nonce whether it is this call's own.
_RATE = """
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'EX', ARGV[3]) then
  redis.call('HINCRBY', KEYS[2], ARGV[2], 1)
  redis.call('EXPIRE', KEYS[2], ARGV[3])
  return 1
end
return redis.call('GET', KEYS[1]) == ARGV[1] and 1 or 0
"""
_TOTALS = "return redis.call('HGETALL', KEYS[1])"


@dataclass(frozen=True, slots=True)
class Ratings:
    """The ratings of a group in an attempt.

    Attributes:
        counts: How often each rating was given.
    """

    counts: Mapping[int, int] = field(default_factory=dict)

    @property
    def number(self) -> int:
        """How many there are."""
        return sum(self.counts.values())

    @property
    def average(self) -> float | None:
        """Their mean; `None` without any."""
        return sum(rating * times for rating, times in self.counts.items()) / self.number if self.number else None


class RedisSurvey:
    """The answers in one Redis, which may be shared by any number of servers."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def rate(self, key: str, attempt: int, group: str, mark: str, rating: int) -> bool:
        """Count a rating in, unless there is one with this mark.

        Args:
            key: The key of the percentage.
            attempt: The attempt that it is about.
            group: The group that the user is in.
            mark: Stands for the user and the dispatch; neither is kept.
            rating: What the user answered.

        Returns:
            Whether it was counted.

        Raises:
            TrafficError: Whether it was counted is unknown.
        """
        names = (rated_of(key, mark), ratings_of(key, attempt))
        told = (uuid4().hex, f"{group}:{rating}", KEPT)
        return bool(await self._calls.call(key, "EVAL", _RATE, 2, *names, *told))

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
