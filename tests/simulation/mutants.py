"""Which planted bug must be found by which check, and in which schedules."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import pytest

from . import bugs, bugs_in_tests
from .checks.clients import clients_follow_to_zero, clients_never_go_back
from .checks.few import a_breach_stands_on_its_samples
from .checks.guard import who_looks_looks_on
from .checks.leases import leases_last
from .checks.looks import somebody_looks
from .checks.notified import receivers_are_told
from .checks.raises import (
    a_raise_is_won_by_a_status_write,
    no_unearned_raise,
)
from .checks.rest import all_agree_in_the_end, nothing_unexpected
from .checks.tested import (
    a_breach_is_beyond_chance,
    a_failing_model_is_found,
    each_event_counts_once,
    no_split_is_blamed,
    replicas_agree,
)
from .checks.time import downtime_is_not_healthy_time
from .checks.told import (
    attempts_are_asked_for,
    attempts_are_named,
    completions_are_announced,
    no_innocent_is_rolled_back,
    rollbacks_are_told_with_their_cause,
    transitions_stand_once,
    verbs_are_answered_once,
    verbs_are_heard,
)
from .checks.violation import Check
from .checks.zero import breach_reaches_zero, deletion_reaches_zero, zero_comes_back, zero_stays
from .world import prometheus, tested
from .world.faults import Fate
from .world.plan import Leading, Plan
from .world.step import Step

Plant = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True, slots=True)
class Mutant:
    """A bug.

    Attributes:
        plant: Puts it in.
        check: What must find it.
        flavour: In which schedules.
        adjust: What to change about them, where the bug hides in a moment that seldom comes.
        near: Where among them the search begins: where the bug was last found. It only saves time.
    """

    plant: Plant
    check: Check
    flavour: str
    adjust: Callable[[Plan], Plan] = lambda plan: plan
    near: int = 0


def _nagging(plan: Plan) -> Plan:
    """Somebody pauses and resumes all the time, and the operator crashes a lot."""
    verbs = (("pause", "resume")[count % 2] for count in range(15))
    steps = tuple(
        Step(4.0 * count, "verb", "a", (verb, f"because-{count}.")) for count, verb in enumerate(verbs, start=1)
    )
    return replace(plan, steps=steps, rates={("api", Fate.FAIL): 0.2, ("api", Fate.CRASH_BEFORE): 0.05})


def _repeating(plan: Plan) -> Plan:
    """Somebody pauses and resumes, with the same words each time, while the API server's replies get lost."""
    steps = tuple(
        Step(2.0 + 0.5 * count, "verb", "a", (("pause", "resume")[count % 2], "because-1.")) for count in range(80)
    )
    return replace(plan, steps=steps, rates={("api", Fate.FAIL): 0.3, ("api", Fate.LOST): 0.3})


def _kept_in_git(plan: Plan) -> Plan:
    """A manifest holds a retry, and the attempt is rolled back."""
    steps = (Step(5.0, "keep", "a", {"mlrollout.dev/retry": "x"}), Step(12.0, "verb", "a", ("rollback", "because-1.")))
    return replace(plan, steps=(*steps, Step(30.0, "keep", "a", {})))


def _api_gone(plan: Plan) -> Plan:
    """A model sickens while the API server answers nobody, and there is something to be told to it."""
    asked = (Step(1.5, "revise", "a", "late-1"), Step(16.0, "verb", "a", ("pause", "because-1.")))
    return replace(plan, steps=(*asked, Step(15.0, "outage", "api", 35.0), Step(50.0, "cut", "x", 1.0)))


def _revised_in_vain(plan: Plan) -> Plan:
    """A model sickens while Redis can't be reached, and a good one is asked for already."""
    ask = (Step(1.5, "revise", "a", "late-1"), Step(22.0, "revise", "a", "good-2"))
    return replace(plan, steps=(*ask, Step(20.0, "outage", "redis", 18.0), Step(35.0, "cut", "x", 1.0)))


def _overlapping(plan: Plan) -> Plan:
    """Leadership changes hands, with some seconds of both, whenever somebody asks for another model."""
    hands = (Step(float(at), "hand_over", "a", 6.0) for at in (8, 20, 32))
    asked = (Step(at + 3.0, "revise", "a", f"good-{at}") for at in (8, 20, 32))
    return replace(plan, leading=Leading.STANDBY, steps=tuple(sorted((*hands, *asked), key=lambda step: step.at)))


def _swept(plan: Plan) -> Plan:
    """While nobody looks, Redis goes back to before the first stage."""
    return replace(plan, steps=(Step(25.0, "crash", "a"), Step(25.2, "fail_over", "", 24.0)))


