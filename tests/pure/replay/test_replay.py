"""The document of a verdict: gathered of an object and its samples, and replayed of blocks alone."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest
from mlrollout.api.spec import Spec
from mlrollout.domain.persist import last_looks, to_status
from mlrollout.evidence.answer import Answer
from mlrollout.evidence.checks.check import Question
from mlrollout.evidence.measurement import MeasurementHistory, Verdict
from mlrollout.ports import SourceError
from mlrollout.replay.document import LARGEST, BlocksDocument, UnreadableDocumentError, parse
from mlrollout.replay.gather import NoBlocksError, TooMuchError, gather
from mlrollout.replay.replay import replay

from tests.pure.evidence.checks.counters import EPOCH, GUARDRAIL, Counters, Looks, traffic
from tests.pure.evidence.checks.groups import WORSE, always, both
from tests.pure.evidence.checks.test_balance import SPLIT

HOUR = 3600.0
THRESHOLD = {"name": "up", "query": "up", "min": 1}


@dataclass
class Source:
    """A Prometheus that holds these counters."""

    counters: Counters
    warnings: tuple[str, ...] = ()
    asked: list[str] = field(default_factory=list)

    async def query(self, promql: str, *, deadline: float, at: float | None = None) -> Answer:  # noqa: ARG002 - the port's
        self.asked.append(promql)
        answer = self.counters.answer(Question(promql, at))
        return Answer(answer.samples, kind=answer.kind, series=answer.series, warnings=self.warnings)

    async def close(self) -> None:
        pass


def rollout(*looks: Looks, guardrails: tuple[Mapping[str, Any], ...] = ()) -> dict[str, Any]:
    """An object as the API server gives it, after these looks."""
    raws = [json.loads(one.check.guardrail.model_dump_json(by_alias=True, exclude_unset=True)) for one in looks]
    spec = {"revision": "r", "traffic": {"key": "k"}, "guardrails": [*raws, *guardrails]}
    read = Spec.model_validate(spec)
    measured = {
        one.check.guardrail.name: MeasurementHistory(one.check.guardrail).add(one.made[-1]) for one in looks if one.made
    }
    status = to_status(None, spec=read, guardrails=last_looks(read, measured), conditions=(), generation=1)
    return {
        "apiVersion": "mlrollout.dev/v1alpha1",
        "kind": "MLRollout",
        "metadata": {"namespace": "dispatch", "name": "ml", "uid": "7"},
        "spec": spec,
        "status": json.loads(json.dumps(status.render())),
    }


def late(at: float) -> float:
    return 0.01 if at < HOUR else 0.2


@cache
def breached() -> Looks:
    looks = Looks.at(traffic(5, late, 2 * HOUR))
    at = 0.0
    while not looks.made or looks.made[-1].verdict is not Verdict.BREACH:
        at += 15
        looks.look(at)
    return looks


def failing() -> Looks:
    """Looks up to a breach, of counters that a test may change."""
    looks = breached()
    return Looks(Counters(dict(looks.counters.series)), looks.check, made=looks.made)


async def gathered(found: Mapping[str, Any], counters: Counters, only: str = "") -> BlocksDocument:
    return parse((await gather(found, Source(counters), only=only)).render().encode())


async def test_a_breach_is_replayed_to_the_last_bit_of_its_blocks_alone() -> None:
    looks = failing()
    document = await gathered(rollout(looks, guardrails=(THRESHOLD,)), looks.counters)
    assert (document.object.namespace, document.object.name, document.object.uid) == ("dispatch", "ml", "7")
    (one,) = document.guardrails
    assert not document.missing
    found = replay(one)
    assert found.differences == ()
    assert (found.verdict, found.blocks, found.breach) == (Verdict.BREACH, len(one.blocks), 100)
    assert found.span == one.blocks[-1]["end"] - EPOCH - 15
    assert found.e_value == one.recorded.e_value
    assert found.e_value >= 100


async def test_several_guardrails_and_one_that_has_counted_nothing() -> None:
    counters = both(always(0.02), always(0.02))
    one, other = Looks.at(counters, WORSE, sharing=2), Looks.at(Counters(), SPLIT, sharing=2)
    one.every(15, HOUR)
    document = await gathered(rollout(one, other), counters)
    assert [replay(one).differences for one in document.guardrails] == [()]
    assert document.guardrails[0].false_alarm == 0.005
    assert [(one.name, one.why) for one in document.missing] == [("split", "nothing has been counted of it yet")]
    assert (await gathered(rollout(one, other), counters, "worse")).missing == ()


async def test_one_that_was_found_before_anything_was_measured_has_the_level_of_today() -> None:
    looks = failing()
    found = rollout(looks)
    del found["status"]["guardrails"][0]["evidence"]
    (one,) = (await gathered(found, looks.counters)).guardrails
    assert one.false_alarm == 0.01
    assert one.recorded.e_value is None
    assert replay(one).differences == ()


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"spec": {}}, "its spec can't be read"),
        ({"spec": None}, "its spec can't be read"),
        ({"status": {"guardrails": 7}}, "its status can't be read"),
        ({"status": None}, "nothing has been counted of it yet"),
    ],
)
async def test_an_object_that_tells_nothing_has_no_blocks(changed: dict[str, Any], why: str) -> None:
    looks = failing()
    with pytest.raises(NoBlocksError, match=why):
        await gathered(rollout(looks) | changed, looks.counters)


async def test_what_is_not_there_is_told() -> None:
    looks = failing()
    found = rollout(looks, guardrails=(THRESHOLD,))
    with pytest.raises(NoBlocksError, match="no guardrail 'other'; those that do: errors"):
        await gathered(found, looks.counters, "other")
    with pytest.raises(NoBlocksError, match="does not test block by block"):
        await gathered(found, looks.counters, "up")
    with pytest.raises(NoBlocksError, match="no guardrail tests block by block; those that do: none"):
        await gathered(rollout(guardrails=(THRESHOLD,)), looks.counters)
    found["spec"]["guardrails"][0]["rate"]["max"] = 0.1
    with pytest.raises(NoBlocksError, match="what it demands was changed since"):
        await gathered(found, looks.counters)
    found = rollout(looks)
    said = found["status"]["guardrails"][0]
    said["checkpoint"] = said["checkpoint"].replace('"upto":1800', '"upto":9991800')
    with pytest.raises(NoBlocksError, match="times are beyond belief"):
        await gathered(found, looks.counters)


async def test_a_partial_answer_is_none() -> None:
    looks = failing()
    with pytest.raises(SourceError, match="may be partial: a store is away"):
        await gather(rollout(looks), Source(looks.counters, ("a store is away",)))


async def test_more_numbers_than_are_wanted_are_not_gathered() -> None:
    one, other = Looks.at(both(always(0.02), always(0.02)), WORSE, sharing=2), failing()
    one.every(15, HOUR)
    counters = Counters({**one.counters.series, **other.counters.series})
    for found in (rollout(other), rollout(one)):
        document = await gather(found, Source(counters))
        (text,) = (json.dumps(of.blocks) for of in document.guardrails)
        numbers = text.count(".")  # every one is written as a float
        assert (await gather(found, Source(counters), most=numbers)).guardrails == document.guardrails
        with pytest.raises(TooMuchError, match=f"hold more than {numbers - 1:,} numbers"):
            await gather(found, Source(counters), most=numbers - 1)
    with pytest.raises(TooMuchError):
        await gather(rollout(one, other), Source(counters), most=numbers + 1)


async def test_samples_that_are_gone_make_another_verdict_and_it_is_said() -> None:
    looks = failing()
    looks.counters.since = EPOCH + HOUR
    (one,) = (await gathered(rollout(looks), looks.counters)).guardrails
    assert any("what the test keeps is not what was recorded" in why for why in replay(one).differences)


async def written(**recorded: object) -> dict[str, Any]:
    looks = failing()
    document: dict[str, Any] = json.loads((await gather(rollout(looks), Source(looks.counters))).render())
    document["guardrails"][0]["recorded"] |= recorded
    return document


def read(document: object) -> BlocksDocument:
    return parse(json.dumps(document).encode())


async def test_what_differs_from_the_record_is_told() -> None:
    document = await written(finding="Pass", eValue=3.0)
    (one,) = read(document).guardrails
    assert len(replay(one).differences) == 2
    document["guardrails"][0]["blocks"][200]["counts"][1] += 1
    assert len(replay(read(document).guardrails[0]).differences) == 3
    silent = await written(finding="NoData")
    assert "it comes to Breach, and was recorded as NoData" in replay(read(silent).guardrails[0]).differences


async def test_an_e_value_is_held_against_the_blocks_also_where_nothing_else_was_kept() -> None:
    document = await written(checkpoint="")
    assert replay(read(document).guardrails[0]).differences == ()
    document["guardrails"][0]["recorded"]["eValue"] = 3.0
    assert [why.partition(" and was ")[2] for why in replay(read(document).guardrails[0]).differences] == [
        "recorded as 3.0"
    ]


async def test_a_finding_that_no_guardrail_can_have_is_a_difference() -> None:
    looks = Looks.at(traffic(5, always(0.01), HOUR))
    looks.every(15, HOUR)
    document = json.loads((await gather(rollout(looks), Source(looks.counters))).render())
    assert replay(read(document).guardrails[0]).differences == ()
    document["guardrails"][0]["recorded"]["finding"] = "Fine"
    assert replay(read(document).guardrails[0]).differences == ("it comes to Pass, and was recorded as Fine",)


async def test_a_verdict_about_samples_that_did_not_come_is_no_difference() -> None:
    looks = Looks.at(traffic(5, always(0.01), HOUR))
    looks.every(15, HOUR)
    looks.every(15, 1.2 * HOUR, begin=HOUR)
    assert looks.made[-1].verdict is Verdict.NO_DATA
    (one,) = (await gathered(rollout(looks), looks.counters)).guardrails
    assert replay(one).differences == ()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "it is no JSON"),
        (b"\xff\xfe", "it is no JSON"),
        (b"[" * 200_000, "nested deeper"),
        (b"7", "it is no document of blocks"),
        (b"{}", "object: it is missing"),
        (b'{"format": "mlrollout.dev/blocks/v2"}', "its format is not mlrollout.dev/blocks/v1"),
        (b'{"read": NaN}', "NaN is no number of JSON"),
        (b'{"read": ' + b"9" * 5000 + b"}", "it is no JSON"),
        (b" " * (LARGEST + 1), "it is longer than 64 MiB"),
    ],
    ids=str,
)
def test_what_is_no_document_gets_one_clear_line(text: bytes, why: str) -> None:
    with pytest.raises(UnreadableDocumentError, match=why) as told:
        parse(text)
    assert len(str(told.value)) <= 200
    assert str(told.value).isprintable()


BROKEN: list[tuple[dict[str, Any], str]] = [
    ({"guardrail": {"name": "errors"}}, "a guardrail is of one kind"),
    ({"guardrail": THRESHOLD}, "does not test block by block"),
    ({"guardrail": GUARDRAIL | {"rate": {"bad": "sum(x)", "all": "x", "max": 0.1}}}, "it is added up"),
    ({"guardrail": GUARDRAIL | {"rate": {"bad": "x", "all": "x", "max": 0.1}}}, "another guardrail's, or is cut"),
    ({"blocks": [{}]}, "block 1: None is no number"),
    ({"blocks": [{"begin": EPOCH + 15, "end": EPOCH + 30, "counts": [1e999, 0]}]}, "NaN|Infinity|no number"),
    ({"blocks": [{"begin": EPOCH + 30, "end": EPOCH + 15, "counts": [1, 0]}]}, "a block ends after it begins"),
    ({"blocks": [{"begin": EPOCH - 30, "end": EPOCH + 15, "counts": [1, 0]}]}, "overlaps what was read"),
    ({"blocks": [{"begin": EPOCH + 15, "end": EPOCH + 30, "counts": [1, 2]}]}, "cannot be"),
    ({"blocks": [7]}, "blocks.0: write it as an object"),
    ({"falseAlarm": 0}, "falseAlarm: it has to be more than 0"),
    ({"falseAlarm": 1}, "falseAlarm: it has to be less than 1"),
    ({"began": -1}, "began: it has to be 0 or more"),
    ({"began": 1e12}, "began: it has to be 100000000000 or less"),
    ({"shares": [{"since": 0, "stage": 0, "share": 2}]}, "share: it has to be 1 or less"),
    ({"recorded": {"finding": "Pass", "checkpoint": "{"}}, "another guardrail's, or is cut"),
]


@pytest.mark.parametrize(("part", "why"), BROKEN)
async def test_a_document_that_makes_no_verdict_says_where(part: dict[str, Any], why: str) -> None:
    document = await written()
    document["guardrails"][0] |= part
    with pytest.raises(UnreadableDocumentError, match=why) as told:
        replay(parse(json.dumps(document).encode()).guardrails[0])
    assert len(str(told.value)) <= 200
    assert str(told.value).isprintable()


async def huge(number: float) -> BlocksDocument:
    document = await written()
    blocks = document["guardrails"][0]["blocks"]
    blocks[10]["counts"] = [number, number]
    blocks[11]["counts"] = [number, 0]
    return read(document)


async def test_numbers_beyond_belief_make_another_verdict_or_none() -> None:
    assert replay((await huge(1e300)).guardrails[0]).differences
    with pytest.raises(UnreadableDocumentError, match="guardrail errors: block 12: "):
        replay((await huge(1.7e308)).guardrails[0])


async def test_control_characters_of_whoever_wrote_it_reach_no_terminal() -> None:
    document = await written(finding="\x1b[31mBreach\n", eValue=None)
    (found,) = [replay(one) for one in read(document).guardrails]
    assert all(text.isprintable() for text in found.differences)
