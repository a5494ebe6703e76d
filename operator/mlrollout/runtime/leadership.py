"""Which of several operators may take traffic up: the one that holds the Lease.

Taking traffic down needs no leadership. The leader counts its time from when it *sent* the last
renewal that succeeded, the others count theirs from when they *saw* the lease change, each by its own
monotonic clock; no clock is compared with another's. So two lead at once only where two clocks
run at rates that differ by more than `duration / deadline`. A lease can't recall a write that is
under way: that a raise is won only once is the business of the status write, not of this.
"""

import asyncio
import math
import random
import socket
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

import structlog

from mlrollout.ports import Clock, ConflictError, Lease, LeaseStore, PortError

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

COMPLAIN_EVERY = 60.0
"""Seconds between two log lines about the same trouble."""


@dataclass(frozen=True, slots=True)
class Terms:
    """The times of the lease, in seconds.

    Attributes:
        duration: Silence of the leader after which another may take over.
        deadline: How long a renewal lets its sender lead; less than `duration` by what clocks may differ.
        retry: From one try to the next, at least; at most a fifth more.
        patience: How long one try may take; short enough that a hung one leaves time for another.
    """

    duration: float = 8.0
    deadline: float = 5.0
    retry: float = 1.0
    patience: float = 2.0


TERMS = Terms()


def own_identity() -> str:
    """A name for this process that no other has, not even the next one in the same pod."""
    return f"{socket.gethostname()}_{uuid.uuid4().hex[:8]}"


