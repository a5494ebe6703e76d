"""What must hold in every history, told by its own accounts rather than by the state's."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mlrollout.api.approval import Approval
from mlrollout.api.guardrail import Action, Guardrail
from mlrollout.api.spec import AfterCompletion, Spec
from mlrollout.api.status import ConditionStatus
from mlrollout.domain.conditions import READY, RECONCILING, STALLED, TRAFFIC_APPLIED, Fact
from mlrollout.domain.decision import Decision, Observation
from mlrollout.domain.reason import Reason
from mlrollout.domain.record import Rank, Record
from mlrollout.domain.state import HISTORY, State
from mlrollout.domain.traffic import Intent, Lower, Raise, RaiseOnceSaved, Traffic, Write
from mlrollout.evidence.measurement import MeasurementHistory, Verdict

if TYPE_CHECKING:
    from tests.pure.domain.world import World

Stay = tuple[int, str]
"""An attempt and the name of a stage."""


@dataclass
class Oracle:
    """The accounts, and the rules that are checked against them.

    Attributes:
        intents: The records that were ever answered by a decision.
        latched: The attempts whose latch was saved.
        landed: When a write of ours first made a record stand.
        good: Seconds in which every gating guardrail's last look was a fresh `Pass`, by attempt and stage.
        promoted: The stages that a person promoted.
        agreed: The attempts in which a person approved or promoted.
        held: When a decision last found Redis at the record, and every gating guardrail passing.
    """

    intents: set[Rank] = field(default_factory=set)
    latched: set[int] = field(default_factory=set)
    landed: dict[Rank, float] = field(default_factory=dict)
    good: dict[Stay, float] = field(default_factory=dict)
    promoted: set[Stay] = field(default_factory=set)
    held: float | None = None
    agreed: set[int] = field(default_factory=set)

    # --- accounts ----------------------------------------------------------------------------

    def time_passes(self, world: "World", seconds: float) -> None:
        if seconds < 0:
            self._clock_set_back(world.now + seconds)
        for operator in world.operators:
            if operator.state is None or seconds <= 0:
                continue
            until = _good_until(world.edit.spec, operator.measurements, world.now)
            gained = min(world.now + seconds, until) - world.now
            if gained > 0:
                stay = (operator.state.record.attempt, operator.state.record.stage)
                self.good[stay] = self.good.get(stay, 0.0) + gained

    def _clock_set_back(self, now: float) -> None:
        self.landed = {rank: min(at, now) for rank, at in self.landed.items()}

    def saved(self, state: State | None) -> None:
        if state is not None and state.record.latched:
            self.latched.add(state.record.attempt)

    # --- rules -------------------------------------------------------------------------------

    def sent(self, write: Write) -> None:
        assert isinstance(write, Lower) or write.record.attempt not in self.latched, "a raise of a latched attempt"

    def applied(self, world: "World", write: Write, before: Traffic) -> None:
        after = world.redis.traffic
        if after.in_force > before.in_force:
            assert isinstance(write, Raise), "what was not meant to raise raised"
            assert not _latched(before.record, write.record), "a latched attempt was raised"
        if after.record == write.record:
            self.landed.setdefault(write.record.rank, world.now)

    def told(self, seen: Observation, decision: Decision, facts: tuple[Fact, ...]) -> None:
        """Nobody is told that all is well, or that all is over, unless it is."""
        types = {fact.type: fact for fact in facts}
        assert len(types) == len(facts)
        assert all(fact.reason and fact.message for fact in facts)
        state, stalled = decision.state, STALLED in types
        assert not (stalled and RECONCILING in types)
        if types[READY].status is ConditionStatus.TRUE:
            assert state is not None
            assert (state.completed, state.confirmed, state.record.latched) == (True, True, False)
        if types[TRAFFIC_APPLIED].status is ConditionStatus.TRUE:
            assert state is not None
            assert seen.traffic is not None
            assert seen.traffic.record is not None
            assert (state.confirmed, seen.traffic.record.rank) == (True, state.record.rank)
        if stalled and types[STALLED].reason != Reason.KEY_CONFLICT:
            assert state is not None
            assert (state.record.latched, state.confirmed) == (True, True)

    def decided(self, world: "World", before: State | None, seen: Observation, decision: Decision) -> None:
        after, spec, now = decision.state, world.edit.spec, world.now
        if after is None:
            assert decision.write is None
            return
        assert 0 <= after.record.percentage <= 100
        assert not (after.record.latched and after.record.percentage)
        assert after.record.latched == (after.record.cause is not None)
        if before is not None:
            self._transition(spec, before, seen, after)
            self._breach(world, before, seen, decision)
        self._healthy(after)
        if decision.write is not None:
            self._written(world, before, seen, decision.write, after)
        self.intents.add(after.record.rank)
        if after.confirmed and _good_until(spec, seen.measurements, now) > now and seen.traffic is not None:
            self.held = now

    def _transition(self, spec: Spec, before: State, seen: Observation, after: State) -> None:
        assert after.record.rank >= before.record.rank, "a record was replaced by a lesser one"
        if after.record.attempt == before.record.attempt:
            assert after.record.holdback == before.record.holdback, "who is held back changed within an attempt"
        told = [entry for entry in after.history if entry.serial > before.serial]
        assert [entry.serial for entry in told] == list(range(before.serial + 1, after.serial + 1))[-HISTORY:]
        assert after.history == (*before.history, *told)[-HISTORY:]
        latched = after.record.latched and not before.record.latched  # told of once it stands in Redis
        assert told or latched or after.record == before.record, "a transition that the history does not tell"
        if after.record.latched and after.confirmed and after.record.attempt == before.record.attempt:
            self._told_of_rollback(after)
        for entry in told:
            if entry.reason in (Reason.APPROVED, Reason.PROMOTED):
                assert {"approve", "promote"} & set(seen.verbs)
                self.agreed.add(entry.attempt)
            if entry.reason == Reason.PROMOTED:
                assert "promote" in seen.verbs
                self.promoted.add((entry.attempt, entry.stage))
        if after.record.attempt != before.record.attempt:
            assert any(entry.reason in (Reason.ATTEMPT_STARTED, Reason.RECORD_ADOPTED) for entry in told)
            return
        assert after.record == before.record or after.record.rank > before.record.rank, "a step that does not count"
        assert after.record.latched >= before.record.latched, "a latch came off"
        for reason, times in ((Reason.ROLLED_BACK, 1), (Reason.STAGE_ADVANCED, 1), (Reason.COMPLETED, 1)):
            assert sum(entry.reason == reason for entry in told) <= times
        if any(entry.reason == Reason.STAGE_ADVANCED for entry in told):
            self._advanced(spec, before, after)

    def _told_of_rollback(self, after: State) -> None:
        """A rollback that stands in Redis stands once in the history, after its cause."""
        cause = after.record.cause
        assert cause is not None
        told = [entry for entry in after.history if entry.attempt == after.record.attempt]
        reasons = [entry.reason for entry in told]
        if len(after.history) == HISTORY or Reason.RECORD_ADOPTED in reasons:
            return  # it may be forgotten by now, or nobody knows why
        assert reasons.count(Reason.ROLLED_BACK) == 1, f"{reasons.count(Reason.ROLLED_BACK)} times rolled back"
        which = reasons.index(Reason.ROLLED_BACK)
        assert (told[which - 1].reason, told[which - 1].message) == (cause.reason, cause.message)
        assert cause.message in told[which].message

    def _advanced(self, spec: Spec, before: State, after: State) -> None:
        """A stage is entered: it is the next one, the last one's time was served, and a person agreed."""
        names = ["", *(stage.name for stage in spec.stages)]
        stages = {stage.name: stage for stage in spec.stages}
        assert not spec.paused
        assert not after.paused
        assert after.runs[-1].name == after.record.stage
        left = before.record.stage if before.record.stage in names else None
        if left is None:
            return  # the spec lost the stage in this very decision
        entered = stages[after.record.stage]
        if entered.approval is Approval.MANUAL:
            assert after.record.attempt in self.agreed, "nobody approved"
        if left and entered is not spec.stages[0]:
            served = self.good.get((before.record.attempt, left), 0.0) + 1e-3 >= stages[left].duration
            assert served or (before.record.attempt, left) in self.promoted, "a stage was left before its time"

    def _healthy(self, after: State) -> None:
        good = self.good.get((after.record.attempt, after.record.stage), 0.0)
        assert after.healthy <= good + 1e-3, f"{after.healthy} s healthy, but {good} s of good evidence"

    def _breach(self, world: "World", before: State, seen: Observation, decision: Decision) -> None:
        """A breach means zero, in the very same decision."""
        spec, after = world.edit.spec, decision.state
        assert after is not None
        elsewhere = seen.traffic is not None and seen.traffic.record is not None
        found = seen.traffic.record if elsewhere and seen.traffic is not None else None
        renewed = spec.revision != before.record.revision or (before.record.latched and not after.record.latched)
        adopted = found is not None and found.rank > before.record.rank
        if before.record.latched or renewed or adopted or not before.applied:
            return
        if not before.record.sequence:
            return  # nobody has been in this attempt yet
        if before.completed and spec.after_completion is AfterCompletion.STOP:
            return
        guilty = [g for g in spec.guardrails if g.action is Action.ROLLBACK and _breached(g, seen.measurements, before)]
        if not guilty:
            return
        assert after.record.latched, f"{guilty[0].name} is breached, and traffic stays"
        foreign = found is not None and found.owner not in ("", seen.uid)
        at_zero = seen.traffic is not None and bool(seen.traffic.unreadable) and seen.traffic.key == "0"
        if not foreign and not at_zero:
            assert decision.write == Lower(after.record), "a breach, and nothing is written"

    def _written(self, world: "World", before: State | None, seen: Observation, write: Intent, after: State) -> None:
        traffic = seen.traffic
        if isinstance(write, Lower):
            return
        assert traffic is not None, "a raise without knowing what stands"
        assert write.expect == traffic.record, "a raise that does not say what it is based on"
        assert before is not None
        assert write.record == after.record
        assert write.record.rank in self.intents, "a raise that no earlier decision announced"
        assert write.record == before.record, "a raise in the decision that announces it"
        assert not write.record.latched
        assert not _latched(traffic.record, write.record), "a raise of a latched attempt"
        assert not world.edit.spec.paused, "a raise while paused"
        assert not after.paused, "a raise while paused"
        assert write.record.revision == world.edit.spec.revision
        self._raised(world, seen, write, traffic, after)

    def _raised(self, world: "World", seen: Observation, write: RaiseOnceSaved, traffic: Traffic, after: State) -> None:
        """A raise above the first stage needs a fresh `Pass` of every guardrail, made in the stage before it."""
        spec, now = world.edit.spec, world.now
        stages = {stage.name: stage for stage in spec.stages}
        assert stages[write.record.stage].percentage == write.record.percentage
        if write.record.stage == spec.stages[0].name and traffic.record is not None:
            return
        assert _good_until(spec, seen.measurements, now) >= now, "a raise without a fresh pass of every guardrail"
        basis = traffic.record if traffic.record is not None else write.record
        landed = self.landed.get(basis.rank, 0.0)
        for guardrail in spec.guardrails:
            look = seen.measurements[guardrail.name].last
            assert not guardrail.gates or (look is not None and look.begins >= landed), "a pass of another stage"
        if traffic.record is None:
            assert traffic.lost
            assert self.held is not None
            assert now - self.held <= min(g.max_age for g in spec.guardrails if g.gates), (
                "a stage of long ago came back"
            )
        if stages[write.record.stage].approval is Approval.MANUAL and write.record.rank not in self.landed:
            assert after.record.attempt in self.agreed, "nobody approved"