def _two_see_it(plan: Plan) -> Plan:
    """A model sickens before the eyes of two, and Redis is slow."""
    return replace(
        plan,
        leading=Leading.STANDBY,
        specs={"a": {**plan.specs["a"], "revision": "late-0"}},
        steps=(),
        rates={("redis", Fate.SLOW): 0.5, ("redis", Fate.FAIL): 0.2},
    )


def _starving(plan: Plan) -> Plan:
    """The application is scraped in short spells only."""
    return replace(plan, steps=tuple(Step(float(at), "stale", "a", 9.0) for at in range(3, 60, 12)))


def _refused(plan: Plan) -> Plan:
    """The API server takes no status any more, and the lease is short."""
    spec = plan.specs["a"]
    leased = {**plan.specs, "a": {**spec, "traffic": {**spec["traffic"], "lease": "5s"}}}
    return replace(plan, specs=leased, steps=(Step(8.0, "outage", "save_status", 30.0),))


def _deleted_unled(plan: Plan) -> Plan:
    """An object is deleted while nobody leads."""
    steps = (Step(15.0, "hand_over", "", -20.0), Step(18.0, "delete", "a", 30.0))
    return replace(plan, leading=Leading.STANDBY, steps=steps)


def _told_nonsense(plan: Plan) -> Plan:
    """The API server answers wrongly for long while a rollout is under way."""
    begun = (Step(1.5, "revise", "a", "good-1"), Step(12.0, "nonsense", "api", 60.0))
    return replace(plan, steps=(*begun, Step(60.0, "cut", "x", 1.0)))


def _unheard(plan: Plan) -> Plan:
    """A watch ends for good, and later somebody applies another object."""
    other = dict(plan.specs["a"]) | {"traffic": {"key": "b:percentage"}}
    return replace(plan, steps=(Step(10.0, "end_watch", "a"), Step(30.0, "apply", "b", other)))


def _met_anew(plan: Plan) -> Plan:
    """An operator starts while the spec holds a word of a newer version."""
    steps = (Step(14.0, "newer", "a", ("newer_beside", 60.0)), Step(15.0, "crash", "a"))
    time_passes = tuple(Step(float(at), "cut", "x", 1.0) for at in range(20, 68, 4))
    return replace(plan, leading=Leading.ALONE, steps=(*steps, *time_passes))


def _counting(plan: Plan, count: int) -> Plan:
    """Models are bad, and guardrails ask for so many samples, or a rollback after a while of bad values on fewer."""
    samples = {"count": count, "query": prometheus.requests("a", "$window")}
    few = samples | {"onTooFew": {"action": "Rollback", "after": "5s"}}
    spec = plan.specs["a"]
    first = spec["guardrails"][0] | {"query": prometheus.error_rate("a", "$window"), "minSamples": few}
    specs = {**plan.specs, "a": {**spec, "revision": "bad-0", "guardrails": [first]}}
    return replace(plan, specs=specs, steps=(Step(50.0, "cut", "x", 1.0),))


def _half_scraped(plan: Plan) -> Plan:
    """The counter of failures dies, and that of requests lives on."""
    return replace(plan, steps=tuple(Step(float(at), "silence", "a", ("FAILURES", 25.0)) for at in (8, 36)), rates={})


def _restarting(plan: Plan) -> Plan:
    """Pods restart again and again."""
    return replace(plan, steps=tuple(Step(6.0 + 3 * count, "restart_pod", "a", "pq"[count % 2]) for count in range(8)))


def _compared(plan: Plan) -> Plan:
    """A comparison alone, and requests that fail in both groups from the second stage on."""
    spec = plan.specs["a"]
    guardrail = {"name": "errors", "interval": "3s", "maxAge": "9s", "deadline": "1s"}
    asked = {**guardrail, "compare": {**tested.compare("a"), "ratio": 1}}
    pilot, half = {"name": "pilot", "percentage": 5}, {"name": "half", "percentage": 50}
    stages = [pilot | {"duration": "10s"}, half | {"duration": "60s"}]
    made = {"revision": "good-0", "traffic": spec["traffic"], "stages": stages, "guardrails": [asked]}
    return replace(plan, specs={"a": made}, steps=(Step(25.0, "bad_hour", "a", 80.0),))


def _looping(plan: Plan) -> Plan:
    """Both groups are compared, and pods restart again and again."""
    return replace(_compared(plan), steps=_restarting(plan).steps)


