"""What was counted, counted again from the samples, and the test made again of that alone: the same to the last bit."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from mlrollout.evidence.checks.check import Occasion
from mlrollout.evidence.checks.kinds import check_of
from mlrollout.evidence.checks.memory import Memory
from mlrollout.evidence.checks.recount import Breached, Recount
from mlrollout.evidence.checks.sequential import SequentialCheck
from mlrollout.evidence.measurement import Measurement, Verdict
from mlrollout.evidence.statistics.blocks import Block

from tests.pure.evidence.checks.counters import ATTEMPT, EPOCH, GUARDRAIL, Counters, Looks, read, traffic
from tests.pure.evidence.checks.groups import SCORE, WORSE, always, both, scored, unlucky
from tests.pure.evidence.checks.test_balance import SPLIT, users

HOUR = 3600.0


def check(raw: dict[str, Any]) -> SequentialCheck[Any, Any, Any]:
    found = check_of(read(raw))
    assert isinstance(found, SequentialCheck)
    return found


def recounted(raw: dict[str, Any], counters: Counters, checkpoint: str) -> Recount:
    """All of it, as whoever asks the Prometheus has it."""
    fresh = check(raw)
    memory = fresh.blocks.load(checkpoint)
    assert memory is not None
    recount = Recount(fresh, memory)
    done = recount.done
    while questions := recount.questions():
        recount.take({name: counters.answer(question) for name, question in questions.items()})
        assert recount.done >= done
        done = recount.done
    assert done == 1
    return recount


def again(raw: dict[str, Any], recount: Recount) -> Memory[Any]:
    """What the blocks come to, after they were written down and read."""
    fresh, goal = check(raw), recount.memory
    memory = replace(fresh.blocks.begin(goal.attempt, goal.state.bets.begin), shares=goal.shares)
    for block in recount.blocks:
        content = fresh.read(json.loads(json.dumps(fresh.written(block.content))))
        memory = fresh.blocks.add(memory, Block(block.begin, block.end, content))
    return memory


def holds(raw: dict[str, Any], counters: Counters, found: Measurement) -> Recount:
    recount = recounted(raw, counters, found.checkpoint)
    recorded = check(raw).blocks.load(found.checkpoint)
    assert recount.memory == recorded
    memory = again(raw, recount)
    assert replace(memory, upto=recount.memory.upto, gaps=recount.memory.gaps) == recorded
    judged = check(raw).judged(Occasion(found.at, 0.0), memory, 0.01)
    assert (judged.verdict, judged.evidence) == (found.verdict, found.evidence)
    return recount


KINDS: list[tuple[dict[str, Any], Callable[[], Counters]]] = [
    (GUARDRAIL, lambda: traffic(5, lambda at: 0.01 if at < HOUR else 0.2, 2 * HOUR)),
    (WORSE, lambda: both(lambda at: 0.02 if at < HOUR else 0.2, always(0.02), 2 * HOUR)),
    (WORSE, lambda: unlucky(2 * HOUR, [str(cohort) for cohort in range(25)])),
    (SCORE, lambda: scored(0.5, 0.8, 2 * HOUR)),
    (SPLIT, lambda: users(lambda at: 0.1 if at < HOUR else 0.3, 2 * HOUR)),
]


@pytest.mark.parametrize(("raw", "made"), KINDS)
def test_every_kind_comes_to_the_same_again(raw: dict[str, Any], made: Callable[[], Counters]) -> None:
    counters = made()
    looks = Looks.at(counters, raw)
    looks.every(15, HOUR)
    second = replace(ATTEMPT, stage=EPOCH + HOUR + 7, percentage=30)
    for until in (1.2 * HOUR, 2 * HOUR):
        recount = holds(raw, counters, looks.every(120, until, begin=HOUR, attempt=second))
        assert len(recount.blocks) > 100
        assert recount.memory.samples({}, EPOCH + 600, EPOCH + 615).share == 0.1
        assert recount.memory.samples({}, EPOCH + HOUR, EPOCH + HOUR + 15).share is None


def test_a_comparison_without_a_control_comes_to_the_same_again() -> None:
    counters = both(always(0.02), always(0.02), 2 * HOUR)
    looks = Looks.at(counters, WORSE | {"compare": WORSE["compare"] | {"max": 0.05}})
    looks.every(15, HOUR)
    found = looks.every(15, 2 * HOUR, begin=HOUR, attempt=replace(ATTEMPT, stage=EPOCH + HOUR, percentage=100))
    recount = holds(dict(WORSE, compare=WORSE["compare"] | {"max": 0.05}), counters, found)
    assert not recount.blocks[-1].content.control


def test_what_was_passed_over_waited_for_or_read_by_nobody_is_so_again() -> None:
    counters = traffic(1, always(0.01), 40 * HOUR)
    (all_,), (failed,) = counters.series["all_total"], counters.series["failed_total"]
    silent = [one for one in all_.samples if not 30 * HOUR < one[0] - EPOCH < 30.4 * HOUR]
    counters.series["all_total"] = [replace(all_, samples=tuple(silent))]
    wrong = tuple((at, math.nan if 31 * HOUR < at - EPOCH < 31.1 * HOUR else value) for at, value in failed.samples)
    counters.series["failed_total"] = [replace(failed, samples=wrong)]
    looks = Looks.at(counters)
    looks.every(60, HOUR)
    found = looks.every(60, 33 * HOUR, begin=28 * HOUR)
    assert Verdict.NO_DATA in {one.verdict for one in looks.made}
    recount = holds(GUARDRAIL, counters, found)
    assert len(recount.memory.gaps) == 1
    assert max(block.end - block.begin for block in recount.blocks) > 1000


def test_a_breach_that_was_found_after_the_checkpoint_is_the_last_block() -> None:
    counters = traffic(5, lambda at: 0.01 if at < HOUR else 0.2, 2 * HOUR)
    steady = Looks.at(counters)
    before = steady.every(15, HOUR)
    while (found := steady.look(steady.made[-1].at - EPOCH + 15)).verdict is not Verdict.BREACH:
        pass
    fresh = check(GUARDRAIL)
    kept, at_breach = fresh.blocks.load(before.checkpoint), fresh.blocks.load(found.checkpoint)
    assert kept is not None
    assert at_breach is not None
    for by in (found.at, found.at + 600):
        recount = Recount(check(GUARDRAIL), kept, Breached(by, 0.01))
        while questions := recount.questions():
            recount.take({name: counters.answer(question) for name, question in questions.items()})
        assert recount.done == 1
        assert recount.memory == at_breach
        assert recount.blocks[-1].end == at_breach.upto


def test_a_checkpoint_at_the_begin_has_no_blocks_and_one_of_before_tells_of_no_share() -> None:
    counters = traffic(5, always(0.01), HOUR)
    looks = Looks.at(counters)
    assert recounted(GUARDRAIL, counters, looks.look(20).checkpoint).blocks == []
    kept = json.loads(looks.every(15, HOUR).checkpoint)
    del kept["shares"]
    old = recounted(GUARDRAIL, counters, json.dumps(kept))
    assert old.memory.samples({}, EPOCH + 600, EPOCH + 615).share is None
    recorded = check(GUARDRAIL).blocks.load(json.dumps(kept))
    assert recorded is not None
    assert replace(old.memory, shares=()) == recorded


def test_samples_that_are_gone_come_to_something_else() -> None:
    counters = traffic(5, always(0.01), HOUR)
    found = Looks.at(counters).every(15, HOUR)
    counters.since = EPOCH + 1800
    recount = recounted(GUARDRAIL, counters, found.checkpoint)
    assert recount.memory != check(GUARDRAIL).blocks.load(found.checkpoint)
    assert recount.blocks[0].content.events == 0


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        (GUARDRAIL, {}),
        (GUARDRAIL, {"counts": [1]}),
        (GUARDRAIL, {"counts": [1, 2]}),
        (GUARDRAIL, {"counts": [10**400, 2]}),
        (GUARDRAIL, {"counts": [True, False]}),
        (WORSE, {"treatment": []}),
        (WORSE, {"treatment": [], "control": []}),
        (WORSE, {"treatment": [[1, 0]], "control": [[1, 0], [1, 0]]}),
        (WORSE, {"treatment": [[1, 0]] * 21, "control": []}),
        (WORSE, {"treatment": {"events": 1}, "control": []}),
        (SCORE, {"treatment": [1, 2]}),
        (SCORE, {"treatment": [-1, 2], "control": [1, 2]}),
        (SPLIT, {"treatment": 1}),
        (SPLIT, {"treatment": -1, "control": 2}),
        (SPLIT, {"treatment": 1, "control": 2, "share": 1.5}),
        (SPLIT, {"treatment": 1, "control": 2, "share": "half"}),
    ],
)
def test_what_is_no_block_is_refused(raw: dict[str, Any], plain: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"number|cannot be|cohorts"):
        check(raw).read(plain)
