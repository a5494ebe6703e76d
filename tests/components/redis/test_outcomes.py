"""What becomes of a write, one example for each outcome and for each rule behind it."""

from dataclasses import replace

import pytest
import redis
from mlrollout.adapters.redis import RedisTrafficStore
from mlrollout.domain.record import Cause, encode
from mlrollout.domain.traffic import Lower, Outcome, Raise, SavedRecord, Traffic, Write

from tests.components.redis.examples import LATCHED, TEN, THIRTY, ZERO, record


async def at_ten(store: RedisTrafficStore, key: str) -> None:
    await store.write(key, Lower(ZERO))
    await store.write(key, Raise(SavedRecord(TEN), expect=ZERO))


async def test_nothing_stands_where_nothing_was_written(store: RedisTrafficStore, key: str) -> None:
    assert await store.read(key) == Traffic(None, None)


async def test_a_rollout_goes_up_and_comes_down(store: RedisTrafficStore, key: str, raw: redis.Redis) -> None:
    await at_ten(store, key)
    raised = await store.write(key, Raise(SavedRecord(THIRTY), expect=TEN))
    assert (raised.outcome, raised.traffic) == (Outcome.APPLIED, Traffic("30", THIRTY))
    assert raw.get(f"{key}:record") == encode(THIRTY)

    lowered = await store.write(key, Lower(LATCHED))
    assert (lowered.outcome, lowered.traffic) == (Outcome.APPLIED, Traffic("0", LATCHED))
    assert await store.read(key) == Traffic("0", LATCHED)


async def test_a_write_that_did_arrive_may_be_repeated(store: RedisTrafficStore, key: str) -> None:
    await at_ten(store, key)
    again = await store.write(key, Raise(SavedRecord(TEN), expect=ZERO))
    assert (again.outcome, again.traffic) == (Outcome.APPLIED, Traffic("10", TEN))


async def test_a_key_without_a_record_is_taken_to_zero_first(
    store: RedisTrafficStore, key: str, raw: redis.Redis
) -> None:
    raw.set(key, "10")
    assert (await store.write(key, Raise(SavedRecord(TEN)))).outcome is Outcome.CHANGED
    assert (await store.write(key, Lower(TEN))).outcome is Outcome.GROWS
    assert raw.get(key) == "10"

    assert (await store.write(key, Lower(ZERO))).outcome is Outcome.APPLIED
    assert raw.get(key) == "0"


async def test_lost_data_is_restored_as_a_raise_only(store: RedisTrafficStore, key: str, raw: redis.Redis) -> None:
    await at_ten(store, key)
    raw.delete(key, f"{key}:record")

    assert (await store.read(key)).lost
    assert (await store.write(key, Lower(TEN))).outcome is Outcome.GROWS
    assert (await store.write(key, Raise(SavedRecord(TEN), expect=ZERO))).outcome is Outcome.CHANGED
    assert (await store.write(key, Raise(SavedRecord(TEN)))).traffic == Traffic("10", TEN)


async def test_a_stale_raise_is_outranked_by_the_latch(store: RedisTrafficStore, key: str) -> None:
    await at_ten(store, key)
    await store.write(key, Lower(LATCHED))

    late = replace(THIRTY, sequence=LATCHED.sequence + 5)
    written = await store.write(key, Raise(SavedRecord(late), expect=LATCHED))

    assert (written.outcome, written.traffic) == (Outcome.OUTRANKED, Traffic("0", LATCHED))


@pytest.mark.parametrize("stop", ["0", "5", None, "off"])
async def test_a_key_taken_below_its_record_stops_raises_and_stays(
    store: RedisTrafficStore, key: str, raw: redis.Redis, stop: str | None
) -> None:
    await at_ten(store, key)
    raw.delete(key) if stop is None else raw.set(key, stop)

    for write in (Raise(SavedRecord(THIRTY), expect=TEN), Lower(TEN), Lower(ZERO)):
        written = await store.write(key, write)
        assert written.outcome is (Outcome.OUTRANKED if write.record == ZERO else Outcome.STOPPED)
        assert written.traffic == Traffic(stop, TEN)

    assert (await store.write(key, Lower(LATCHED))).traffic == Traffic("0", LATCHED)


@pytest.mark.parametrize("write", [Lower(TEN), Lower(ZERO), Raise(SavedRecord(THIRTY), expect=TEN)])
async def test_a_key_raised_by_hand_is_put_back(
    store: RedisTrafficStore, key: str, raw: redis.Redis, write: Write
) -> None:
    await at_ten(store, key)
    raw.set(key, "90")

    written = await store.write(key, write)

    assert written.traffic.key == str(max(write.record.percentage, TEN.percentage))


