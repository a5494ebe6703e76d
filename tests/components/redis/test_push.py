"""What `<key>:changes` carries."""

from collections.abc import Iterator

import pytest
import redis
from mlrollout.adapters.redis import RedisTrafficStore
from mlrollout.domain.record import encode
from mlrollout.domain.traffic import Lower, Raise, SavedRecord

from tests.components.redis.examples import LATCHED, TEN, THIRTY, ZERO


class Listener:
    """Somebody who subscribed to a key's changes."""

    def __init__(self, raw: redis.Redis, key: str) -> None:
        self._raw = raw
        self._channel = f"{key}:changes"
        self._pubsub = raw.pubsub()  # type: ignore[no-untyped-call]  # has no types
        self._pubsub.subscribe(self._channel)
        self._next()

    def heard(self) -> list[str]:
        """Everything since the last call."""
        self._raw.publish(self._channel, "end")
        return list(iter(lambda: str(self._next()["data"]), "end"))

    def close(self) -> None:
        self._pubsub.close()

    def _next(self) -> dict[str, str]:
        message: dict[str, str] | None = self._pubsub.get_message(timeout=10)
        assert message, "the subscription is dead"
        return message


@pytest.fixture
def listener(raw: redis.Redis, key: str) -> Iterator[Listener]:
    opened = Listener(raw, key)
    yield opened
    opened.close()


async def test_each_accepted_record_is_pushed_as_it_stands(
    store: RedisTrafficStore, key: str, listener: Listener, raw: redis.Redis
) -> None:
    for write in (Lower(ZERO), Raise(SavedRecord(TEN), expect=ZERO), Lower(LATCHED)):
        await store.write(key, write)
        assert listener.heard() == [encode(write.record)] == [raw.get(f"{key}:record")]


async def test_what_changes_no_record_is_not_pushed(
    store: RedisTrafficStore, key: str, listener: Listener, raw: redis.Redis
) -> None:
    raw.mset({key: "90", f"{key}:record": encode(TEN)})
    for write in (
        Lower(TEN),
        Raise(SavedRecord(TEN), expect=ZERO),
        Lower(ZERO),
        Lower(THIRTY),
        Raise(SavedRecord(THIRTY), expect=ZERO),
    ):
        await store.write(key, write)
    raw.set(f"{key}:record", '{"schema":2}')
    await store.write(key, Lower(LATCHED))
    assert listener.heard() == []
