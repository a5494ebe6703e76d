"""`TrafficStore` over Redis.

Trying a write twice is harmless, because a record that stands already is simply found standing.
"""

import asyncio
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Self

from mlrollout.domain.claim import Claim, decode_claim, encode_claim
from mlrollout.domain.record import encode
from mlrollout.domain.traffic import Outcome, Raise, Traffic, Write, Written
from mlrollout.ports import TrafficError
from mlrollout.redis_common.address import Tls
from mlrollout.redis_common.names import claim_of, record_of

from .bounded import are_texts
from .calls import Calls

SCRIPT = files(__package__).joinpath("order.lua").read_text(encoding="utf-8")
"""Sent whole each time: by its hash it is no faster, and would be unknown after each restart of Redis."""
_AT_A_TIME = 32
"""Answers that are parsed in a row: at their longest, some milliseconds' worth."""
_OUTCOMES = {one.encode(): one for one in Outcome}


class RedisTrafficStore:
    """The percentage in one Redis."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    @classmethod
    def from_url(cls, url: str, tls: Tls | None = None, file: Path | None = None) -> Self:
        """A store that connects at its first call; its login is read again where the URL stands in a file.

        Raises:
            TrafficError: The URL can't be read.
        """
        return cls(Calls.from_url(url, tls, file))

    async def read(self, key: str) -> Traffic:
        """What stands under the key now."""
        found = await self._calls.call(key, "MGET", key, record_of(key))
        if not are_texts(found, 2):
            raise self._calls.nonsense()
        return Traffic.parse(*found)

    async def read_many(self, keys: Sequence[str]) -> Sequence[Traffic | TrafficError]:
        """What stands under each of many keys, or why that can't be known, in their order."""
        found = await self._calls.read({key: (key, record_of(key)) for key in keys})
        told: list[Traffic | TrafficError] = []
        for key in keys:
            answer = found[key]
            told.append(answer if isinstance(answer, TrafficError) else Traffic.parse(*answer))
            if len(told) % _AT_A_TIME == 0:
                await asyncio.sleep(0)  # what else is to be done, a rollback perhaps, waits for none but these
        return told

    async def write(self, key: str, write: Write, *, lease: float | None = None) -> Written:
        """Merge a record into Redis by the order; `order.lua` is where that happens."""
        found = await self._calls.call(
            key,
            *("EVAL", SCRIPT, 2, key, record_of(key)),
            encode(write.record),
            "raise" if isinstance(write, Raise) else "",
            encode(write.expect) if isinstance(write, Raise) and write.expect else "",
            max(1, round(lease * 1000)) if lease is not None else 0,
        )
        if not are_texts(found, 4) or found[0] not in _OUTCOMES:
            raise self._calls.nonsense()
        outcome, key_now, record_now, key_before = found
        return Written(
            _OUTCOMES[outcome], Traffic.parse(key_now, record_now), Traffic.parse(key_before, None).percentage
        )

    async def claim(self, key: str, claim: Claim, seconds: float) -> None:
        """Leave word that an object wants the key.

        Apart from `order.lua` and from what is read at each look: a user of Redis without a right to this key still
        guards.
        """
        await self._calls.call(key, "SET", claim_of(key), encode_claim(claim), "PX", round(seconds * 1000))

    async def claimed(self, key: str) -> Claim | None:
        """Who has last said that they want the key."""
        found = await self._calls.call(key, "GET", claim_of(key))
        if not are_texts([found], 1):
            raise self._calls.nonsense()
        return decode_claim(found)

    async def close(self) -> None:
        """Give up the connections."""
        await self._calls.close()