def _good_until(spec: Spec, measurements: object, now: float) -> float:
    """Until when every gating guardrail's last look is a fresh `Pass`; the past if one is not."""
    assert isinstance(measurements, dict)
    until = float("inf")
    for guardrail in spec.guardrails:
        if guardrail.gates:
            measured: MeasurementHistory | None = measurements.get(guardrail.name)
            passes = (
                measured is not None
                and measured.guardrail == guardrail
                and measured.last is not None
                and measured.last.verdict is Verdict.PASS
                and measured.last.at <= now
            )
            until = min(
                until, measured.last.at + guardrail.max_age if passes and measured and measured.last else now - 1
            )
    return until


def _latched(found: Record | None, record: Record) -> bool:
    return found is not None and found.latched and found.attempt == record.attempt


def _breached(guardrail: Guardrail, measurements: object, state: State) -> bool:
    assert isinstance(measurements, dict)
    measured: MeasurementHistory | None = measurements.get(guardrail.name)
    if measured is None or measured.guardrail != guardrail:
        return False
    bad = [
        look
        for look in measured.answered[-guardrail.breach_after.of :]
        if look.verdict is Verdict.BREACH
        and look.at >= state.measurements_from
        and look.at - look.reach >= state.evidence_from
    ]
    return len(bad) >= guardrail.breach_after.failures
