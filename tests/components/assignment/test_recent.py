"""The error rate is that of the last five minutes, and ages by itself."""

import math
import threading
from time import sleep
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlrollout import Group
from mlrollout.assignment.recent import SLOT, SLOTS, Recent, error_rate

NOW = 1_800_000_000.0
WINDOW = SLOT * SLOTS


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("mlrollout.assignment.recent.time", clock)
    return clock


def rate(*processes: Recent, group: Group = Group.TREATMENT) -> float:
    return error_rate([process.table for process in processes], group)


def add(process: Recent, successes: int, failures: int, group: Group = Group.TREATMENT) -> None:
    for _ in range(successes):
        process.add(group, failed=False)
    for _ in range(failures):
        process.add(group, failed=True)


def test_no_calls_are_not_a_good_error_rate() -> None:
    assert math.isnan(rate(Recent("x")))


def test_it_is_the_share_of_failures_of_one_group(clock: Clock) -> None:
    process = Recent("x")
    add(process, 3, 1)
    add(process, 1, 3, Group.CONTROL)

    assert (rate(process), rate(process, group=Group.CONTROL)) == (0.25, 0.75)


def test_it_is_over_all_processes_and_not_an_average_of_theirs(clock: Clock) -> None:
    busy, idle = Recent("x"), Recent("x")
    add(busy, 8, 1)
    add(idle, 0, 1)

    assert rate(busy, idle) == 0.2


def test_an_idle_process_ages_by_itself(clock: Clock) -> None:
    process = Recent("x")
    add(process, 1, 1)

    clock.now += WINDOW - SLOT
    assert rate(process) == 0.5
    clock.now += SLOT
    assert math.isnan(rate(process))


def test_a_slot_that_comes_round_again_begins_at_zero(clock: Clock) -> None:
    process = Recent("x")
    add(process, 0, 5)
    clock.now += WINDOW
    add(process, 1, 0)
    add(process, 0, 1)

    assert rate(process) == 0.5


def test_a_clock_that_was_put_back_leaves_nothing_from_the_future(clock: Clock) -> None:
    process = Recent("x")
    add(process, 0, 5)
    clock.now -= 3600

    assert math.isnan(rate(process))
    add(process, 1, 0)
    assert rate(process) == 0


@given(st.lists(st.tuples(st.floats(0, 100), st.booleans())))
def test_it_is_what_counting_by_hand_gives(calls: list[tuple[float, bool]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        clock, process = Clock(), Recent("x")
        patch.setattr("mlrollout.assignment.recent.time", clock)
        at = []
        for pause, failed in calls:
            clock.now += pause
            process.add(Group.TREATMENT, failed=failed)
            at.append((clock.now // SLOT, failed))
        recent = [failed for slot, failed in at if slot > clock.now // SLOT - SLOTS]

        assert rate(process) == pytest.approx(sum(recent) / len(recent) if recent else math.nan, nan_ok=True)


def test_eight_threads_lose_no_call(clock: Clock) -> None:
    class Yielding(list[int]):
        """Cells between whose reading and writing another thread has its turn."""

        def __getitem__(self, place: Any) -> Any:
            found = super().__getitem__(place)
            sleep(0)
            return found

    process = Recent("x")
    process._cells = Yielding(process.table)  # type: ignore[assignment]  # all that is done with it is reading and writing
    threads = [threading.Thread(target=add, args=(process, 200, 200 if one else 0)) for one in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(cell & (1 << 32) - 1 for cell in process.table) == 3000
    assert rate(process) == 7 / 15
