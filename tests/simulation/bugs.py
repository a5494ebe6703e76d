"""Bugs to be planted in the operator, each the kind that a person might write; some were in it once."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from typing import Any

import pytest
from mlrollout.api.guardrail import Guardrail
from mlrollout.api.revision_from import RevisionFrom
from mlrollout.api.spec import Spec, Stage
from mlrollout.assignment.view import TrafficView
from mlrollout.domain import decide, gate, latch, notices, partial, progress, rollback_cause, traffic_plan
from mlrollout.domain import merge as merging
from mlrollout.domain.attempt import renew
from mlrollout.domain.decision import Blocker, Observation
from mlrollout.domain.notices import Cursor, Pending
from mlrollout.domain.record import Cause, encode
from mlrollout.domain.request import Request, shown
from mlrollout.domain.state import State
from mlrollout.domain.traffic import Intent, Lower, Raise, SavedRecord, Traffic, Write
from mlrollout.evidence.checks import threshold
from mlrollout.evidence.measurement import Measurement
from mlrollout.evidence.presence import Life, NeedStatus, Presence
from mlrollout.notify.message import OutgoingMessage
from mlrollout.notify.routing import Subscription
from mlrollout.ports import GoneError, NamedRevision, Ref, RevisionSource
from mlrollout.runtime import reading, rounds
from mlrollout.runtime.loop_time import LoopTime, loop_time
from mlrollout.runtime.naming import Inquiry
from mlrollout.runtime.notifying.lanes import Lanes
from mlrollout.runtime.operator import Operator
from mlrollout.runtime.reconciler import Reconciler
from mlrollout.runtime.report import Report
from mlrollout.runtime.rounds import Rounds
from mlrollout.runtime.tracked import Resource, TrackedObject, standing
from mlrollout.runtime.tracked.naming import Naming
from mlrollout.runtime.tracked.standing import Standing
from mlrollout.runtime.view import View as Sight

from tests.support import redis_model as model


def raise_before_status(patch: pytest.MonkeyPatch) -> None:
    """A raise is written to Redis first, as a rollback is."""
    step = Reconciler._step

    async def hasty(self: Reconciler, tracked: TrackedObject) -> bool:
        self._decide(tracked)
        state = tracked.state if tracked.standing.decision is None else tracked.standing.decision.state
        traffic = tracked.redis.traffic
        if self.leads and state is not None and traffic is not None and state.record.percentage > traffic.in_force:
            await self._traffic.write(tracked, Raise(SavedRecord(state.record), expect=traffic.record))
        return await step(self, tracked)

    patch.setattr(Reconciler, "_step", hasty)


def _restart(patch: pytest.MonkeyPatch, forget: Callable[[State], State]) -> None:
    """Have something forgotten of what a new process reads in the status."""
    merge = merging.merge

    def forgetful(working: State | None, loaded: State | None) -> State | None:
        return forget(loaded) if working is None and loaded is not None else merge(working, loaded)

    patch.setattr(standing, "merge", forgetful)


def forget_latch_on_restart(patch: pytest.MonkeyPatch) -> None:
    """A new process does not know of the rollback."""
    _restart(patch, lambda loaded: replace(loaded, record=replace(loaded.record, latched=False)))


def forget_what_redis_said(patch: pytest.MonkeyPatch) -> None:
    """A process goes on from the status alone."""
    patch.setattr(Standing, "catch_up", lambda *_: None)


def forget_verbs_on_restart(patch: pytest.MonkeyPatch) -> None:
    """A new process does not know which verbs have been acted on."""
    _restart(patch, lambda loaded: replace(loaded, verbs={}))


def hear_by_words(patch: pytest.MonkeyPatch) -> None:
    """A request with the words of one that was heard is taken for that one."""
    patch.setattr(Request, "heard_by", lambda self, mark: mark.value == shown(self.text))
    patch.setattr(Resource, "_removed", lambda _: frozenset())


def hear_manifests(patch: pytest.MonkeyPatch) -> None:
    """A verb that an applier keeps in a manifest is heard as one that a person asks for."""
    patch.setattr("mlrollout.domain.annotations._manifest", lambda *_: "")


def trust_old_samples(patch: pytest.MonkeyPatch) -> None:
    """How old the samples behind an answer are is not asked."""
    patch.setattr(threshold, "_stale", lambda *_: None)


def breach_on_few_samples(patch: pytest.MonkeyPatch) -> None:
    """A bad value is a breach however few samples it stands on."""
    patch.setattr(threshold.Look, "holds_back", property(lambda _: False))


def hide_what_is_held_back(patch: pytest.MonkeyPatch) -> None:
    """Bad values that never have enough samples have no consequence."""
    policies = gate._policies
    patch.setattr(gate, "_policies", lambda *about: islice(policies(*about), 1))


def ask_what_answered(patch: pytest.MonkeyPatch) -> None:
    """How old samples are is asked of what has any, and not of every selector in the question."""
    found = Presence.found

    def alive(self: Presence) -> tuple[NeedStatus, ...]:
        everything: tuple[NeedStatus, ...] = found.__get__(self)
        return tuple(one for one in everything if one.life is Life.FRESH) or everything

    patch.setattr(Presence, "found", property(alive))


def trust_other_stages(patch: pytest.MonkeyPatch) -> None:
    """A window may reach back before its stage."""
    unearned = gate._promotion_blocker

    def anywhere(guardrail: Guardrail, _: float, look: Measurement) -> Blocker | None:
        return unearned(guardrail, float("-inf"), look)

    patch.setattr(gate, "_promotion_blocker", anywhere)


def count_all_time(patch: pytest.MonkeyPatch) -> None:
    """Healthy time is the time since the stage began."""

    def count(_: Spec, __: Observation, state: State, ___: Stage, now: float) -> State:
        return replace(state, healthy=now - state.in_force_since, healthy_until=now)

    patch.setattr(progress, "_count", count)


def count_twice(patch: pytest.MonkeyPatch) -> None:
    """Healthy time that another process has counted is counted once more."""
    merge = merging.merge

    def greedy(working: State | None, loaded: State | None) -> State | None:
        merged = merge(working, loaded)
        return merged if merged is None or working is None else replace(merged, healthy_until=working.healthy_until)

    patch.setattr(standing, "merge", greedy)


def expect_nothing(patch: pytest.MonkeyPatch) -> None:
    """A raise does not ask whether Redis still holds what it is based on."""
    merge = model.merge

    def blind(before: model.State, write: Write, **options: Any) -> Any:
        wanted = Raise(write.record, before.traffic.record) if isinstance(write, Raise) else write
        return merge(before, wanted, **options)

    patch.setattr(model, "merge", blind)


def lower_in_the_main_lane(patch: pytest.MonkeyPatch) -> None:
    """The way down has no lane of its own, and waits for the API server where the main lane does."""
    patch.setattr(Reconciler, "start_lowering", lambda *_: None)


def lose_events(patch: pytest.MonkeyPatch) -> None:
    """An Event that can't be posted at once is dropped."""
    patch.setattr("mlrollout.runtime.delivery.GIVEN_UP_AFTER", 0.0)


