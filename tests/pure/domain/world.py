"""A small world to decide in: Redis, an API server, looks, two operators, and everything that goes wrong.

What happens is data, `("look", 0, "Breach")`, so that a failing history is a list that can be read,
shortened and played again.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mlrollout.api.spec import AfterCompletion, Spec
from mlrollout.api.status import Status
from mlrollout.domain.conditions import Fact, facts, stamp
from mlrollout.domain.decide import decide
from mlrollout.domain.decision import Decision, Observation
from mlrollout.domain.merge import merge as merged
from mlrollout.domain.persist import from_status, last_looks, to_status
from mlrollout.domain.record import Record, encode
from mlrollout.domain.request import Request
from mlrollout.domain.state import State
from mlrollout.domain.traffic import Traffic, Write
from mlrollout.evidence.measurement import Held, Measurement, MeasurementHistory, Verdict
from mlrollout.ports import Ref
from mlrollout.runtime.tracked import TrackedObject

from tests.pure.domain.lane import Lane
from tests.pure.domain.oracle import Oracle
from tests.pure.domain.specs import GUARDRAILS, INTERVAL, STAGES, WINDOW, Edit
from tests.support.redis_model import State as Redis
from tests.support.redis_model import merge

UID = "11111111-aaaa"
REF = Ref("dispatch", "ml-dispatch")
HOLDER = str(REF)
FOREIGN = Record(attempt=9, latched=False, sequence=2, percentage=40, stage="x", owner="other", holder="else/where")

Happening = tuple[Any, ...]


HELD = {Held.FEW.value: (Verdict.INCONCLUSIVE, Held.FEW), Held.UNCOUNTED.value: (Verdict.ERROR, Held.UNCOUNTED)}
"""What a bad value is that is held back."""


def requests(verbs: Mapping[str, str]) -> dict[str, Request]:
    """What annotations ask for, all set by the same person."""
    return {verb: Request(why, hashlib.sha256(why.encode()).hexdigest()[:16]) for verb, why in verbs.items()}


@dataclass
class Operator:
    """One process: what it keeps in memory."""

    tracked: TrackedObject = field(default_factory=lambda: TrackedObject(REF))
    version: int = -1
    measurements: dict[str, MeasurementHistory] = field(default_factory=dict)
    step: Decision | None = None
    """The decision that its last step began with; `decision` may have followed on it in the same step."""

    @property
    def state(self) -> State | None:
        return self.tracked.standing.state

    @state.setter
    def state(self, state: State | None) -> None:
        self.tracked.standing.state = state

    @property
    def decision(self) -> Decision | None:
        return self.tracked.standing.decision


@dataclass(frozen=True)
class Saved:
    """What was saved, made into a status only when somebody reads it."""

    state: State | None = None
    spec: Spec | None = None
    measurements: Mapping[str, MeasurementHistory] = field(default_factory=dict)
    facts: tuple[Fact, ...] = ()
    at: float = 0.0

    @property
    def status(self) -> dict[str, Any]:
        status = to_status(
            self.state,
            spec=self.spec,
            guardrails=last_looks(self.spec, self.measurements),
            conditions=stamp(self.facts, (), 1, self.at),
            generation=1,
        )
        return status.render()


@dataclass
class World:
    """Everything, at one moment."""

    now: float = 1_000_000.0
    edit: Edit = field(default_factory=Edit)
    redis: Redis = field(default_factory=Redis)
    redis_up: bool = True
    api_up: bool = True
    version: int = 0
    saved: Saved = field(default_factory=Saved)
    verbs: dict[str, str] = field(default_factory=dict)
    operators: tuple[Operator, Operator] = field(default_factory=lambda: (Operator(), Operator()))
    delayed: bool = False
    in_flight: list[Write] = field(default_factory=list)
    snapshots: list[Redis] = field(default_factory=list)
    oracle: Oracle = field(default_factory=Oracle)
    asked: int = 0

    @property
    def state(self) -> State:
        """Where the first operator stands."""
        state = self.operators[0].state
        assert state is not None
        return state

    @property
    def told(self) -> list[str]:
        """The reasons of its history."""
        return [entry.reason for entry in self.state.history]

    @property
    def in_force(self) -> int:
        return self.redis.traffic.in_force

    def play(self, happenings: list[Happening]) -> None:
        for name, *arguments in happenings:
            if arguments and isinstance(arguments[-1], dict):
                getattr(self, name)(*arguments[:-1], **arguments[-1])
            else:
                getattr(self, name)(*arguments)

    # --- what happens ------------------------------------------------------------------------

    def wait(self, seconds: float) -> None:
        self.oracle.time_passes(self, seconds)
        self.now += seconds

    def handle(self, who: int = 0) -> Decision:
        """One step, and on at once from the end of an attempt to the next; the runtime does all that follow."""
        operator = self.operators[who]
        while True:
            before = operator.state
            decision = self._step(operator)
            after = operator.state
            begun = after is not None and (before is None or before.record.attempt != after.record.attempt)
            ended = after is not None and after.record.revision != self.edit.spec.revision
            if not begun and (not ended or decision.announces):
                return decision

    def _step(self, operator: Operator) -> Decision:
        """What a decision wants, in the order of the runtime."""
        if operator.version < 0:
            self.load(operator)
        decision = operator.step = Lane(self, operator).step()
        operator.measurements = {
            guardrail.name: measured
            if (measured := operator.measurements.get(guardrail.name)) is not None and measured.guardrail == guardrail
            else MeasurementHistory(guardrail)
            for guardrail in self.edit.spec.guardrails
        }
        return decision

    def look(self, which: int, verdict: str) -> None:
        """One look at one guardrail, which every running operator makes: a verdict, or why a bad value is held back."""
        guardrail = self.edit.spec.guardrails[which % len(self.edit.spec.guardrails)]
        for operator in self.operators:
            measured = operator.measurements.get(guardrail.name)
            if measured is None or measured.guardrail != guardrail:
                continue
            since = operator.state.in_force_since if operator.state is not None else 0.0
            fixed = {"errors": WINDOW, "latency": min(WINDOW, max(1.0, self.now - since))}
            found, held = HELD[verdict] if verdict in HELD else (Verdict(verdict), None)
            value = None if found in (Verdict.NO_DATA, Verdict.ERROR) and held is None else 0.8
            reach = fixed.get(guardrail.name, 0.0)
            measurement = Measurement(found, self.now, reach, value=value, message=f"{verdict}!", held=held)
            operator.measurements[guardrail.name] = measured.add(measurement)

    def looks(self, verdict: str = "Pass") -> None:
        for which in range(len(self.edit.spec.guardrails)):
            self.look(which, verdict)

    def go_well(self, times: int) -> None:
        """So many good looks of every guardrail, an interval apart, each with a decision."""
        for _ in range(times):
            self.wait(INTERVAL)
            self.looks()
            self.handle()

    def breach(self, which: int) -> None:
        self.look(which, "Breach")
        self.handle()

    def ask(self, verb: str) -> None:
        self.asked += 1
        self.verbs[verb] = f"10 reason {self.asked}" if verb == "demote" else f"reason {self.asked}"

    def change(self, **fields: Any) -> None:
        self.edit = replace(self.edit, **fields)

    def revise(self) -> None:
        self.change(revision=self.edit.revision + 1)

    def stages(self, name: str) -> None:
        self.change(stages=STAGES[name])

    def guardrails(self, name: str) -> None:
        self.change(guardrails=GUARDRAILS[name])

    def hold_back(self, percentage: int) -> None:
        self.change(holdback=percentage)

    def after(self, what: str) -> None:
        self.change(after=AfterCompletion(what))

    def pause(self, paused: bool) -> None:  # noqa: FBT001 - a happening's argument
        self.change(paused=paused)

    def redis_is(self, up: bool) -> None:  # noqa: FBT001 - a happening's argument
        self.redis_up = up

    def api_is(self, up: bool) -> None:  # noqa: FBT001 - a happening's argument
        self.api_up = up

    def set_key(self, text: str | None) -> None:
        """Somebody's hand on the key; `None` deletes it."""
        self._redis(replace(self.redis, key=text))

    def set_record(self, text: str | None) -> None:
        self._redis(replace(self.redis, record=text))

    def set_own_record(self, **fields: Any) -> None:
        """Somebody's hand on the record: one of this object, with any legal fields, a step further on."""
        known = self.operators[0].state
        if known is not None:
            forged = replace(known.record, sequence=known.record.sequence + 1, cause=None)
            self._redis(replace(self.redis, record=encode(replace(forged, **fields))))

    def flush(self) -> None:
        self._redis(Redis())

    def take_over(self) -> None:
        """Another object's operator has the key."""
        self._redis(Redis("40", encode(FOREIGN)))

    def snapshot(self) -> None:
        self.snapshots.append(self.redis)

    def fail_over(self, back: int) -> None:
        """A replica that was behind takes over."""
        if self.snapshots:
            self._redis(self.snapshots[back % len(self.snapshots)])

    def delay(self, delayed: bool) -> None:  # noqa: FBT001 - a happening's argument
        """From now on writes leave, but arrive only when they are delivered."""
        self.delayed = delayed

    def deliver(self) -> None:
        if self.in_flight:
            self._apply(self.in_flight.pop(0))

    def restart(self, who: int = 0) -> None:
        operator = self.operators[who]
        operator.tracked, operator.version, operator.measurements, operator.step = TrackedObject(REF), -1, {}, None

    # --- its parts ---------------------------------------------------------------------------

    def _redis(self, redis: Redis) -> None:
        self.redis = redis

    # --- what a step of an operator's comes to -----------------------------------------------

    @property
    def traffic(self) -> Traffic | None:
        """What an operator learns when it asks Redis."""
        return self.redis.traffic if self.redis_up else None

    def observation(self, operator: Operator) -> Observation:
        """Everything that an operator sees."""
        return Observation(UID, HOLDER, self.traffic, "it is down", dict(operator.measurements), requests(self.verbs))

    def decide(self, operator: Operator) -> Decision:
        seen, before = self.observation(operator), operator.state
        decision = decide(self.edit.spec, before, seen, self.now)
        self.oracle.decided(self, before, seen, decision)
        return decision

    def send(self, write: Write) -> None:
        self.oracle.sent(write)
        if self.delayed:
            self.in_flight.append(write)
        elif self.redis_up:
            self._apply(write)

    def _apply(self, write: Write) -> None:
        before = self.redis
        _, self.redis = merge(before, write)
        self.oracle.applied(self, write, before.traffic)

    def load(self, operator: Operator) -> None:
        operator.state = merged(operator.state, from_status(Status.read({"status": self.saved.status})))
        operator.version = self.version

    def save(self, operator: Operator, decision: Decision) -> bool:
        """Compare and swap; whoever loses goes on from what stands."""
        if not self.api_up:
            return False
        if operator.version != self.version:
            self.load(operator)
            return False
        seen = self.observation(operator)
        found = facts(self.edit.spec, seen, decision, self.now)
        self.oracle.told(seen, decision, found)
        saved = Saved(decision.state, self.edit.spec, seen.measurements, found, self.now)
        if replace(saved, at=self.saved.at) != self.saved:
            self.version += 1
            self.saved = saved
            self.oracle.saved(decision.state)
        operator.version, operator.state = self.version, decision.state
        return True

    def drop_verbs(self, operator: Operator) -> None:
        """Remove the annotations that have been acted on."""
        heard = operator.state.verbs if operator.state is not None else {}
        asked = requests(self.verbs)
        acted_on = {verb for verb, mark in heard.items() if verb in asked and asked[verb].heard_by(mark)}
        self.verbs = {verb: why for verb, why in self.verbs.items() if verb not in acted_on}