def _shared(plan: Plan) -> Plan:
    """Two guardrails share the chance of a false alarm, and the model fails."""
    spec = plan.specs["a"]
    first = {"name": "errors", "interval": "3s", "maxAge": "9s", "deadline": "1s", "rate": tested.rate("a")}
    second = {"name": "worse", "interval": "3s", "maxAge": "9s", "deadline": "1s"}
    guardrails = [first, second | {"compare": {**tested.compare("a"), "ratio": 1.5}}]
    made = {**spec, "revision": "bad-0", "guardrails": guardrails}
    return replace(plan, specs={"a": made}, steps=(Step(80.0, "cut", "x", 1.0),))


def _split(plan: Plan) -> Plan:
    """The split is watched, and Redis goes back to the stage before."""
    spec = plan.specs["a"]
    watched = {"name": "errors", "interval": "3s", "maxAge": "9s", "deadline": "1s", "balance": tested.balance("a")}
    steps = tuple(Step(float(at), "fail_over", "", 9.0) for at in range(12, 90, 10))
    return replace(plan, specs={"a": {**spec, "revision": "good-0", "guardrails": [watched]}}, steps=steps)


def _unread(plan: Plan) -> Plan:
    """The split is watched in half of the users, and nobody can read the percentage for a while."""
    stages = [{"name": "half", "percentage": 50, "duration": "120s"}]
    spec = {**_split(plan).specs["a"], "stages": stages}
    return replace(plan, specs={"a": spec}, steps=(Step(30.0, "outage", "redis", 45.0), Step(90.0, "cut", "x", 1.0)))


def _mended(plan: Plan) -> Plan:
    """A good model follows a bad one while nothing is scraped."""
    spec = {**plan.specs["a"], "revision": "bad-at-10-0"}
    return replace(plan, specs={"a": spec}, steps=(Step(6.0, "stale", "a", 20.0), Step(10.0, "revise", "a", "good-1")))


def _hearsay(plan: Plan) -> Plan:
    """A standby is deaf when the first stage begins."""
    return replace(plan, leading=Leading.BOTH, steps=(Step(0.9, "deafen", "b", 6.0),))


def _untold(plan: Plan) -> Plan:
    """The API server tells a standby nothing from before a model's first stage on; it sickens, and who led is gone."""
    steps = (
        Step(5.0, "revise", "a", "late-1"),
        Step(6.0, "nonsense", "api of b", 50.0),
        Step(33.0, "crash", "a", 40.0),
    )
    return replace(plan, leading=Leading.STANDBY, steps=steps, shortest=60.0)


def _standing_still(plan: Plan) -> Plan:
    """The split is watched, and a standby stands still when the next stage begins."""
    watched = {"name": "errors", "interval": "3s", "maxAge": "9s", "deadline": "1s", "balance": tested.balance("a")}
    stages = [{"name": name, "percentage": share, "duration": "6s"} for name, share in (("pilot", 10), ("full", 90))]
    made = {**plan.specs["a"], "revision": "good-0", "stages": stages, "guardrails": [watched]}
    steps = (Step(13.0, "deafen", "b", 12.0), Step(14.0, "freeze", "b", 10.0), Step(30.0, "cut", "x", 1.0))
    return replace(plan, leading=Leading.STANDBY, specs={"a": made}, steps=steps)


def _lagging(plan: Plan) -> Plan:
    """A registry names another model for a moment, as a replica does that lags."""
    steps = (Step(20.0, "name", "a", "good-1"), Step(21.0, "name_nothing", "a", 30.0))
    return replace(plan, steps=(*steps, Step(30.0, "name", "a", "good-2"), Step(30.5, "registry_lags", "a", 10.0)))


def _taken_back(plan: Plan) -> Plan:
    """A model is bad, and its registry goes on naming it."""
    return replace(plan, names={"a": "bad-0"}, steps=(Step(40.0, "cut", "x", 1.0),))


