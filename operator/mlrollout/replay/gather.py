"""Gathering what verdicts stand on: the object says what was found, and Prometheus has the samples it was found in.

Nothing is asked of the operator, so this works after a restart, an upgrade and without one, and whoever may read the
object and the Prometheus may do it. Where its samples of today are no more those of then, a replay says so.
"""

import asyncio
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from mlrollout.api.moment import to_second
from mlrollout.api.spec import Spec
from mlrollout.api.status import GuardrailStatus, Progress, Status
from mlrollout.domain.partial import understand
from mlrollout.domain.reason import Reason
from mlrollout.domain.subject import sharing
from mlrollout.evidence.answer import Answer
from mlrollout.evidence.checks.block_test import SILENCE
from mlrollout.evidence.checks.check import Question
from mlrollout.evidence.checks.memory import Memory
from mlrollout.evidence.checks.recount import Breached, Recount
from mlrollout.evidence.checks.sequential import SequentialCheck
from mlrollout.evidence.measurement import Verdict
from mlrollout.evidence.statistics.counting import grid
from mlrollout.ports import EvidenceSource, Object, SourceError

from .document import (
    BlocksDocument,
    DocumentObject,
    DocumentShare,
    GuardrailBlocks,
    MissingBlocks,
    RecordedFinding,
    UnreadableDocumentError,
)
from .earlier import PRESENT, EarlierAttempt, UnknownAttemptError, earlier
from .replay import check_in

DEADLINE = 30.0
"""Seconds for one answer."""
LONGEST = 400 * 86400.0
"""Seconds of an attempt that is read."""

Tick = Callable[[str, float], None]
"""Told how far the reading is: which guardrail, and how much of it from 0 to 1."""


class NoBlocksError(ValueError):
    """There is nothing to gather; the text says why."""


class TooMuchError(ValueError):
    """The blocks hold more numbers than are wanted at most; the text says how many these are."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A guardrail whose blocks are wanted.

    Attributes:
        raw: The guardrail, as the object has it.
        check: Its check.
        level: Its part of the chance of a false alarm.
        recorded: What was found.
        memory: What the check kept; of an attempt that is over, how it began.
        breach: The breach, where it was found after that.
    """

    raw: Mapping[str, Any]
    check: SequentialCheck[Any, Any, Any]
    level: float
    recorded: RecordedFinding
    memory: Memory[Any]
    breach: Breached | None


async def gather(
    found: Object,
    source: EvidenceSource,
    *,
    only: str = "",
    attempt: int = PRESENT,
    most: float = math.inf,
    tick: Tick = lambda _name, _done: None,
) -> BlocksDocument:
    """The document of an object as it stands.

    Args:
        found: The object.
        source: The Prometheus that has its samples.
        only: The one guardrail that is wanted; empty for all that test block by block.
        attempt: The attempt that is wanted: its number in the history, or how many before the present one, below zero.
        most: How many numbers the blocks may hold in all, since each takes memory.
        tick: Told how far it is.

    Raises:
        NoBlocksError: There are no blocks of what is wanted.
        TooMuchError: They hold more numbers than `most`.
        SourceError: The samples can't be had.
    """
    wanted: list[Wanted] = []
    missing: list[MissingBlocks] = []
    for one in _wanted(found, only, attempt):
        if isinstance(one, MissingBlocks):
            missing.append(one)
        else:
            wanted.append(one)
    room = _Room(most)
    guardrails = [await _blocks(one, source, room, tick) for one in wanted]
    missing += [MissingBlocks(name=one.guardrail["name"], why=why) for one in guardrails if (why := _gone(one))]
    guardrails = [one for one in guardrails if one.blocks or one.recorded.checkpoint]
    if not guardrails:
        raise NoBlocksError("; ".join(f"guardrail {one.name}: {one.why}" for one in missing))
    metadata = found.get("metadata") or {}
    return BlocksDocument(
        object=DocumentObject(**{name: str(metadata.get(name, "")) for name in DocumentObject.model_fields}),
        read=time.time(),
        guardrails=tuple(guardrails),
        missing=tuple(missing),
    )


def _wanted(found: Object, only: str, attempt: int) -> Iterator[Wanted | MissingBlocks]:
    """What is known of each guardrail that is wanted."""
    spec, status = _read(found)
    try:
        over = earlier(status, attempt, spec.traffic.holdback or 0)
    except UnknownAttemptError as error:
        raise NoBlocksError(str(error)) from None
    raws = {raw.get("name"): raw for raw in found["spec"].get("guardrails") or () if isinstance(raw, Mapping)}
    said = {one.name: one for one in status.guardrails}
    chosen = [one for one in spec.guardrails if one.name == only or (not only and one.sequential)]
    if not chosen:
        known = ", ".join(one.name for one in spec.guardrails if one.sequential) or "none"
        what = f"there is no guardrail {only!r}" if only else "no guardrail tests block by block"
        raise NoBlocksError(f"{what}; those that do: {known}")
    for one in chosen:
        try:
            check = check_in(raws[one.name])
        except UnreadableDocumentError as error:
            yield MissingBlocks(name=one.name, why=str(error))
            continue
        if over is not None:
            yield _of_earlier(raws[one.name], check, spec, over)
            continue
        why = _why_not(check, said.get(one.name))
        if why:
            yield MissingBlocks(name=one.name, why=why)
        else:
            yield _known(raws[one.name], check, spec, status, said[one.name])


