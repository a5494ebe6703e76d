"""The script in Redis, held against the model and the domain's order."""

import asyncio
from collections.abc import Iterator
from uuid import uuid4

import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st
from mlrollout.adapters.redis import RedisTrafficStore
from mlrollout.domain.record import Record, encode
from mlrollout.domain.traffic import Lower, Outcome, Raise, SavedRecord, Write, Written

from devstack.redis_server import RedisServer
from tests.components.redis.awaiting import make_patient
from tests.components.redis.histories import MOST, ByHand, ByUs, records, states, steps
from tests.support.redis_model import State, merge

LEASE = 3600


class Redis:
    """One key of a real Redis, for tests that are no coroutines: Hypothesis calls them many times."""

    def __init__(self, server: RedisServer) -> None:
        self.key = f"ml_dispatch:{uuid4().hex}"
        self._runner = asyncio.Runner()
        self._store = RedisTrafficStore.from_url(server.url)
        self._raw = redis.Redis(port=server.port, decode_responses=True)

    def set(self, state: State) -> None:
        pipe = self._raw.pipeline()
        pipe.delete(self.key, f"{self.key}:record")
        if state.key is not None:
            pipe.set(self.key, state.key, ex=LEASE if state.key_expires else None)
        if state.record is not None:
            pipe.set(f"{self.key}:record", state.record, ex=LEASE if state.record_expires else None)
        pipe.execute()

    def state(self) -> State:
        pipe = self._raw.pipeline()
        for name in (self.key, f"{self.key}:record"):
            pipe.get(name)
            pipe.ttl(name)
        key, key_ttl, record, record_ttl = pipe.execute()
        return State(key, record, key_ttl > 0, record_ttl > 0)

    def write(self, write: Write, *, leased: bool = False) -> Written:
        return self._runner.run(self._store.write(self.key, write, lease=LEASE if leased else None))

    def close(self) -> None:
        self._runner.run(self._store.close())
        self._runner.close()
        self._raw.close()


@pytest.fixture(scope="module")
def real(server: RedisServer) -> Iterator[Redis]:
    with pytest.MonkeyPatch.context() as patch:
        make_patient(patch)
        opened = Redis(server)
        yield opened
        opened.close()


@settings(max_examples=1000, deadline=None)
@given(start=states(), history=st.lists(steps(), min_size=1, max_size=8))
def test_every_history_goes_as_the_model_says(real: Redis, start: State, history: list[ByUs | ByHand]) -> None:
    state = start
    real.set(state)
    for step in history:
        if isinstance(step, ByHand):
            state = step.after(state)
            real.set(state)
            continue
        write = step.at(state)
        before = state.traffic.percentage
        outcome, state = merge(state, write, leased=step.leased)
        written = real.write(write, leased=step.leased)
        assert written == Written(outcome, state.traffic, before)
        assert real.state() == state


def near(most: int) -> st.SearchStrategy[int]:
    """Numbers at both ends, where a double would lose the difference between neighbours."""
    return st.sampled_from([0, 1, 2, most - 2, most - 1, most])


ranked = st.builds(Record, near(MOST), st.booleans(), near(MOST), near(100)).filter(
    lambda record: not (record.latched and record.percentage)
)


@settings(max_examples=200, deadline=None)
@given(stored=ranked, record=ranked)
def test_the_script_orders_records_as_the_domain_does(real: Redis, stored: Record, record: Record) -> None:
    real.set(State(str(stored.percentage), encode(stored)))

    written = real.write(Raise(SavedRecord(record), expect=stored))

    stands = record.rank >= stored.rank
    assert written.outcome is (Outcome.APPLIED if stands else Outcome.OUTRANKED)
    assert written.traffic.record == (record if stands else stored)


@settings(max_examples=200, deadline=None)
@given(start=states(), record=records())
def test_only_a_raise_lets_the_percentage_in_force_grow(real: Redis, start: State, record: Record) -> None:
    real.set(start)

    written = real.write(Lower(record))

    assert written.traffic.in_force <= start.traffic.in_force
    if not record.percentage and written.outcome not in {Outcome.OUTRANKED, Outcome.FOREIGN}:
        assert written.traffic.in_force == 0
