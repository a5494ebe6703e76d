"""Records that are not ours, or no longer: they mean control, and they stop nobody from lowering."""

import json
from typing import Any

import pytest
import redis
from mlrollout.adapters.redis import RedisTrafficStore
from mlrollout.domain.record import LONGEST, UnreadableRecordError, decode, encode
from mlrollout.domain.traffic import Lower, Outcome, Raise, SavedRecord
from mlrollout.ports import KeyRefusedError, TrafficError

from tests.components.redis.examples import LATCHED, TEN, ZERO, record
from tests.components.redis.histories import FIELDS, NOBODYS, NOT_OURS, VALUES

RAISE = Raise(SavedRecord(TEN), expect=ZERO)


@pytest.mark.parametrize("text", NOT_OURS)
async def test_somebody_elses_record_is_kept_and_only_the_key_lowered(
    store: RedisTrafficStore, key: str, raw: redis.Redis, text: str
) -> None:
    raw.mset({key: "30", f"{key}:record": text})

    for write in (RAISE, Lower(TEN), Lower(LATCHED)):
        written = await store.write(key, write)
        assert written.outcome is Outcome.UNREADABLE
        assert written.traffic.unreadable
        assert written.traffic.in_force == 0
        assert raw.get(f"{key}:record") == text
        assert raw.get(key) == ("0" if write.record == LATCHED else "30")


@pytest.mark.parametrize("text", [*NOBODYS, '{"schema":1}', encode(TEN).replace("10", "110")])
async def test_damage_is_replaced_by_a_lowering_write_alone(
    store: RedisTrafficStore, key: str, raw: redis.Redis, text: str
) -> None:
    raw.mset({key: "30", f"{key}:record": text})

    for write in (RAISE, Lower(TEN)):
        assert (await store.write(key, write)).outcome is Outcome.UNREADABLE
        assert raw.mget(key, f"{key}:record") == ["30", text]

    assert (await store.write(key, Lower(LATCHED))).outcome is Outcome.APPLIED
    assert raw.mget(key, f"{key}:record") == ["0", encode(LATCHED)]


@pytest.mark.parametrize("letter", ["x", "é", "😀"])
@pytest.mark.parametrize("length", [LONGEST, LONGEST + 1, 100_000])
async def test_a_record_that_is_too_long_is_somebody_elses(
    store: RedisTrafficStore, key: str, raw: redis.Redis, length: int, letter: str
) -> None:
    text = encode(TEN)[:-1] + ',"pad":"'
    text += letter * (length - len(text) - 2) + '"}'
    raw.mset({key: "10", f"{key}:record": text})
    written = await store.write(key, Lower(LATCHED))
    assert (written.outcome is Outcome.UNREADABLE) == bool(written.traffic.unreadable) == (length > LONGEST)
    assert raw.get(key) == "0"
    assert raw.get(f"{key}:record") == (encode(LATCHED) if length == LONGEST else text)


async def test_another_programs_data_is_not_overwritten(store: RedisTrafficStore, key: str, raw: redis.Redis) -> None:
    raw.hset(key, "user:7", "treatment")
    with pytest.raises(KeyRefusedError, match="something other than a string"):
        await store.write(key, Lower(ZERO))
    assert raw.hgetall(key) == {"user:7": "treatment"}


async def test_another_programs_record_is_not_overwritten(store: RedisTrafficStore, key: str, raw: redis.Redis) -> None:
    raw.set(key, "30")
    raw.hset(f"{key}:record", "user:7", "treatment")

    written = await store.write(key, Lower(LATCHED))

    assert (written.outcome, written.traffic.key) == (Outcome.UNREADABLE, "0")
    assert raw.hgetall(f"{key}:record") == {"user:7": "treatment"}


@pytest.mark.parametrize("field", FIELDS)
async def test_the_script_can_read_what_we_can_read(
    store: RedisTrafficStore, key: str, raw: redis.Redis, field: str
) -> None:
    base: dict[str, Any] = json.loads(encode(TEN))
    for latched in (False, True):
        for value in VALUES:
            text = json.dumps({**base, "latched": latched, "percentage": 0 if latched else 10, field: value})
            raw.mset({key: "30", f"{key}:record": text})
            written = await store.write(key, Lower(record(100, attempt=2)))
            assert (written.outcome is Outcome.UNREADABLE) == (not readable(text)), text


async def test_fields_that_are_missing_are_read_alike(store: RedisTrafficStore, key: str, raw: redis.Redis) -> None:
    for field in FIELDS:
        text = json.dumps({name: value for name, value in json.loads(encode(TEN)).items() if name != field})
        raw.mset({key: "30", f"{key}:record": text})
        written = await store.write(key, Lower(record(100, attempt=2)))
        assert (written.outcome is Outcome.UNREADABLE) == (not readable(text)), text


async def test_a_record_without_an_owner_is_released(store: RedisTrafficStore, key: str, raw: redis.Redis) -> None:
    fields = {name: value for name, value in json.loads(encode(TEN)).items() if name not in {"owner", "holder"}}
    raw.mset({key: "10", f"{key}:record": json.dumps(fields)})
    assert (await store.write(key, Lower(LATCHED))).outcome is Outcome.APPLIED


async def test_a_record_that_nobody_could_read_is_not_written(
    store: RedisTrafficStore, key: str, raw: redis.Redis
) -> None:
    with pytest.raises(TrafficError):
        await store.write(key, Raise(SavedRecord(record(101))))
    assert not raw.exists(key, f"{key}:record")


async def test_bytes_that_are_no_text_are_control(store: RedisTrafficStore, key: str, raw: redis.Redis) -> None:
    raw.mset({key: b"\xff\xfe", f"{key}:record": b"\xff{"})
    traffic = await store.read(key)
    assert (traffic.percentage, traffic.in_force) == (None, 0)
    assert traffic.unreadable


def readable(text: str) -> bool:
    try:
        decode(text)
    except UnreadableRecordError:
        return False
    return True
