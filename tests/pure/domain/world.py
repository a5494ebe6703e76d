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
from mlrollout.domain.merge import merge as merged
from mlrollout.domain.persist import from_status, to_status
from mlrollout.domain.record import Record, encode
from mlrollout.domain.request import Request
from mlrollout.domain.state import Decision, Observation, State
from mlrollout.domain.traffic import Lower, RaiseOnceSaved, Write
from mlrollout.evidence.measurement import Held, Measurement, MeasurementHistory, Verdict

from tests.pure.domain.oracle import Oracle
from tests.pure.domain.specs import GUARDRAILS, INTERVAL, STAGES, WINDOW, Edit
from tests.support.redis_model import State as Redis
from tests.support.redis_model import merge

UID = "11111111-aaaa"
HOLDER = "dispatch/ml-dispatch"
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

    state: State | None = None
    version: int = -1
    measurements: dict[str, MeasurementHistory] = field(default_factory=dict)
    decision: Decision | None = None


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
            measurements=self.measurements,
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
            getattr(self, name)(*arguments)

    # --- what happens ------------------------------------------------------------------------

    def wait(self, seconds: float) -> None:
        self.oracle.time_passes(self, seconds)
        self.now += seconds

    def handle(self, who: int = 0) -> Decision:
        """One reconciliation, as the runtime does it: on at once from the end of an attempt to the next one."""
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
        """What a decision wants, in the order of `Reconciler`: down first; up once it is saved, decided anew."""
        if operator.version < 0:
            self._load(operator)
        seen, decision = self._decide(operator)
        wanted = decision.write
        if isinstance(wanted, Lower):
            self._send(wanted)
        saved = self._save(operator, seen, decision)
        if isinstance(wanted, RaiseOnceSaved) and saved:
            self._raise(operator, wanted)
        if saved:
            self._drop_verbs(operator)
        operator.measurements = {
            guardrail.name: measured
            if (measured := operator.measurements.get(guardrail.name)) is not None and measured.guardrail == guardrail
            else MeasurementHistory(guardrail)
            for guardrail in self.edit.spec.guardrails
        }
        return decision

    def _decide(self, operator: Operator) -> tuple[Observation, Decision]:
        traffic = self.redis.traffic if self.redis_up else None
        seen = Observation(UID, HOLDER, traffic, "it is down", dict(operator.measurements), requests(self.verbs))
        before = operator.state
        decision = operator.decision = decide(self.edit.spec, before, seen, self.now)
        self.oracle.decided(self, before, seen, decision)
        if not decision.announces:
            operator.state = decision.state
        return seen, decision

    def _raise(self, operator: Operator, wanted: RaiseOnceSaved) -> None:
        """Raise to what is saved, if that is still wanted."""
        assert self.saved.state is not None
        earned = wanted.by(self.saved.state.record)
        assert earned is not None, "a raise to what is not saved"
        _, decision = self._decide(operator)
        if decision.write == wanted:
            self._send(earned)

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
        operator.state, operator.version, operator.measurements, operator.decision = None, -1, {}, None

    # --- its parts ---------------------------------------------------------------------------

    def _redis(self, redis: Redis) -> None:
        self.redis = redis

    def _send(self, write: Write) -> None:
        self.oracle.sent(write)
        if self.delayed:
            self.in_flight.append(write)
        elif self.redis_up:
            self._apply(write)

    def _apply(self, write: Write) -> None:
        before = self.redis
        _, self.redis = merge(before, write)
        self.oracle.applied(self, write, before.traffic)

    def _load(self, operator: Operator) -> None:
        operator.state = merged(operator.state, from_status(Status.read({"status": self.saved.status})))
        operator.version = self.version

    def _save(self, operator: Operator, seen: Observation, decision: Decision) -> bool:
        """Compare and swap; whoever loses goes on from what stands."""
        if not self.api_up:
            return False
        if operator.version != self.version:
            self._load(operator)
            return False
        found = facts(self.edit.spec, seen, decision, self.now)
        self.oracle.told(seen, decision, found)
        saved = Saved(decision.state, self.edit.spec, seen.measurements, found, self.now)
        if replace(saved, at=self.saved.at) != self.saved:
            self.version += 1
            self.saved = saved
            self.oracle.saved(decision.state)
        operator.version, operator.state = self.version, decision.state
        return True

    def _drop_verbs(self, operator: Operator) -> None:
        """Remove the annotations that have been acted on."""
        heard = operator.state.verbs if operator.state is not None else {}
        asked = requests(self.verbs)
        acted_on = {verb for verb, mark in heard.items() if verb in asked and asked[verb].heard_by(mark)}
        self.verbs = {verb: why for verb, why in self.verbs.items() if verb not in acted_on}
