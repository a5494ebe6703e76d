"""A verdict made again, of blocks alone, by the operator's own check. Pure."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from mlrollout.api.kinds import guardrail
from mlrollout.evidence.checks.check import Occasion, Unmeasurable
from mlrollout.evidence.checks.kinds import check_of
from mlrollout.evidence.checks.memory import Memory, ShareSince
from mlrollout.evidence.checks.sequential import SequentialCheck, e_value
from mlrollout.evidence.measurement import Verdict
from mlrollout.evidence.statistics import checkpoint
from mlrollout.evidence.statistics.blocks import Block

from .document import GuardrailBlocks, UnreadableDocumentError, refusal, told

_BY_BLOCKS = frozenset({Verdict.PASS, Verdict.BREACH})
"""Verdicts that blocks alone come to; the others may be about samples that were late, or never came."""

_KNOWN = frozenset({"", *Verdict})
"""What may be recorded."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What the blocks of a guardrail come to.

    Attributes:
        name: The guardrail.
        verdict: What they come to.
        e_value: How strong the evidence is.
        breach: The e-value of a breach.
        blocks: How many there are.
        span: Seconds from the first one's begin to the last one's end.
        differences: In what this is not what was recorded, for people; empty where it is the same to the last bit.
        kept: Whether what the test kept was recorded; of an attempt that is over, the verdict alone is.
    """

    name: str
    verdict: Verdict
    e_value: float
    breach: float
    blocks: int
    span: float
    differences: tuple[str, ...]
    kept: bool = True


def replay(found: GuardrailBlocks) -> Replayed:
    """The verdict of the blocks in a document, and whether it is the one that was recorded.

    Raises:
        UnreadableDocumentError: They make no verdict.
    """
    check = check_in(found.guardrail)
    name = check.guardrail.name
    recorded = check.blocks.load(found.recorded.checkpoint)
    if recorded is None and found.recorded.checkpoint:
        raise UnreadableDocumentError(f"guardrail {name}: the recorded checkpoint is another guardrail's, or is cut")
    where = "its begin"
    try:
        shares = tuple(ShareSince(one.since, one.stage, one.share) for one in found.shares)
        memory = then = replace(check.blocks.begin(found.attempt, found.began), shares=shares)
        for number, plain in enumerate(found.blocks, start=1):
            where = f"block {number}"
            memory = check.blocks.add(memory, _block(check, plain))
            then = memory if recorded is None or memory.upto <= recorded.upto else then
        where = "what they come to"
        differences = tuple(_differences_then(then, recorded, found))
        return _judged(check, memory, found, differences)
    except (ValueError, ArithmeticError) as error:
        raise UnreadableDocumentError(told(f"guardrail {name}: {where}: {error}")) from None


def check_in(raw: Mapping[str, Any]) -> SequentialCheck[Any, Any, Any]:
    """The check of a guardrail that tests block by block.

    Raises:
        UnreadableDocumentError: It is none.
    """
    try:
        check = check_of(guardrail.validate_python(raw))
    except ValidationError as error:
        raise UnreadableDocumentError(told(f"a guardrail can't be read: {refusal(error)}")) from None
    if isinstance(check, Unmeasurable):
        raise UnreadableDocumentError(told(f"guardrail {check.guardrail.name}: {check.reason}"))
    if not isinstance(check, SequentialCheck):
        raise UnreadableDocumentError(f"guardrail {check.guardrail.name} does not test block by block")
    return check


def _block(check: SequentialCheck[Any, Any, Any], plain: Mapping[str, Any]) -> Block[Any]:
    begin, end = checkpoint.numbers([plain.get("begin"), plain.get("end")], 2)
    return Block(begin, end, check.read(plain))


def _judged(
    check: SequentialCheck[Any, Any, Any], memory: Memory[Any], found: GuardrailBlocks, differences: tuple[str, ...]
) -> Replayed:
    was = found.recorded
    measured = check.judged(Occasion(memory.upto, math.inf), memory, found.false_alarm)
    by_blocks = was.finding in _BY_BLOCKS or measured.verdict is Verdict.BREACH or was.finding not in _KNOWN
    if was.finding != measured.verdict and by_blocks:
        told_as = told(was.finding) or "none that took the attempt back"
        differences = (f"it comes to {measured.verdict}, and was recorded as {told_as}", *differences)
    ends = [checkpoint.numbers([one["begin"], one["end"]], 2) for one in (found.blocks[:1] + found.blocks[-1:])]
    return Replayed(
        name=check.guardrail.name,
        verdict=measured.verdict,
        e_value=e_value(memory.state.bets),
        breach=1 / found.false_alarm,
        blocks=len(found.blocks),
        span=ends[-1][1] - ends[0][0] if ends else 0.0,
        differences=differences,
        kept=bool(was.checkpoint),
    )


def _differences_then(memory: Memory[Any], recorded: Memory[Any] | None, found: GuardrailBlocks) -> Iterable[str]:
    """In what the blocks up to the checkpoint do not come to it; all of them, where none was recorded."""
    value, was = e_value(memory.state.bets), found.recorded.e_value
    if was is not None and was != value:
        yield f"its e-value is {value!r}, and was recorded as {was!r}"
    # Where nothing was counted a test may still have read on, which changes nothing of what it keeps.
    if (
        recorded is not None
        and replace(memory, upto=recorded.upto, gaps=recorded.gaps, shares=recorded.shares) != recorded
    ):
        yield "what the test keeps is not what was recorded of it"
