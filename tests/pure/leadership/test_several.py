"""Several processes: standing by, taking over, handing over."""

import asyncio
from dataclasses import replace

import pytest
from mlrollout.ports import Lease
from mlrollout.runtime.leadership import TERMS
from structlog.testing import capture_logs

from tests.pure.leadership.contenders import TAKEOVER, Contender, contenders, leader, now, started
from tests.support.leases import Link, MemoryLease
from tests.support.virtual_time import run


def test_the_second_stands_by_and_says_so_once() -> None:
    one, two = contenders(2, MemoryLease())

    async def main() -> None:
        async with started(one):
            await asyncio.sleep(0.5)
            async with started(two):
                await asyncio.sleep(100)
                assert one.leads
                assert not two.leads
                assert two.leadership.holder == "op-0"

    with capture_logs() as lines:
        run(main())
    said = [line for line in lines if "stands by" in line["event"]]

    assert [(line["log_level"], line["leader"]) for line in said] == [("info", "op-0")]


def test_after_a_crash_another_takes_over_once_the_lease_has_run_out_and_counts_the_change() -> None:
    lease = MemoryLease()
    one, two, three = contenders(3, lease)

    async def main() -> tuple[Contender, float]:
        async with started(one, two, three):
            first = await leader(one, two, three)
            await asyncio.sleep(20)
            crashed = now()
            await first.crash()
            rest = [contender for contender in (one, two, three) if contender is not first]
            next_one = await leader(*rest)
            return next_one, now() - crashed

    successor, silence = run(main())

    assert TERMS.duration - 1.2 * TERMS.retry <= silence <= TAKEOVER + 0.1
    taken = next(write for write in lease.writes if write.transitions == 1)
    assert taken.holder == successor.name
    assert taken.acquired == taken.renewed > lease.writes[0].acquired


def test_a_graceful_stop_hands_over_within_one_look() -> None:
    lease = MemoryLease()
    one, two = contenders(2, lease)

    async def main() -> float:
        async with started(one):
            await asyncio.sleep(0.5)
            async with started(two):
                await asyncio.sleep(20)
                stopped = now()
                await one.stop()
                assert not one.leads
                assert lease.standing
                assert lease.standing.holder == ""
                await leader(two)
                return now() - stopped

    assert run(main()) <= 1.2 * TERMS.retry + 0.1
    assert lease.writes[-1].holder == ""
    assert lease.writes[-1].transitions == 1


def test_a_stop_in_the_middle_of_a_renewal_gives_the_lease_up_all_the_same() -> None:
    lease = MemoryLease()
    one = Contender("one", Link(lease))

    async def main() -> None:
        async with started(one):
            await asyncio.sleep(10)
            one.link.deaf = True
            writes = len(lease.writes)
            await asyncio.sleep(1.2 * TERMS.retry)
            assert len(lease.writes) == writes + 1
            one.link.deaf = False
            await one.stop()

    run(main())

    assert lease.standing
    assert lease.standing.holder == ""


def test_a_renewal_that_was_cut_short_may_arrive_while_the_lease_is_given_up() -> None:
    lease = MemoryLease()
    one = Contender("one", Link(lease))

    async def main() -> None:
        async with started(one):
            await asyncio.sleep(10)
            # The renewal that is cut short; then, on the way out, a look, a write that comes after it, and both again.
            delays = [0.5, 0.1, 0.6, 0, 0]
            sent = asyncio.Event()

            def there() -> float:
                sent.set()
                return delays.pop(0)

            one.link.there = there
            await sent.wait()
            await one.stop()

    run(main())

    assert lease.standing
    assert lease.standing.holder == ""


def test_a_stop_while_the_api_hangs_ends_in_time_and_says_what_that_means() -> None:
    one = Contender("one", Link(MemoryLease()))

    async def main() -> float:
        async with started(one):
            await asyncio.sleep(10)
            one.link.stuck = True
            stopped = now()
            await one.stop()
            return now() - stopped

    with capture_logs() as lines:
        assert run(main()) == pytest.approx(TERMS.patience)
    assert "only once it has run out" in lines[-1]["event"]
    assert one.heard[-1] == (10, False)


def test_a_standby_stops_without_touching_the_lease() -> None:
    lease = MemoryLease()
    one, two = contenders(2, lease)

    async def main() -> None:
        async with started(one):
            await asyncio.sleep(0.5)
            async with started(two):
                await asyncio.sleep(20)
            await asyncio.sleep(2)
            assert one.leads

    run(main())

    assert {write.holder for write in lease.writes} == {"op-0", ""}
    assert [write.holder for write in lease.writes].count("") == 1


def test_a_taken_lease_ends_the_leadership_with_the_next_renewal() -> None:
    lease = MemoryLease()
    one = Contender("one", Link(lease))

    async def main() -> None:
        async with started(one):
            await asyncio.sleep(10)
            assert lease.standing
            lease.replace(replace(lease.standing, holder="thief"))
            await asyncio.sleep(1.2 * TERMS.retry)
            assert not one.leads
            assert one.leadership.holder == "thief"
            one.link.stuck = True
            stopped = now()
            await one.stop()
            assert now() == stopped

    run(main())


def test_an_answer_that_got_lost_does_not_make_a_leader_and_does_not_lock_it_out() -> None:
    lease = MemoryLease()
    one = Contender("one", Link(lease))

    async def main() -> float:
        one.link.deaf = True
        async with started(one):
            await asyncio.sleep(20)
            assert not one.leads
            assert lease.standing is None
            lease.create(Lease("one", 8, 0, 0, 0))  # arrived after all
            one.link.deaf = False
            healed = now()
            await leader(one)
            return now() - healed

    assert run(main()) <= TERMS.patience + 1.2 * TERMS.retry + 0.1


def test_a_lease_that_promises_more_silence_than_ours_is_waited_for() -> None:
    lease = MemoryLease(Lease("older version", 15, 0, 0, 3, "0"))
    one = Contender("one", Link(lease))

    async def main() -> float:
        async with started(one):
            await leader(one)
            return now()

    assert 15 <= run(main()) <= 15 + 1.2 * TERMS.retry + 0.1
