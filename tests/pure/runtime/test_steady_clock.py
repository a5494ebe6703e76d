"""The clock of a process: the machine's time, without its jumps."""

import asyncio
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlrollout.ports import SourceError
from mlrollout.runtime.steady_clock import SLEW, SteadyClock

from tests.pure.runtime.fates import failing
from tests.pure.runtime.small_world import SmallWorld
from tests.pure.runtime.specs import GUARDRAIL
from tests.support.virtual_time import virtual

EPOCH = 1_800_000_000.0


class Machine:
    """A machine whose clock can be set."""

    def __init__(self) -> None:
        self.passed = 0.0
        self.set_by = 0.0
        self.clock = SteadyClock(lambda: EPOCH + self.passed + self.set_by, lambda: self.passed)


def test_it_tells_the_machine_s_time() -> None:
    assert SteadyClock().now() == pytest.approx(time.time(), abs=1)


def test_it_goes_with_a_machine_s_clock_that_is_right() -> None:
    machine = Machine()
    for seconds in (0.1, 10.0, 86400.0):
        machine.passed += seconds
        assert machine.clock.now() == pytest.approx(EPOCH + machine.passed)


@pytest.mark.parametrize("jump", [3600.0, -3600.0, 0.5, -0.5])
def test_a_jump_is_not_followed_but_approached(jump: float) -> None:
    machine = Machine()
    machine.set_by = jump
    before = machine.clock.now()
    machine.passed += 1
    assert machine.clock.now() - before == pytest.approx(1, abs=SLEW)
    for _ in range(2000):
        machine.passed += abs(jump) / SLEW / 1000
        machine.clock.now()
    assert machine.clock.now() == pytest.approx(EPOCH + machine.passed + jump)


@given(st.lists(st.tuples(st.floats(0, 1e5), st.floats(-1e6, 1e6)), max_size=20))
def test_it_never_goes_back_and_a_duration_is_off_by_its_slew_at_most(steps: list[tuple[float, float]]) -> None:
    machine = Machine()
    for passed, set_by in steps:
        before = machine.clock.now()
        machine.passed += passed
        machine.set_by = set_by
        duration = machine.clock.now() - before
        assert duration >= 0
        assert abs(duration - passed) <= SLEW * passed + 1e-5


@virtual
async def test_an_hour_that_the_machine_is_set_forward_is_no_hour_without_evidence() -> None:
    world = SmallWorld()
    steady = SteadyClock(world.now, asyncio.get_running_loop().time)
    impatient = {**GUARDRAIL, "onError": {"action": "Rollback", "after": "10m"}}
    await world.begun(guardrails=[impatient], clock=steady)
    world.prometheus.fates.always["query"] = failing(SourceError("it can't be reached"))
    await asyncio.sleep(2)
    world.skew = 3600.0
    await asyncio.sleep(2)
    world.prometheus.fates.always.clear()
    await asyncio.sleep(60)
    assert world.redis.percentage == "10"

    world.prometheus.fates.always["query"] = failing(SourceError("it can't be reached"))
    await asyncio.sleep(500)
    assert world.redis.percentage == "10"
    await world.until(lambda: world.redis.percentage == "0", within=150)
    assert world.reasons()[-2:] == ["EvidenceMissing", "RolledBack"]
