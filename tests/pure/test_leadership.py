import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlrollout.ports import Lease
from mlrollout.runtime.leadership import TERMS, Leadership, Terms, own_identity
from structlog.testing import capture_logs

from tests.support.leases import Link, MemoryLease
from tests.support.virtual_time import run, stand_still

TAKEOVER = TERMS.duration + 2 * 1.2 * TERMS.retry
"""Longest silence after a crash: the lease's duration, a look that just missed the last renewal, and the next one."""


@dataclass
class WallClock:
    offset: float = 1_700_000_000
    frozen: bool = False

    def now(self) -> float:
        return self.offset if self.frozen else self.offset + asyncio.get_running_loop().time()


@dataclass
class Contender:
    """An operator: its leadership, its link, and what it was told."""

    name: str
    link: Link
    clock: WallClock = field(default_factory=WallClock)
    seed: int = 0
    heard: list[tuple[float, bool]] = field(default_factory=list)

    def __post_init__(self) -> None:
        rate = self.link.rate
        terms = Terms(TERMS.duration / rate, TERMS.deadline / rate, TERMS.retry / rate, TERMS.patience / rate)
        self.leadership = Leadership(
            self.link,
            self.name,
            self.clock,
            self._hear,
            terms=terms,
            jitter=random.Random(self.seed).random,  # noqa: S311 - repeatable
        )

    @property
    def leads(self) -> bool:
        return self.leadership.leads

    def start(self) -> None:
        self.task = asyncio.create_task(self.leadership.run())

    async def stop(self) -> None:
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task

    async def crash(self) -> None:
        self.link.refused = "dead"
        await self.stop()

    def _hear(self, leads: bool) -> None:  # noqa: FBT001 - the callback's form
        self.heard.append((asyncio.get_running_loop().time(), leads))


@asynccontextmanager
async def started(*contenders: Contender) -> AsyncIterator[None]:
    for contender in contenders:
        contender.start()
    yield
    for contender in contenders:
        await contender.stop()


async def leader(*contenders: Contender, within: float = 60) -> Contender:
    async with asyncio.timeout(within):
        while True:
            for contender in contenders:
                if contender.leads:
                    return contender
            await asyncio.sleep(0.01)


def contenders(count: int, lease: MemoryLease) -> list[Contender]:
    return [Contender(f"op-{number}", Link(lease), seed=number) for number in range(count)]


def now() -> float:
    return asyncio.get_running_loop().time()


# --- alone ---------------------------------------------------------------------------------------


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


# --- several -------------------------------------------------------------------------------------


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


# --- trouble -------------------------------------------------------------------------------------


def test_without_the_right_to_the_lease_it_never_leads_and_complains_once_a_minute() -> None:
    one = Contender("one", Link(MemoryLease(), refused="403 Forbidden: grant it"))

    async def main() -> None:
        async with started(one):
            await asyncio.sleep(600)
            assert not one.leads
            one.link.refused = ""
            await leader(one, within=2)

    with capture_logs() as lines:
        run(main())
    said = [line for line in lines if "can't be settled" in line["event"]]

    assert 8 <= len(said) <= 11
    assert said[0]["cause"] == "403 Forbidden: grant it"


def test_a_bug_in_the_store_is_survived() -> None:
    class Broken(Link):
        async def read(self) -> Lease | None:
            raise KeyError("spec")

    async def main() -> None:
        running = asyncio.create_task(Leadership(Broken(MemoryLease()), "one", WallClock(), print).run())
        await asyncio.sleep(30)
        assert not running.done()

    with capture_logs() as lines:
        run(main())
    assert lines[0]["cause"] == "an unexpected KeyError"


def test_flapping_calls_do_not_flood_the_log() -> None:
    one, two = contenders(2, MemoryLease())

    async def main() -> None:
        async with started(one, two):
            for number in range(600):
                two.link.refused = "503" if number % 2 else ""
                await asyncio.sleep(1)

    with capture_logs() as lines:
        run(main())
    assert len(lines) < 20


# --- never two -----------------------------------------------------------------------------------


class World:
    """Contenders with bad links, crashes and clocks that differ; at no instant do two lead."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)  # noqa: S311 - repeatable
        self.lease = MemoryLease()
        self.contenders: list[Contender] = []
        self.born = 0
        self.leaders = 0

    def check(self) -> None:
        leading = [contender.name for contender in self.contenders if contender.leads]
        assert len(leading) <= 1, f"at {now():g} s {' and '.join(leading)} lead"
        self.leaders += len(leading)

    def bear(self) -> None:
        """Another operator: any wall clock, and a rate whose extremes differ by less than duration / deadline."""
        self.born += 1
        link = Link(self.lease, rate=self.dice.uniform(0.8, 1.27))
        clock = WallClock(self.dice.uniform(0, 2e9), frozen=self.dice.random() < 0.2)
        self.contenders.append(Contender(f"op-{self.born}", link, clock, seed=self.born))
        self.contenders[-1].start()

    async def hurt(self, contender: Contender) -> None:
        link, dice = contender.link, self.dice
        kind = dice.choice(["slow", "slow back", "stuck", "deaf", "refused", "crash", "stop", "well", "well"])
        link.stuck, link.deaf, link.refused = kind == "stuck", kind == "deaf", "503" if kind == "refused" else ""
        link.there = (lambda: dice.expovariate(1)) if kind == "slow" else lambda: dice.uniform(0, 0.01)
        link.back = (lambda: dice.expovariate(1)) if kind == "slow back" else lambda: dice.uniform(0, 0.01)
        if kind in ("crash", "stop"):
            self.contenders.remove(contender)
            await (contender.crash() if kind == "crash" else contender.stop())
            self.bear()

    def heal(self) -> None:
        for contender in self.contenders:
            contender.link.stuck = contender.link.deaf = False
            contender.link.refused = ""
            contender.link.there = contender.link.back = lambda: 0.01

    async def watch(self) -> None:
        while True:
            self.check()
            await asyncio.sleep(0.02)

    async def live(self, count: int) -> None:
        watching = asyncio.create_task(self.watch())
        for _ in range(count):
            self.bear()
        for _ in range(40):
            await asyncio.sleep(self.dice.expovariate(0.5))
            await self.hurt(self.dice.choice(self.contenders))
        self.heal()
        await asyncio.sleep(2 * TAKEOVER)
        assert [contender.leads for contender in self.contenders].count(True) == 1
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        for contender in self.contenders:
            await contender.stop()


@given(seed=st.integers(0, 2**32), count=st.integers(2, 3))
@settings(max_examples=40, deadline=None)
def test_two_never_lead_at_once_and_when_the_faults_are_over_one_does(seed: int, count: int) -> None:
    world = World(seed)

    with capture_logs():
        run(world.live(count))

    assert world.leaders > 0


def test_the_search_finds_two_leaders_where_clocks_differ_too_much() -> None:
    async def main() -> None:
        slow, fast = Contender("slow", Link(MemoryLease(), rate=0.5)), None
        fast = Contender("fast", Link(slow.link.lease, rate=1.5))
        async with started(slow):
            await asyncio.sleep(0.5)
            async with started(fast):
                await asyncio.sleep(5)
                slow.link.stuck = True
                world = World(0)
                world.contenders = [slow, fast]
                await world.watch()

    with capture_logs(), pytest.raises(AssertionError, match="slow and fast lead"):
        run(main())
