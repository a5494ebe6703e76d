"""Which answers a measurement waits for, until when."""

import asyncio

import pytest
from mlrollout.evidence.measurement import Held, Verdict
from mlrollout.ports import SourceError

from tests.pure.runtime.eye import COUNTED, Answers, Eye, Source, after, guardrail, never, raising
from tests.support.virtual_time import virtual


@pytest.mark.parametrize("companion", ["timestamp", "samples"])
@virtual
async def test_a_breach_does_not_wait_for_a_hung_companion(companion: str) -> None:
    source = Source({"value": after(0.1, 0.2), "samples": after(0.1, 1240), companion: never})
    eye = Eye(source, (guardrail(minSamples=COUNTED | {"holdsBack": "Pass"}, deadline="5s"),))
    await asyncio.sleep(9)
    asked, answered = eye.source.asked[0][0], eye.seen[0][0]
    assert set(eye.verdicts()) == {Verdict.BREACH}
    assert answered - asked <= 0.12


@virtual
async def test_a_bad_value_waits_for_its_count_and_for_no_other_companion() -> None:
    source = Source({"value": after(0.1, 0.2), "samples": after(2, 1240), "timestamp": never})
    eye = Eye(source, (guardrail(minSamples=COUNTED, deadline="5s"),))
    await asyncio.sleep(9)
    assert set(eye.verdicts()) == {Verdict.BREACH}
    assert eye.seen[0][0] - eye.source.asked[0][0] == pytest.approx(2)


@pytest.mark.parametrize("count", [never, raising(SourceError("Prometheus at x refused"))])
@virtual
async def test_a_bad_value_whose_count_never_comes_is_held_back_and_not_forgotten(count: Answers) -> None:
    eye = Eye(Source({"value": after(0.1, 0.2), "samples": count}), (guardrail(minSamples=COUNTED, deadline="5s"),))
    await asyncio.sleep(9)
    assert (eye.last.verdict, eye.last.value, eye.last.held) == (Verdict.ERROR, 0.2, Held.UNCOUNTED)


@virtual
async def test_a_breach_names_the_number_of_its_samples_where_that_is_known() -> None:
    eye = Eye(Source({"value": after(0.1, 0.2), "samples": after(0.105, 1240)}), (guardrail(minSamples=COUNTED),))
    await asyncio.sleep(5)
    assert "1240 samples" in eye.last.message


@virtual
async def test_a_breach_seen_just_before_the_deadline_is_a_breach() -> None:
    source = Source({"value": after(4.995, 0.2), "samples": never})
    eye = Eye(source, (guardrail(minSamples=COUNTED | {"holdsBack": "Pass"}, deadline="5s"),))
    await asyncio.sleep(9)
    assert set(eye.verdicts()) == {Verdict.BREACH}


@pytest.mark.parametrize("companion", ["timestamp", "samples"])
@virtual
async def test_a_good_value_with_a_hung_companion_is_an_error_at_the_deadline(companion: str) -> None:
    eye = Eye(Source({companion: never}), (guardrail(minSamples=COUNTED, deadline="5s"),))
    await asyncio.sleep(9)
    assert set(eye.verdicts()) == {Verdict.ERROR}
    asked, answered = eye.source.asked[0][0], eye.seen[0][0]
    assert answered - asked == pytest.approx(5)
