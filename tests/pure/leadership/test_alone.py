"""One process that leads by itself, as long as its lease can be renewed."""

import asyncio

import pytest
from mlrollout.ports import Lease
from mlrollout.runtime.leadership import TERMS, Leadership, own_identity
from structlog.testing import capture_logs

from tests.pure.leadership.contenders import Contender, WallClock, started
from tests.support.leases import Link, MemoryLease
from tests.support.virtual_time import run, stand_still


def test_the_first_leads_at_once_and_for_as_long_as_it_runs() -> None:
    lease = MemoryLease()
    one = Contender("one", Link(lease))

    async def main() -> None:
        async with started(one):
            await asyncio.sleep(100)
            assert one.leads
            assert one.leadership.holder == "one"

    run(main())

    assert one.heard[0] == (0, True)
    assert lease.writes[0] == Lease("one", 8, 1_700_000_000, 1_700_000_000, 0, "1")
    assert {(write.acquired, write.transitions) for write in lease.writes} == {(1_700_000_000, 0)}
    assert 80 <= len(lease.writes) <= 101


def test_before_it_runs_it_does_not_lead() -> None:
    one = Contender("one", Link(MemoryLease()))

    assert not one.leads
    assert one.leadership.holder == ""


def test_identities_differ_even_in_one_process() -> None:
    assert own_identity() != own_identity()


def test_a_hung_call_ends_the_leadership_at_the_deadline_after_the_last_good_renewal_was_sent() -> None:
    one = Contender("one", Link(MemoryLease(), back=lambda: 0.5))

    async def main() -> float:
        async with started(one):
            await asyncio.sleep(30)
            one.link.stuck = True
            renewed = one.link.lease.writes[-1].renewed - one.clock.offset
            await asyncio.sleep(30)
            assert not one.leads
            return renewed

    assert run(main()) + TERMS.deadline == pytest.approx(one.heard[-1][0])
    assert [told for _, told in one.heard] == [True, False]


def test_a_hung_call_alone_costs_no_leadership() -> None:
    one = Contender("one", Link(MemoryLease()))

    async def main() -> None:
        async with started(one):
            for _ in range(10):
                await asyncio.sleep(10)
                one.link.stuck = True
                await asyncio.sleep(TERMS.retry * 1.2)
                one.link.stuck = False
            assert one.leads

    with capture_logs() as lines:
        run(main())

    assert [told for _, told in one.heard] == [True, False]
    assert [line["log_level"] for line in lines] == ["info", "info"]


def test_a_loop_that_was_blocked_past_the_deadline_does_not_lead_before_it_has_renewed() -> None:
    one = Contender("one", Link(MemoryLease()))

    async def main() -> None:
        async with started(one):
            await asyncio.sleep(10.01)
            stand_still(TERMS.deadline)
            assert not one.leads
            assert [told for _, told in one.heard] == [True]
            await asyncio.sleep(TERMS.retry * 1.2)
            assert one.leads

    run(main())

    assert [told for _, told in one.heard] == [True, False, True, False]


def test_a_deleted_lease_is_made_again_by_its_holder() -> None:
    lease = MemoryLease()
    one = Contender("one", Link(lease))

    async def main() -> None:
        async with started(one):
            await asyncio.sleep(10)
            lease.standing = None
            await asyncio.sleep(2)
            assert lease.standing
            assert one.leads

    run(main())

    assert [told for _, told in one.heard] == [True, False]


def test_a_listener_that_fails_does_not_end_the_leadership() -> None:
    def fail(_: bool) -> None:  # noqa: FBT001 - the callback's form
        raise RuntimeError("listener")

    async def main() -> bool:
        one = Leadership(Link(MemoryLease()), "one", WallClock(), fail)
        running = asyncio.create_task(one.run())
        await asyncio.sleep(30)
        assert not running.done()
        return one.leads

    with capture_logs() as lines:
        assert run(main())
    assert any("listener" in line["event"] for line in lines)