@pytest.mark.parametrize("text", [None, "1000", "on"])
async def test_a_key_at_zero_is_made_readable_again(
    store: RedisTrafficStore, key: str, raw: redis.Redis, text: str | None
) -> None:
    await store.write(key, Lower(ZERO))
    raw.delete(key) if text is None else raw.set(key, text)
    assert (await store.write(key, Lower(ZERO))).traffic == Traffic("0", ZERO)


async def test_a_raise_needs_the_record_it_was_based_on(store: RedisTrafficStore, key: str) -> None:
    await at_ten(store, key)
    for expect in (None, ZERO, replace(TEN, owner="uid-2")):
        written = await store.write(key, Raise(SavedRecord(THIRTY), expect=expect))
        assert (written.outcome, written.traffic) == (Outcome.CHANGED, Traffic("10", TEN))


async def test_what_is_no_raise_never_lets_traffic_grow(store: RedisTrafficStore, key: str) -> None:
    await at_ten(store, key)
    assert (await store.write(key, Lower(THIRTY))).outcome is Outcome.GROWS
    assert await store.read(key) == Traffic("10", TEN)

    lower = record(5, sequence=2)
    assert (await store.write(key, Lower(lower))).traffic == Traffic("5", lower)


async def test_a_key_has_one_owner(store: RedisTrafficStore, key: str) -> None:
    await at_ten(store, key)
    foreign = replace(LATCHED, attempt=9, owner="uid-2", holder="dispatch/other")
    written = await store.write(key, Lower(foreign))
    assert (written.outcome, written.traffic) == (Outcome.FOREIGN, Traffic("10", TEN))


async def test_a_recreated_object_takes_over_with_a_newer_attempt_only(store: RedisTrafficStore, key: str) -> None:
    await at_ten(store, key)
    assert (await store.write(key, Lower(replace(TEN, owner="uid-2")))).outcome is Outcome.OUTRANKED
    successor = record(0, attempt=2, owner="uid-2")
    assert (await store.write(key, Lower(successor))).traffic == Traffic("0", successor)


async def test_of_the_same_name_in_another_cluster_is_no_successor(store: RedisTrafficStore, key: str) -> None:
    await at_ten(store, key)
    here, there = replace(TEN, cluster="here"), replace(record(0, attempt=2, owner="uid-2"), cluster="there")
    assert (await store.write(key, Lower(here))).traffic.record == TEN
    written = await store.write(key, Lower(there))
    assert (written.outcome, written.traffic) == (Outcome.FOREIGN, Traffic("10", TEN))
    assert written.traffic.record is not None
    assert written.traffic.record.cluster == "here"

    unknown = replace(there, cluster="")
    assert (await store.write(key, Lower(unknown))).outcome is Outcome.APPLIED


async def test_a_record_without_a_cluster_is_given_its_own_and_keeps_its_lease(
    store: RedisTrafficStore, key: str, raw: redis.Redis
) -> None:
    await store.write(key, Lower(ZERO))
    await store.write(key, Raise(SavedRecord(TEN), expect=ZERO), lease=60)
    here = replace(TEN, cluster="here")
    assert (await store.write(key, Lower(here), lease=60)).outcome is Outcome.APPLIED
    assert raw.get(f"{key}:record") == encode(here)
    assert raw.ttl(f"{key}:record") > 0

    await store.write(key, Raise(SavedRecord(replace(TEN, cluster="there")), expect=ZERO), lease=60)
    assert raw.get(f"{key}:record") == encode(here), "the first stands"


async def test_of_two_causes_the_first_stands(store: RedisTrafficStore, key: str, raw: redis.Redis) -> None:
    await at_ten(store, key)
    first, second = (replace(LATCHED, cause=Cause("GuardrailBreached", text, 1.0)) for text in ("first", "second"))
    await store.write(key, Lower(first))
    written = await store.write(key, Lower(second))
    assert written.outcome is Outcome.APPLIED
    assert written.traffic.record is not None
    assert written.traffic.record.cause == first.cause
    assert raw.get(f"{key}:record") == encode(first)


async def test_a_released_key_goes_to_whoever_outranks_it(store: RedisTrafficStore, key: str) -> None:
    await at_ten(store, key)
    await store.write(key, Lower(replace(LATCHED, owner="")))
    other = replace(record(0, attempt=2, owner="uid-2"), holder="dispatch/other")
    assert (await store.write(key, Lower(replace(other, attempt=1)))).outcome is Outcome.OUTRANKED
    assert (await store.write(key, Lower(other))).traffic == Traffic("0", other)


async def test_of_two_records_of_one_rank_the_first_stands(store: RedisTrafficStore, key: str) -> None:
    await at_ten(store, key)
    written = await store.write(key, Lower(replace(TEN, stage="renamed")))
    assert (written.outcome, written.traffic) == (Outcome.APPLIED, Traffic("10", TEN))
