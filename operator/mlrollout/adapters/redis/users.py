"""How many distinct users each group has had, counted without keeping who they are.

A HyperLogLog for each attempt and group: 12 KB at most, some 0.8 % off, and no way back from it to an id.
"""

from collections.abc import Collection
from dataclasses import dataclass

from mlrollout.redis_common.names import users_of

from .calls import Calls

KEPT = 90 * 86_400
"""Seconds that an attempt's counts outlive the last user that was added to them."""

MOST = 1000
"""Users in one call: Redis serves nobody else meanwhile."""

_ADD = """
local first = 4
for i, key in ipairs(KEYS) do
  local after = first + tonumber(ARGV[i + 1])
  if after > first then
    redis.call('PFADD', key, unpack(ARGV, first, after - 1))
    redis.call('EXPIRE', key, ARGV[1])
  end
  first = after
end
"""
_COUNT = "return {redis.call('PFCOUNT', KEYS[1]), redis.call('PFCOUNT', KEYS[2]), redis.call('PFCOUNT', unpack(KEYS))}"


@dataclass(frozen=True, slots=True)
class UserCounts:
    """Distinct users of an attempt; each number is an estimate.

    Attributes:
        control: Who has been in control.
        treatment: Who has been in treatment.
        total: Both; a user who moved counts once here, and in each group.
    """

    control: int
    treatment: int
    total: int


class RedisUsers:
    """The counts in one Redis, which may be shared by any number of servers."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def add(self, key: str, attempt: int, control: Collection[bytes], treatment: Collection[bytes]) -> None:
        """Count users in; adding one again changes nothing. At most `MOST` at a time.

        Raises:
            TrafficError: Whether they were counted is unknown.
        """
        numbers = (len(control), len(treatment))
        await self._calls.call(key, "EVAL", _ADD, *_keys(key, attempt), KEPT, *numbers, *control, *treatment)

    async def count(self, key: str, attempt: int) -> UserCounts:
        """How many distinct users the attempt has had.

        Raises:
            TrafficError: It can't be known now.
        """
        control, treatment, total = await self._calls.call(key, "EVAL", _COUNT, *_keys(key, attempt))
        return UserCounts(control, treatment, total)


def _keys(key: str, attempt: int) -> tuple[int, str, str]:
    return 2, users_of(key, attempt, "control"), users_of(key, attempt, "treatment")