def drop_the_cause(patch: pytest.MonkeyPatch) -> None:
    """The record in Redis does not say why it is latched."""
    patch.setattr(model, "encode", lambda record: encode(replace(record, cause=None)))


def tell_ones_own_cause(patch: pytest.MonkeyPatch) -> None:
    """Of two that see a breach, the leader tells its own, though the other's record stands."""
    patch.setattr(decide, "landed", lambda state, found, now: latch.landed(state, replace(found, cause=None), now))


def tell_before_it_stands(patch: pytest.MonkeyPatch) -> None:
    """A rollback is told as soon as it is decided."""

    def at_once(state: State, now: float, cause: Cause) -> State:
        state = latch.latch(state, now, cause)
        return latch.landed(state, state.record, now)

    patch.setattr(decide, "latch", at_once)


def spin(patch: pytest.MonkeyPatch) -> None:
    """A process that leads no more wants to look again at a time that has long come."""
    again = Reconciler._again

    def overdue(self: Reconciler, tracked: TrackedObject) -> float | None:
        return again(self, tracked) if self.leads else 0.0

    patch.setattr(Reconciler, "_again", overdue)


def begin_before_saved(patch: pytest.MonkeyPatch) -> None:
    """An attempt begins in Redis at once, and is saved afterwards."""
    decide_ = Reconciler._decide

    def hasty(self: Reconciler, tracked: TrackedObject) -> Intent | None:
        before, decision = tracked.state, self._decision(tracked)
        if not (self.leads and decision.announces and decision.state is not None):
            return decide_(self, tracked)
        if before is not None and decision.state.record.attempt == before.record.attempt:
            return decide_(self, tracked)
        tracked.standing.state, tracked.standing.decision = decision.state, decision
        return Lower(decision.state.record)

    patch.setattr(Reconciler, "_decide", hasty)


def blame_the_next_attempt(patch: pytest.MonkeyPatch) -> None:
    """A breach counts for an attempt that has no user yet, while the one before it is still in force."""

    def blaming(spec: Spec, seen: Observation, state: State, now: float) -> Cause | None:
        begun = replace(state, record=replace(state.record, sequence=max(1, state.record.sequence)))
        return rollback_cause.rollback_cause(spec, seen, begun, now)

    patch.setattr(decide, "rollback_cause", blaming)


def wait_for_evidence_at_zero(patch: pytest.MonkeyPatch) -> None:
    """A stage that Redis went back from waits for evidence, though nobody is in treatment who could give it."""
    patch.setattr(traffic_plan, "_fell_behind", lambda *_: False)


def understand_all_or_nothing(patch: pytest.MonkeyPatch) -> None:
    """A spec that can't be understood as a whole is not understood at all."""

    def blind(raw: object) -> partial.Partial:
        found = partial.understand(raw)
        return found if not found.problems else partial.Partial(None, found.problems)

    patch.setattr(reading, "understand", blind)


def make_no_rounds(patch: pytest.MonkeyPatch) -> None:
    """Redis is looked at where the main lane comes by, and nowhere else."""
    patch.setattr(Rounds, "_begin", lambda _: None)


