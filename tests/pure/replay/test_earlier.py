"""Attempts that are over: their blocks counted again by what the history tells of them."""

from collections.abc import Sequence
from typing import Any

import pytest
from mlrollout.api import moment
from mlrollout.evidence.measurement import Verdict
from mlrollout.replay.document import parse
from mlrollout.replay.gather import NoBlocksError, gather
from mlrollout.replay.replay import replay

from tests.pure.evidence.checks.counters import EPOCH, Counters, Looks
from tests.pure.replay.test_replay import HOUR, Source, failing, rollout

OVER = 2 * HOUR
"""When the next attempt began."""


def told(at: float, reason: str, attempt: int, percentage: int, message: str = "so it is") -> dict[str, Any]:
    return {
        "at": moment.render(EPOCH + at),
        "reason": reason,
        "message": message,
        "attempt": attempt,
        "revision": f"r{attempt}",
        "percentage": percentage,
    }


def begun(attempt: int, at: float) -> list[dict[str, Any]]:
    return [told(at - 5, "AttemptStarted", attempt, 0), told(at, "StageAdvanced", attempt, 10)]


def followed(looks: Looks, *history: dict[str, Any]) -> dict[str, Any]:
    """An object of which another attempt is under way."""
    found = rollout(looks)
    found["status"]["guardrails"] = []
    steps = [*history, *begun(9, OVER)]
    found["status"]["history"] = [one | {"serial": 50 + place} for place, one in enumerate(steps)]
    return found


def taken_back(looks: Looks) -> list[dict[str, Any]]:
    last = looks.made[-1]
    message = f"guardrail errors: {last.message}"
    return [told(last.at - EPOCH, "GuardrailBreached", 8, 0, message), told(last.at - EPOCH + 1, "RolledBack", 8, 0)]


async def document_of(found: dict[str, Any], counters: Counters, attempt: int, only: str = "") -> Any:
    made = await gather(found, Source(counters), only=only, attempt=attempt)
    return parse(made.render().encode())


@pytest.mark.parametrize("attempt", [8, -1])
async def test_what_took_an_earlier_attempt_back_is_counted_again_to_the_very_block(attempt: int) -> None:
    looks = failing()
    found = followed(looks, *begun(8, 0.0), *taken_back(looks))
    (one,) = (await document_of(found, looks.counters, attempt)).guardrails
    same = replay(one)

    assert (same.verdict, same.differences, same.kept) == (Verdict.BREACH, (), False)
    assert one.recorded.message == looks.made[-1].message
    live = looks.made[-1].evidence
    assert live is not None
    assert same.e_value == live.e_value


async def test_one_that_something_else_ended_has_blocks_to_its_end() -> None:
    looks = failing()
    half = [told(HOUR / 2, "StageAdvanced", 8, 50), told(HOUR / 2 + 5, "Paused", 8, 50)]
    found = followed(looks, *begun(8, 0.0), *half, told(HOUR, "ManualRollback", 8, 0))
    (one,) = (await document_of(found, looks.counters, 8)).guardrails

    assert (one.recorded.finding, one.blocks[-1]["end"]) == ("", EPOCH + HOUR)
    assert [share.share for share in one.shares] == [0.1, 0.5]
    assert replay(one).differences == ()
    later = followed(looks, *begun(8, 0.0))
    (one,) = (await document_of(later, looks.counters, 8)).guardrails
    assert replay(one).differences == (
        f"it comes to {Verdict.BREACH}, and was recorded as none that took the attempt back",
    )


async def test_samples_that_prometheus_has_no_more_are_told() -> None:
    looks = failing()
    found = followed(looks, *begun(8, 0.0), *taken_back(looks))
    with pytest.raises(
        NoBlocksError, match="guardrail errors: Prometheus has no samples of its attempt, which began at"
    ):
        await document_of(found, Counters(), 8)
    looks.counters.since = EPOCH + HOUR * 1.02
    document = await document_of(followed(looks, *begun(8, -HOUR), *taken_back(looks)), looks.counters, 8)
    (gone,) = document.missing
    assert gone.why.startswith("Prometheus has samples of its attempt from ")
    assert document.guardrails[0].blocks


@pytest.mark.parametrize(
    ("history", "attempt", "why"),
    [
        (begun(8, 0.0), 7, "the history tells of no attempt 7; those that it tells of: 8, 9"),
        (begun(8, 0.0), -2, "the history tells of no attempt -2"),
        (begun(8, 0.0)[1:], 8, "the history no longer reaches back to the begin of attempt 8"),
        ([told(0, "RolledBack", 8, 0)], 8, "the history no longer reaches back"),
        (begun(8, 0.0)[:1], 8, "attempt 8 ended before anybody had the treatment"),
    ],
)
async def test_what_the_history_does_not_tell_is_said(
    history: Sequence[dict[str, Any]], attempt: int, why: str
) -> None:
    looks = failing()
    with pytest.raises(NoBlocksError, match=why):
        await document_of(followed(looks, *history), looks.counters, attempt)


@pytest.mark.parametrize("attempt", [0, 9])
async def test_the_present_one_is_the_one_that_the_status_is_about(attempt: int) -> None:
    looks = failing()
    found = rollout(looks)
    found["status"]["history"] = [one | {"serial": place} for place, one in enumerate(begun(9, 0.0))]
    (one,) = (await document_of(found, looks.counters, attempt)).guardrails

    assert one.recorded.checkpoint