class Leadership:
    """One contender.

    Args:
        store: Where the lease is.
        identity: The name of this process; no other may have it.
        clock: For the times that people read in the lease; nothing is decided by it.
        on_change: Told `True` when this process begins to lead and `False` when it no longer does.
        terms: The times.
        jitter: Numbers from 0 to 1, so that contenders do not march in step.
    """

    def __init__(
        self,
        store: LeaseStore,
        identity: str,
        clock: Clock,
        on_change: Callable[[bool], None],
        *,
        terms: Terms = TERMS,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.identity = identity
        self._store = store
        self._clock = clock
        self._on_change = on_change
        self._terms = terms
        self._jitter = jitter
        self._loop: asyncio.AbstractEventLoop | None = None
        self._until = -math.inf  # by the loop's clock
        self._alarm: asyncio.TimerHandle | None = None
        self._told = False  # what on_change heard last
        self._mine: Lease | None = None  # as we wrote it last; None where that is uncertain
        self._claimed = False  # whether the lease may name us
        self._seen: Lease | None = None
        self._seen_at = -math.inf
        self._leader_told = ""  # of whom the log said last that it leads
        self._trouble = ""
        self._complained_at = -math.inf

    @property
    def leads(self) -> bool:
        """Whether this process may take traffic up at this instant, however long the loop was stuck."""
        # Up only before the lease may be another's, however long this process stood still.
        return self._loop is not None and self._loop.time() < self._until

    @property
    def holder(self) -> str:
        """Who leads, as far as seen; empty where nobody does."""
        return self._seen.holder if self._seen else ""

    @property
    def another_leads(self) -> bool:
        """Whether another process is seen to lead: it has the Lease, and renews it."""
        return not self._free()

    async def run(self) -> None:
        """Contend for the lease until cancelled, then give it up. Raises nothing else."""
        self._loop = asyncio.get_running_loop()
        try:
            while True:
                await self._try()
                await asyncio.sleep(self._terms.retry * (1 + 0.2 * self._jitter()))
        finally:
            await self._give_up()

    async def _try(self) -> None:
        try:
            async with asyncio.timeout(self._terms.patience):
                await self._round()
        except Exception as error:  # noqa: BLE001 - whatever it is: do not lead, and try again
            self._complain(self._plain(error))
        else:
            self._trouble = ""

    async def _round(self) -> None:
        with suppress(ConflictError):
            return await self._step()
        # Somebody else wrote: find out at once who it was, for it may lead by now.
        return await self._step()

    async def _step(self) -> None:
        """Renew the lease, take it, or see who has it."""
        standing, self._mine = self._mine, None
        if standing is None:
            standing = await self._store.read()
            self._watch(standing)
        if self._free():
            await self._claim(standing)

    def _watch(self, lease: Lease | None) -> None:
        # A lease that was deleted changes nothing: its holder goes on until its deadline.
        if lease is not None and lease != self._seen:
            self._seen, self._seen_at = lease, self._now()
        if self.holder in ("", self.identity):
            return
        self._claimed = False
        self._step_down("another operator has taken the lease")
        if self.holder != self._leader_told:
            self._leader_told = self.holder
            log.info("Another operator leads; this one stands by: it only takes traffic down", leader=self.holder)

    def _free(self) -> bool:
        if self.holder in ("", self.identity):
            return True
        silence = max(self._terms.duration, self._seen.duration if self._seen else 0)
        return self._now() >= self._seen_at + silence

    async def _claim(self, standing: Lease | None) -> None:
        sent = self._now()
        self._claimed = True
        claim = self._renewed(standing)
        self._mine = await (self._store.create(claim) if standing is None else self._store.replace(claim))
        self._seen, self._seen_at = self._mine, self._now()
        self._lead(sent + self._terms.deadline)

    def _renewed(self, standing: Lease | None) -> Lease:
        now = self._clock.now()
        if standing is None:
            return Lease(self.identity, self._terms.duration, acquired=now, renewed=now, transitions=0)
        if now == standing.renewed:
            now += 0.001  # a write that changes nothing shows nobody that we live
        claim = replace(standing, holder=self.identity, duration=self._terms.duration, renewed=now)
        if standing.holder == self.identity:
            return claim
        return replace(claim, acquired=now, transitions=standing.transitions + 1)

    def _lead(self, until: float) -> None:
        self._until = until
        if self._alarm:
            self._alarm.cancel()
        # Told even where our loop hangs in a call, or sleeps.
        self._alarm = self._running.call_at(until, self._expire)
        if self.leads and not self._told:
            self._leader_told = self.identity
            log.info("This operator leads: it may take traffic up", transitions=self._mine and self._mine.transitions)
            self._tell(leads=True)

    def _expire(self) -> None:
        self._step_down(f"the lease could not be renewed within {self._terms.deadline:g} s")

    def _step_down(self, why: str) -> None:
        if self._told:
            self._complained_at = self._now()
            log.warning(
                "This operator no longer leads: it takes traffic down, but not up until it leads again",
                why=why,
                cause=self._trouble,
            )
        self._stop_leading()

    def _stop_leading(self) -> None:
        self._until = -math.inf
        if self._alarm:
            self._alarm.cancel()
        if self._told:
            self._tell(leads=False)

    def _tell(self, *, leads: bool) -> None:
        self._told = leads
        try:
            self._on_change(leads)
        except Exception:
            log.exception("A listener for the change of leadership failed; the leadership itself stands", leads=leads)

    def _complain(self, trouble: str) -> None:
        self._trouble = trouble
        if self.leads or self._now() < self._complained_at + COMPLAIN_EVERY:
            return
        self._complained_at = self._now()
        log.warning(
            "Leadership can't be settled: this operator takes traffic down, but not up until it can; it goes on trying",
            cause=trouble,
        )

    def _plain(self, error: Exception) -> str:
        if isinstance(error, PortError):
            return str(error)
        if isinstance(error, TimeoutError):
            return f"the Kubernetes API did not answer within {self._terms.patience:g} s"
        return f"an unexpected {type(error).__name__}"

    async def _give_up(self) -> None:
        self._stop_leading()
        if not self._claimed:
            return
        try:
            async with asyncio.timeout(self._terms.patience):
                await self._release()
        except Exception as error:  # noqa: BLE001 - the process ends; the lease then ends by itself
            log.warning(
                "The lease could not be given up: another operator leads only once it has run out",
                seconds=self._terms.duration,
                cause=self._plain(error),
            )
        else:
            log.info("The lease is given up: another operator may lead at once")

    async def _release(self) -> None:
        for _ in range(2):  # a renewal that was cut short may still arrive in between
            with suppress(ConflictError):
                lease = await self._store.read()
                if lease is not None and lease.holder == self.identity:
                    await self._store.replace(replace(lease, holder="", renewed=self._clock.now()))
                return

    @property
    def _running(self) -> asyncio.AbstractEventLoop:
        return self._loop or asyncio.get_running_loop()

    def _now(self) -> float:
        return self._running.time()