def renew_in_the_main_lane(patch: pytest.MonkeyPatch) -> None:
    """A lease is renewed by whoever has saved the status."""
    patch.setattr(rounds, "_is_due", lambda *_: False)
    again, decided = Reconciler._again, Report.decided

    async def renewing(self: Report, tracked: TrackedObject) -> None:
        await decided(self, tracked)
        if tracked.redis.store is not None and tracked.state is not None and tracked.state.confirmed:
            lease = tracked.effective_spec.traffic.lease
            await tracked.redis.store.write(
                tracked.effective_spec.traffic.key, Lower(tracked.state.record), lease=lease
            )

    patch.setattr(Report, "decided", renewing)
    patch.setattr(Reconciler, "_again", lambda self, tracked: min(again(self, tracked) or 1.0, 1.0))


def leave_to_the_leader(patch: pytest.MonkeyPatch) -> None:
    """A deleted object's key is given up by the leader alone."""
    may_leave = Reconciler._may_leave
    patch.setattr(Reconciler, "_may_leave", lambda self, tracked: self.leads and may_leave(self, tracked))


def forget_what_is_said_to_be_gone(patch: pytest.MonkeyPatch) -> None:
    """An object that the API server says it has never heard of is guarded no more."""
    handle = Operator._handle

    async def believing(self: Operator, ref: Ref) -> float | None:
        try:
            return await handle(self, ref)
        except GoneError:
            self._forget(self.tracked_objects[ref])
            return None

    patch.setattr(Operator, "_handle", believing)
    patch.setattr(Sight, "doubt", lambda _: None)


def believe_a_dead_watch(patch: pytest.MonkeyPatch) -> None:
    """A watch that has ended is not begun anew, and is believed to stand."""

    async def once(self: Sight) -> None:
        await self._well.wait()
        await self._one_watch()
        self.watched = True
        await asyncio.Event().wait()

    patch.setattr(Sight, "watch", once)


def forget_what_was_seen(patch: pytest.MonkeyPatch) -> None:
    """A client takes whatever record it reads, be it an older one."""
    read = TrafficView.read

    def forgetful(self: TrafficView, traffic: Traffic, at: float) -> TrafficView:
        return replace(read(self, traffic, at), record=traffic.record)

    patch.setattr(TrafficView, "read", forgetful)


def wait_for_the_poll(patch: pytest.MonkeyPatch) -> None:
    """A client reads where it is told of more, and makes nothing of any other push."""
    patch.setattr(TrafficView, "push", lambda self, _: self)


def note_before_it_arrives(patch: pytest.MonkeyPatch) -> None:
    """That a receiver was told is noted before it is, so that a crash or a failure in between loses it."""
    try_ = Lanes._try

    async def hasty(self: Lanes, tracked: TrackedObject, one: Subscription, pending: Pending, tries: int) -> bool:
        self._told(tracked, one, pending)
        return await try_(self, tracked, one, pending, tries)

    patch.setattr(Lanes, "_try", hasty)


def name_by_the_moment(patch: pytest.MonkeyPatch) -> None:
    """A message is called after the moment at which it is sent, so that a repeat looks like another one."""

    def name(self: OutgoingMessage) -> str:
        return f"{self.about.uid}.{asyncio.get_running_loop().time()}"

    patch.setattr(OutgoingMessage, "id", property(name))


def tell_the_newest_first(patch: pytest.MonkeyPatch) -> None:
    """What is most urgent is told first, and what came before it when there is time."""
    after = notices._after

    def newest(state: State, ongoing: Any, cursor: Cursor) -> Any:
        return reversed(list(after(state, ongoing, cursor)))

    patch.setattr(notices, "_after", newest)


def believe_one_answer(patch: pytest.MonkeyPatch) -> None:
    """What a source of revisions names once counts, though a replica of it may lag."""

    def heard(self: Naming, found: NamedRevision, source: RevisionFrom, asked: float) -> bool:
        self.named, self.until, self.asked = found, LoopTime(loop_time() + 3 * source.interval), asked
        return True

    patch.setattr(Naming, "heard", heard)


def try_again_what_was_rolled_back(patch: pytest.MonkeyPatch) -> None:
    """What was rolled back and is still named begins again."""
    asked = decide._asked

    def eager(spec: Spec, observation: Observation, state: State, now: float) -> tuple[State, bool]:
        named = observation.named
        if named is not None and state.record.latched and named.revision == state.record.revision:
            return renew(state, spec, observation, now), True
        return asked(spec, observation, state, now)

    patch.setattr(decide, "_asked", eager)


def announce_what_runs(patch: pytest.MonkeyPatch) -> None:
    """The source of a revision is told that it is complete before it is."""

    async def hasty(self: Inquiry, asked: RevisionSource, _: RevisionFrom) -> None:
        saved = self.tracked.resource.saved
        if saved is not None and self.tracked.naming.announced != saved.record.attempt:
            await asked.completed(saved.record.revision, deadline=1.0)
            self.tracked.naming.knows(saved.record.attempt)

    patch.setattr(Inquiry, "_announce", hasty)