TESTED = (
    Mutant(bugs_in_tests.forget_restarts, each_event_counts_once, "calm", _restarting),
    Mutant(bugs_in_tests.take_crash_loops_for_gauges, each_event_counts_once, "calm", _looping),
    Mutant(bugs_in_tests.swap_groups, each_event_counts_once, "calm", _compared),
    Mutant(bugs_in_tests.pool_strata, no_innocent_is_rolled_back, "calm", _compared),
    Mutant(bugs_in_tests.divide_nothing, a_breach_is_beyond_chance, "calm", _shared),
    Mutant(bugs_in_tests.overlap, each_event_counts_once, "calm"),
    Mutant(bugs_in_tests.count_from_before, each_event_counts_once, "calm", _mended),
    Mutant(bugs_in_tests.run_on, each_event_counts_once, "calm"),
    Mutant(bugs_in_tests.forget_on_restart, each_event_counts_once, "crashes", near=5),
    Mutant(bugs_in_tests.begin_by_hearsay, replicas_agree, "calm", _hearsay, near=41),
    Mutant(bugs_in_tests.ask_for_what_was_announced, no_split_is_blamed, "calm", _split),
    Mutant(bugs_in_tests.suppose_that_all_follow, no_split_is_blamed, "calm", _unread),
    Mutant(bugs_in_tests.suppose_that_it_still_stands, no_split_is_blamed, "calm", _standing_still, near=1),
    Mutant(bugs_in_tests.never_be_sure, a_failing_model_is_found, "calm", _shared),
)
"""Likewise, in schedules whose guardrails test at every look."""

NAMED = (
    Mutant(bugs.believe_one_answer, attempts_are_named, "calm", _lagging),
    Mutant(bugs.try_again_what_was_rolled_back, attempts_are_asked_for, "calm", _taken_back),
    Mutant(bugs.announce_what_runs, completions_are_announced, "calm"),
)
"""Likewise, in schedules whose objects have their revision from a source."""

MUTANTS = (
    Mutant(bugs.raise_before_status, a_raise_is_won_by_a_status_write, "calm"),
    Mutant(bugs.forget_latch_on_restart, zero_stays, "losses"),
    Mutant(bugs.forget_verbs_on_restart, verbs_are_answered_once, "calm", _nagging, near=14),
    Mutant(bugs.hear_by_words, verbs_are_heard, "calm", _repeating),
    Mutant(bugs.hear_manifests, attempts_are_asked_for, "calm", _kept_in_git),
    Mutant(bugs.trust_old_samples, no_unearned_raise, "calm", _starving, near=14),
    Mutant(bugs.ask_what_answered, no_unearned_raise, "evidence", _half_scraped),
    Mutant(bugs.breach_on_few_samples, a_breach_stands_on_its_samples, "calm", partial(_counting, count=200)),
    Mutant(bugs.hide_what_is_held_back, breach_reaches_zero, "calm", partial(_counting, count=1_000_000)),
    Mutant(bugs.trust_other_stages, no_unearned_raise, "calm"),
    Mutant(bugs.count_all_time, downtime_is_not_healthy_time, "crashes"),
    Mutant(bugs.count_twice, downtime_is_not_healthy_time, "leaders", near=8),
    Mutant(bugs.forget_what_redis_said, breach_reaches_zero, "calm", _untold, near=1),
    Mutant(bugs.lower_in_the_main_lane, breach_reaches_zero, "calm", _api_gone),
    Mutant(bugs.forget_what_is_said_to_be_gone, who_looks_looks_on, "calm", _told_nonsense),
    Mutant(bugs.believe_a_dead_watch, all_agree_in_the_end, "calm", _unheard),
    Mutant(bugs.lose_events, transitions_stand_once, "api"),
    Mutant(bugs.drop_the_cause, rollbacks_are_told_with_their_cause, "leaders"),
    Mutant(bugs.tell_ones_own_cause, rollbacks_are_told_with_their_cause, "leaders", _two_see_it),
    Mutant(bugs.tell_before_it_stands, rollbacks_are_told_with_their_cause, "leaders", _two_see_it),
    Mutant(bugs.note_before_it_arrives, receivers_are_told, "crashes"),
    Mutant(bugs.name_by_the_moment, receivers_are_told, "calm"),
    Mutant(bugs.tell_the_newest_first, receivers_are_told, "leaders"),
    Mutant(bugs.spin, nothing_unexpected, "leaders"),
    Mutant(bugs.begin_before_saved, attempts_are_asked_for, "leaders", _overlapping),
    Mutant(bugs.blame_the_next_attempt, no_innocent_is_rolled_back, "calm", _revised_in_vain),
    Mutant(bugs.wait_for_evidence_at_zero, all_agree_in_the_end, "calm", _swept, near=4),
    Mutant(bugs.forget_what_was_seen, clients_never_go_back, "losses"),
    Mutant(bugs.wait_for_the_poll, clients_follow_to_zero, "calm"),
    Mutant(bugs.make_no_rounds, zero_comes_back, "losses"),
    Mutant(bugs.renew_in_the_main_lane, leases_last, "calm", _refused),
    Mutant(bugs.understand_all_or_nothing, somebody_looks, "calm", _met_anew),
    Mutant(bugs.leave_to_the_leader, deletion_reaches_zero, "calm", _deleted_unled),
)
