"""A simulated world: everything the operator touches, in memory, in virtual time, from one seed."""

import asyncio
import random
from collections.abc import Callable
from typing import Any, TypeVarTuple, Unpack

from mlrollout.api.balance import BalanceGuardrail
from mlrollout.api.guardrail import Guardrail
from mlrollout.api.threshold import ThresholdGuardrail
from mlrollout.domain.traffic import Traffic
from mlrollout.ports import Ref
from mlrollout.runtime.metrics import OperatorMetrics

from tests.support import virtual_time

from .api_server import ApiServer
from .clients import Client
from .faults import Faults
from .hands import Hands
from .history import Acted, Entry, History
from .logs import recorded
from .plan import Leading, Plan
from .process import OWNER, Process
from .prometheus import Prometheus, Series, asked_for
from .redis import Redis
from .registry import Registry
from .settled import open_ends
from .specs import SICK_REDIS
from .step import Step

Ts = TypeVarTuple("Ts")

EPOCH = 1_800_000_000.0
CALM_AT_MOST = 420.0
"""Seconds that a world is given to come to rest after the last fault: for five minutes, counters are held to have been
none that fell too often, as those of pods that were restarted one after the other."""
REST = 8.0
"""Seconds for which nothing may happen once it has."""
BOTH_UNTIL = 25.0
"""Seconds for which two may lead."""
LONGEST_RESTART = 20.0
"""Seconds that a crashed instance is gone at most."""
_SETTLE_EVERY = 2.0