def _known(
    raw: Mapping[str, Any], check: SequentialCheck[Any, Any, Any], spec: Spec, status: Status, said: GuardrailStatus
) -> Wanted:
    evidence = said.evidence
    recorded = RecordedFinding(
        finding=said.finding,
        at=said.at,
        message=said.message,
        e_value=None if evidence is None else evidence.e_value,
        checkpoint=said.checkpoint,
    )
    level = None if evidence is None else evidence.false_alarm
    level = check.guardrail.level(sharing(spec)) if level is None else level
    progress, prefix = status.progress or Progress(), f"guardrail {said.name}: "
    # Whoever sees a breach takes traffic to zero; whoever leads writes the status, and looks no more from then on.
    found = progress.reason == Reason.GUARDRAIL_BREACHED and progress.message.startswith(prefix)
    memory = check.blocks.load(said.checkpoint)
    assert memory is not None  # noqa: S101 - `_why_not` has seen it
    if not found or progress.rolled_back is None or recorded.finding == Verdict.BREACH:
        return Wanted(raw, check, level, recorded, memory, None)
    words = {"message": progress.message.removeprefix(prefix), "at": progress.rolled_back}
    breach = recorded.model_copy(update={"finding": Verdict.BREACH.value, **words})
    by = Breached(grid.latest(progress.rolled_back, check.blocks.step, 0.0), level)
    return Wanted(raw, check, level, breach, memory, by)


def _of_earlier(
    raw: Mapping[str, Any], check: SequentialCheck[Any, Any, Any], spec: Spec, over: EarlierAttempt
) -> Wanted:
    """Of an attempt that is over, from its begin on: nothing is kept of what its test had come to."""
    breach, level, step = over.breach(check.guardrail.name), check.guardrail.level(sharing(spec)), check.blocks.step
    begun = replace(check.blocks.begin(over.number, over.began), shares=over.shares)
    if breach is None:
        ended = max(begun.upto, grid.latest(over.ended, step, 0.0))
        recorded = RecordedFinding(finding="", checkpoint="")
        return Wanted(raw, check, level, recorded, replace(begun, upto=ended), None)
    prefix = f"guardrail {check.guardrail.name}: "
    recorded = RecordedFinding(
        finding=Verdict.BREACH, at=breach.at, message=breach.message.removeprefix(prefix), checkpoint=""
    )
    return Wanted(raw, check, level, recorded, begun, Breached(grid.latest(breach.at, step, 0.0), level))


def _gone(found: GuardrailBlocks) -> str:
    """What Prometheus has no samples of any more, of an attempt that is over; empty for nothing."""
    if found.recorded.checkpoint:
        return ""
    if not found.blocks:
        return f"Prometheus has no samples of its attempt, which began at {to_second(found.began)}, any more"
    first = float(found.blocks[0]["begin"])
    if first - found.began > SILENCE:
        return f"Prometheus has samples of its attempt from {to_second(first)} on; it began at {to_second(found.began)}"
    return ""


def _read(found: Object) -> tuple[Spec, Status]:
    spec = understand(found.get("spec")).spec
    if spec is None:
        raise NoBlocksError("its spec can't be read")
    try:
        return spec, Status.read(found)
    except ValidationError:
        raise NoBlocksError("its status can't be read") from None


def _why_not(check: SequentialCheck[Any, Any, Any], status: GuardrailStatus | None) -> str:
    """Why there are no blocks of a guardrail; empty where there are."""
    if status is None or not status.checkpoint:
        return "nothing has been counted of it yet"
    memory = check.blocks.load(status.checkpoint)
    if memory is None:
        return "what it demands was changed since: what was counted before is not told in the status any more"
    if not 0 <= memory.upto - memory.state.bets.begin <= LONGEST:
        return "its times are beyond belief"
    return ""


class _Room:
    """How many numbers the blocks may still hold."""

    def __init__(self, most: float) -> None:
        self._most = self._left = most

    def take(self, blocks: Iterable[Mapping[str, Any]]) -> None:
        self._left -= sum(map(_numbers, blocks))
        if self._left < 0:
            raise TooMuchError(f"the blocks hold more than {self._most:,.0f} numbers")


def _numbers(found: object) -> int:
    """How many numbers there are in a part of a block."""
    if isinstance(found, Mapping):
        return sum(map(_numbers, found.values()))
    return sum(map(_numbers, found)) if isinstance(found, list | tuple) else 1


async def _blocks(one: Wanted, source: EvidenceSource, room: _Room, tick: Tick) -> GuardrailBlocks:
    memory, blocks = one.memory, list[dict[str, Any]]()
    recount = Recount(one.check, memory, one.breach)
    while questions := recount.questions():
        tick(one.check.guardrail.name, recount.done)
        answers = await asyncio.gather(*(_ask(source, question) for question in questions.values()))
        # In a thread, since whoever asks may have others to answer.
        await asyncio.to_thread(recount.take, dict(zip(questions, answers, strict=True)))
        counted = [{"begin": of.begin, "end": of.end, **one.check.written(of.content)} for of in recount.blocks]
        recount.blocks.clear()  # there may be many: they are not held twice
        room.take(counted)
        blocks += counted
    tick(one.check.guardrail.name, 1.0)
    return GuardrailBlocks(
        guardrail=dict(one.raw),
        attempt=memory.attempt,
        began=memory.state.bets.begin,
        false_alarm=one.level,
        shares=tuple(DocumentShare(since=one.since, stage=one.stage, share=one.share) for one in recount.memory.shares),
        blocks=blocks,
        recorded=one.recorded,
    )


async def _ask(source: EvidenceSource, question: Question) -> Answer:
    answer = await source.query(question.promql, deadline=DEADLINE, at=question.at)
    if answer.warnings:
        raise SourceError(f"Prometheus' answer may be partial: {answer.warnings[0]}")
    return answer
