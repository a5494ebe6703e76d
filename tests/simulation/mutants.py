"""Bugs to be planted in the operator, each the kind that a person might write."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from mlrollout.api.spec import Guardrail, Spec, Stage
from mlrollout.domain import gate, progress
from mlrollout.domain.state import Blocked, Seen, State
from mlrollout.domain.traffic import Write
from mlrollout.domain.verdict import Verdict
from mlrollout.evidence import judge
from mlrollout.runtime import rollout as rollouts
from mlrollout.runtime.reconciler import Reconciler
from mlrollout.runtime.rollout import Rollout

from tests.components.redis import model

from .checks.raises import (
    a_raise_is_won_by_a_status_write,
    a_raise_knows_what_it_raises,
    no_unearned_raise,
)
from .checks.time import downtime_is_not_healthy_time
from .checks.told import verbs_are_answered_once
from .checks.violation import Check
from .checks.zero import breach_reaches_zero, zero_stays
from .world.faults import Fate
from .world.plan import Plan, Step

Plant = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True, slots=True)
class Mutant:
    """A bug.

    Attributes:
        plant: Puts it in.
        check: What must find it.
        flavour: In which schedules.
        adjust: What to change about them, where the bug hides in a moment that seldom comes.
    """

    plant: Plant
    check: Check
    flavour: str
    adjust: Callable[[Plan], Plan] = lambda plan: plan


def raise_before_status(patch: pytest.MonkeyPatch) -> None:
    """A raise is written to Redis first, as a rollback is."""
    step = Reconciler._step

    async def hasty(self: Reconciler, rollout: Rollout) -> bool:
        self._decide(rollout)
        state, traffic = rollout.state, rollout.traffic
        if self.leads and state is not None and traffic is not None and state.record.percentage > traffic.in_force:
            await self._keys.write(rollout, Write(state.record, raises=True, expect=traffic.record))
        return await step(self, rollout)

    patch.setattr(Reconciler, "_step", hasty)


def _restart(patch: pytest.MonkeyPatch, forget: Callable[[State], State]) -> None:
    """Have something forgotten of what a new process reads in the status."""
    merge = rollouts.merge

    def forgetful(working: State | None, loaded: State | None) -> State | None:
        return forget(loaded) if working is None and loaded is not None else merge(working, loaded)

    patch.setattr(rollouts, "merge", forgetful)


def forget_latch_on_restart(patch: pytest.MonkeyPatch) -> None:
    """A new process does not know of the rollback."""
    _restart(patch, lambda loaded: replace(loaded, record=replace(loaded.record, latched=False)))


def forget_verbs_on_restart(patch: pytest.MonkeyPatch) -> None:
    """A new process does not know which verbs have been acted on."""
    _restart(patch, lambda loaded: replace(loaded, verbs={}))


def trust_old_samples(patch: pytest.MonkeyPatch) -> None:
    """How old the samples behind an answer are is not asked."""
    patch.setattr(judge, "_stale", lambda *_: None)


def trust_other_stages(patch: pytest.MonkeyPatch) -> None:
    """A window may reach back before its stage."""
    unearned = gate._unearned

    def anywhere(guardrail: Guardrail, _: float, look: Verdict | None) -> Blocked | None:
        return unearned(guardrail, float("-inf"), look)

    patch.setattr(gate, "_unearned", anywhere)


def count_all_time(patch: pytest.MonkeyPatch) -> None:
    """Healthy time is the time since the stage began."""

    def count(_: Spec, __: Seen, state: State, ___: Stage, now: float) -> State:
        return replace(state, healthy=now - state.since, counted=now)

    patch.setattr(progress, "_count", count)


def count_twice(patch: pytest.MonkeyPatch) -> None:
    """Healthy time that another process has counted is counted once more."""
    merge = rollouts.merge

    def greedy(working: State | None, loaded: State | None) -> State | None:
        merged = merge(working, loaded)
        return merged if merged is None or working is None else replace(merged, counted=working.counted)

    patch.setattr(rollouts, "merge", greedy)


def expect_nothing(patch: pytest.MonkeyPatch) -> None:
    """A raise does not ask whether Redis still holds what it is based on."""
    merge = model.merge

    def blind(before: model.State, write: Write, **options: Any) -> Any:
        return merge(before, replace(write, expect=before.traffic.record), **options)

    patch.setattr(model, "merge", blind)


def brake_in_the_main_lane(patch: pytest.MonkeyPatch) -> None:
    """The way down has no lane of its own, and waits for the API server where the main lane does."""
    patch.setattr(Reconciler, "brake", lambda *_: None)


def _flapping(plan: Plan) -> Plan:
    """Redis fails over again and again, and its replies are late."""
    steps = tuple(Step(float(at), "fail_over", "", 1.5) for at in range(2, 60, 3))
    return replace(plan, steps=steps, rates={("redis", Fate.LATE): 0.3, ("redis", Fate.SLOW): 0.3})


def _nagging(plan: Plan) -> Plan:
    """Somebody pauses and resumes all the time, and the operator crashes a lot."""
    verbs = (("pause", "resume")[count % 2] for count in range(15))
    steps = tuple(
        Step(4.0 * count, "verb", "a", (verb, f"because-{count}.")) for count, verb in enumerate(verbs, start=1)
    )
    return replace(plan, steps=steps, rates={("api", Fate.FAIL): 0.2, ("api", Fate.CRASH_BEFORE): 0.05})


def _api_gone(plan: Plan) -> Plan:
    """A model sickens while the API server answers nobody."""
    outages = (Step(float(at), "outage", "api", 6.0) for at in range(15, 50, 5))
    return replace(plan, steps=(Step(1.5, "revise", "a", "late-1"), *outages))


def _starving(plan: Plan) -> Plan:
    """The application is scraped in short spells only."""
    return replace(plan, steps=tuple(Step(float(at), "stale", "a", 9.0) for at in range(3, 60, 12)))


MUTANTS = (
    Mutant(raise_before_status, a_raise_is_won_by_a_status_write, "calm"),
    Mutant(forget_latch_on_restart, zero_stays, "losses"),
    Mutant(forget_verbs_on_restart, verbs_are_answered_once, "calm", _nagging),
    Mutant(trust_old_samples, no_unearned_raise, "calm", _starving),
    Mutant(trust_other_stages, no_unearned_raise, "calm"),
    Mutant(count_all_time, downtime_is_not_healthy_time, "crashes"),
    Mutant(count_twice, downtime_is_not_healthy_time, "leaders"),
    Mutant(expect_nothing, a_raise_knows_what_it_raises, "losses", _flapping),
    Mutant(brake_in_the_main_lane, breach_reaches_zero, "calm", _api_gone),
)