class World:
    """One schedule while it runs. Make it inside a running loop of virtual time."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.history = History()
        self._loop = asyncio.get_running_loop()
        self._chances: dict[str, random.Random] = {}
        self.metrics = OperatorMetrics()
        self.faults = Faults(self.chances("faults"), plan.rates, plan.fates)
        self.api = ApiServer(self.history, self.now, self.wall_clock)
        self._redises: dict[str, Redis] = {}
        self.prometheus = Prometheus(self.now, EPOCH, self.chances)
        self.registries = {name: Registry(named, self.chances("registry")) for name, named in plan.names.items()}
        self.processes: dict[str, Process] = {}
        self.clients: list[Client] = []
        self._lives = 0
        self._hands = Hands(self)
        self._calm = False
        self.faults.down.add(SICK_REDIS)
        factory = self._loop.get_task_factory()
        self._loop.set_task_factory(_owned(factory))

    # --- the course of things ----------------------------------------------------------------

    async def run(self) -> None:
        """Live through the plan, and come to rest."""
        for name, spec in self.plan.specs.items():
            self.prometheus.app(name)
            start = self.chances("start").random() + (2.0 if name == "sick" else 0.0)
            self._later(Step(start, "apply", name, spec))
        for slot in "a" if self.plan.leading is Leading.ALONE else "ab":
            self._start(slot)
        for name in ("x", "y"):
            self.clients.append(self._client(name))
        for step in self.plan.steps:
            self._later(step)
        self.after(BOTH_UNTIL, self.elect)
        await asyncio.sleep(self.plan.calm_at)
        self._end_faults()
        await self._come_to_rest()
        for process in self.processes.values():
            process.stop()

    def _later(self, step: Step) -> None:
        self._loop.call_at(step.at, self._do, step)

    def _do(self, step: Step) -> None:
        told = None if step.act == "apply" else step.value
        self.record(Acted, act=step.act, target=step.target, value=told)
        getattr(self._hands, step.act)(step.target, step.value)

    def _client(self, name: str) -> Client:
        key = self.plan.specs["a"]["traffic"]["key"]
        client = Client(name, key, self.redis("redis"), self.history, self.chances("clients"))
        client.pushes_lost = self.plan.lost_pushes
        return client

    def _end_faults(self) -> None:
        self.record(Acted, act="calm", target="")
        self._calm = True
        self.faults.end()
        self.faults.down.add(SICK_REDIS)
        for app in self.prometheus.apps.values():
            app.thaw()
            app.follow()
        for registry in self.registries.values():
            registry.recover()
        for client in self.clients:
            client.pushes_lost = 0.0
            if client.cut:
                client.reconnect()
        for process in self.processes.values():
            process.frozen_until = 0.0
            process.hear_again()
        self.elect()

    async def _come_to_rest(self) -> None:
        rested, seen = 0.0, 0
        while self.now() < self.plan.calm_at + CALM_AT_MOST and rested < REST:
            await asyncio.sleep(_SETTLE_EVERY)
            stirred = any(entry.stirs for entry in self.history[seen:])
            seen = len(self.history)
            under_way = stirred or not all(process.idles for process in self.processes.values())
            rested = 0.0 if under_way or open_ends(self) else rested + _SETTLE_EVERY

    # --- time, chance, memory ----------------------------------------------------------------

    def now(self) -> float:
        """True time in seconds since the world began."""
        return self._loop.time()

    def wall_clock(self) -> float:
        """True time in seconds since the epoch."""
        return EPOCH + self._loop.time()

    def after(self, seconds: float, do: Callable[[Unpack[Ts]], object], *what: *Ts) -> None:
        """Do something so many seconds from now."""
        self._loop.call_later(seconds, do, *what)

    def chances(self, name: str) -> random.Random:
        """Numbers for one purpose, so that more draws for one do not change another."""
        if name not in self._chances:
            self._chances[name] = random.Random(f"{self.plan.seed}/{name}")  # noqa: S311 - no secret
        return self._chances[name]

    def record(self, kind: type[Entry], **what: Any) -> None:
        """Write into the history."""
        self.history.append(kind(self._loop.time(), **what))

    # --- what may be asked -------------------------------------------------------------------

    def is_away(self, receiver: str) -> bool:
        """Whether a receiver of notifications takes nothing now."""
        now = self.now()
        away = (one.receiver == receiver and one.since <= now < one.until for one in self.plan.absences)
        return not self._calm and any(away)

    def hangs(self, promql: str) -> bool:
        """Whether a query never ends."""
        return self.plan.sickness == "hangs" and 'app="sick"' in promql

    def sampled_at(self, ref: Ref, guardrail: Guardrail) -> float:
        """When the newest sample of the series that has waited longest was really taken, of those that it asks for."""
        app = self.prometheus.app(ref.name)
        if not isinstance(guardrail, ThresholdGuardrail):
            return app.sampled(Series.SECONDS if isinstance(guardrail, BalanceGuardrail) else Series.REQUESTS)
        asked = asked_for(guardrail.query) | asked_for((guardrail.min_samples and guardrail.min_samples.query) or "")
        return min((app.sampled(series) for series in asked), default=self.now())

    def watch_delay(self) -> float:
        """Seconds that a watch event takes."""
        return self.chances("watch").choice((0.0, 0.01, 0.01, 1.0 if not self._calm else 0.01))

    def redis(self, name: str) -> Redis:
        """The Redis of this name."""
        if name not in self._redises:
            self._redises[name] = redis = Redis(self.history)
            redis.watchers.append(self._traffic)
        return self._redises[name]

    def _traffic(self, key: str, traffic: Traffic) -> None:
        self.prometheus.app(key.partition(":")[0]).serve(traffic)

    # --- instances ---------------------------------------------------------------------------

    def living(self, slot: str, do: Callable[[Process], object]) -> None:
        """Do something to the instance in a slot, if one lives there."""
        process = self.processes.get(slot)
        if process is not None and process.alive:
            do(process)

    def restart(self, slot: str) -> None:
        """A crashed instance is started anew after a while, and another may lead before that."""
        self.after(self.chances("restarts").choice((0.5, 3.0, 15.0, LONGEST_RESTART)), self._start, slot)
        self.after(self.chances("restarts").uniform(2.0, 8.0), self.elect)

    def _start(self, slot: str) -> None:
        self._lives += 1
        self.processes[slot] = process = Process(self, slot, self._lives)
        process.start()

    def elect(self) -> None:
        """Have somebody lead: both for a while where the plan says so, otherwise one."""
        living = [process for process in self.processes.values() if process.alive and process.ready]
        both = self.plan.leading is Leading.BOTH
        if both and self.now() < BOTH_UNTIL - 0.001:  # a loop may wake a step too early: both would lead for ever
            for process in living:
                process.lead(leads=True)
            return
        leaders = [process for process in living if process.leads]
        for process in leaders[1:] if self._calm or both else ():
            process.lead(leads=False)
        if living and not leaders:
            living[0].lead(leads=True)

    def hand_over(self, overlap: float) -> None:
        """Let the other one lead."""
        living = [process for process in self.processes.values() if process.alive]
        old = [process for process in living if process.leads]
        new = [process for process in living if not process.leads]
        if self.plan.leading is Leading.STANDBY and old and new:
            self.after(max(0.0, -overlap), self._succeed, new[0], max(0.0, overlap))
            self.after(max(0.0, overlap), lambda: old[0].lead(leads=False))

    def _succeed(self, process: Process, overlap: float) -> None:
        """Let one lead after another, unless a third has come to lead in the gap between them."""
        if overlap or not any(other.alive and other.leads for other in self.processes.values()):
            process.lead(leads=True)

    # --- clients -----------------------------------------------------------------------------

    def cut(self, name: str, seconds: float) -> None:
        """Cut a client off for so many seconds."""
        for client in self.clients:
            if client.name == name and not client.cut:
                client.cut = True
                self.after(seconds, client.reconnect)


def _owned(factory: Any) -> Any:
    """A task factory that lets each process know its tasks."""

    def make(loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> "asyncio.Task[Any]":
        task: asyncio.Task[Any] = factory(loop, coro, **options)
        owner = OWNER.get()
        if owner is not None:
            owner.tasks.append(task)
        return task

    return make


def simulate(plan: Plan) -> "World":
    """Run a plan from its beginning to its end."""

    async def main() -> World:
        world = World(plan)
        with recorded(world.history, world.now):
            await world.run()
        return world

    return virtual_time.run(main())
