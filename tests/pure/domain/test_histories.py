"""Arbitrary histories: whatever happens, traffic grows only as earned, falls when it must, and all comes right."""

from dataclasses import replace

from hypothesis import example, given
from hypothesis import strategies as st
from mlrollout.domain.reason import Reason
from mlrollout.domain.state import State
from mlrollout.evidence.measurement import Held, Verdict

from tests.pure.domain.specs import GUARDRAILS, INTERVAL, STAGES
from tests.pure.domain.world import Happening, World

VERBS = ("rollback", "retry", "resume", "approve", "promote", "demote", "pause")
TEXTS = ("0", "5", "25", "100", "garbage", None)
RECORDS = ('{"schema":2,"percentage":40}', "broken", None)
FORGED = (
    {"latched": True, "percentage": 0, "stage": "elsewhere"},
    {"stage": "elsewhere"},
    {"stage": "elsewhere", "percentage": 100},
    {"stage": ""},
    {"revision": "x" * 300},
    {"holder": "nobody"},
)
"""What stands in a record that another wrote in this object's name."""

HAPPENINGS: tuple[Happening, ...] = (
    ("handle", 0),
    ("handle", 1),
    ("looks", "Pass"),
    *(("go_well", times) for times in (1, 2, 3, 5, 8)),
    *(("wait", seconds) for seconds in (0.5, 10.0, 25.0, 40.0, 600.0, -45.0)),
    *(("look", which, verdict.value) for which in range(4) for verdict in (*Verdict, *Held)),
    *(("breach", which) for which in range(4)),
    *(("ask", verb) for verb in VERBS),
    *(("stages", name) for name in STAGES),
    *(("guardrails", name) for name in GUARDRAILS),
    *((name, flag) for name in ("pause", "redis_is", "api_is", "delay") for flag in (False, True)),
    *(("after", what) for what in ("Guard", "Stop")),
    *(("hold_back", percentage) for percentage in (0, 5, 50)),
    *(("set_key", text) for text in TEXTS),
    *(("set_record", text) for text in RECORDS),
    *(("set_own_record", fields) for fields in FORGED),
    *(("fail_over", back) for back in range(3)),
    ("revise",),
    ("flush",),
    ("take_over",),
    ("snapshot",),
    ("deliver",),
    ("restart", 0),
    ("restart", 1),
)


@given(st.lists(st.sampled_from(HAPPENINGS), max_size=40))
@example([("snapshot",), ("go_well", 8), ("stages", "lower"), ("fail_over", 0)])
def test_what_must_hold_holds_and_all_comes_right_in_the_end(happenings: list[Happening]) -> None:
    world = World()
    world.play([("handle", 0), ("go_well", 3), *happenings])
    mend(world)
    last = complete(world)
    assert world.redis.traffic.record == last.record
    assert world.redis.traffic.in_force == last.record.percentage == world.edit.spec.stages[-1].percentage
    stands_still(world)


def mend(world: World) -> None:
    """The faults are over; people say yes to everything."""
    world.play([("redis_is", True), ("api_is", True), ("delay", False), ("pause", False), *[("deliver",)] * 40])
    world.play([("restart", 1), ("wait", 100.0)])
    if world.redis.traffic.unreadable or "else/where" in (world.redis.record or ""):
        world.play([("set_record", None), ("set_key", "0")])


def complete(world: World) -> State:
    for _ in range(100):
        world.wait(INTERVAL)
        served = world.redis.traffic.in_force > 0 or world.edit.spec.stages[0].percentage == 0
        world.looks("Pass" if served else "NoData")
        decision = world.handle()
        state = decision.state
        if state is None:
            continue
        if state.completed and state.confirmed:
            return state
        if state.record.latched:
            world.ask("retry")
        if state.paused:
            world.ask("resume")
        if Reason.AWAITING_APPROVAL in {blocker.reason for blocker in decision.blockers}:
            world.ask("approve")
    raise AssertionError(f"never complete: {decision}")


def stands_still(world: World) -> None:
    """Nothing is written any more, and nothing changes but the time that counts."""
    # A verb heard last is forgotten once its annotation is seen to be gone.
    world.handle()
    world.play([("handle", 0), ("handle", 0)])  # forgets the verbs whose annotations are gone
    for _ in range(3):
        world.wait(INTERVAL)
        world.looks()
        before = world.state
        assert world.handle().write is None
        assert replace(world.state, healthy=0.0, healthy_until=None) == replace(before, healthy=0.0, healthy_until=None)
