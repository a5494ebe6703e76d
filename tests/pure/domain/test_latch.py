"""A rollback is told of once it stands in Redis, with its cause, whichever replica saw that."""

import json
from dataclasses import replace

import pytest
from mlrollout.api.guardrail import Missing, MissingAction
from mlrollout.domain.latch import landed
from mlrollout.domain.notices import Cursor, next_pending
from mlrollout.domain.reason import Reason
from mlrollout.domain.record import LONGEST_MESSAGE, Cause, Record, decode, encode

from tests.pure.domain.situations import world_at
from tests.pure.domain.specs import ERRORS, GUARDRAILS
from tests.pure.domain.world import FOREIGN, Happening, World
from tests.support.redis_model import State as Redis

ERRORS_AT = 0
NO_DATA_ROLLS_BACK = ERRORS.model_copy(update={"on_no_data": Missing(action=MissingAction.ROLLBACK, after=60.0)})
AWAY: Happening = ("api_is", False)
BACK: Happening = ("api_is", True)


def _told(world: World, since: int) -> list[tuple[str, str, str, int, bool]]:
    history = [entry for entry in world.state.history if entry.serial > since]
    return [(one.reason, one.message, one.stage, one.percentage, one.warning) for one in history]


CAUSES: dict[str, list[Happening]] = {
    "GuardrailBreached": [("look", ERRORS_AT, "Breach"), ("handle", 0)],
    "EmergencyStop": [("set_key", "0"), ("handle", 0)],
    "ManualRollback": [("ask", "rollback"), ("handle", 0)],
    "EvidenceMissing": [("looks", "NoData"), ("wait", 60.0), ("looks", "NoData"), ("handle", 0)],
}


@pytest.mark.parametrize("reason", CAUSES)
@pytest.mark.parametrize("situation", ["first stage", "second stage", "complete"])
def test_who_finds_a_latch_in_redis_tells_what_its_maker_would_have_told(reason: str, situation: str) -> None:
    maker, finder = world_at(situation), world_at(situation)
    for world in (maker, finder):
        world.change(guardrails=(NO_DATA_ROLLS_BACK, *GUARDRAILS["plain"][1:]))
        world.play([("handle", 0), ("looks",), ("handle", 0)])
    since = maker.state.serial
    maker.play([*CAUSES[reason], ("handle", 0)])
    finder.play([AWAY, *CAUSES[reason], ("restart", 0), BACK, ("handle", 0)])
    told = _told(maker, since)
    assert [one[0] for one in told[-2:]] == [reason, Reason.ROLLED_BACK]
    assert _told(finder, since) == told
    assert finder.state.record.cause == maker.state.record.cause
    assert (finder.state.cause, finder.state.runs[-1].outcome) == (reason, maker.state.runs[-1].outcome)


@pytest.mark.parametrize("reason", CAUSES)
def test_a_rollback_is_told_also_where_the_key_was_given_up_with_it_since(reason: str) -> None:
    """By a replica that has heard that the object goes, before the leader has."""
    maker, finder = world_at("second stage"), world_at("second stage")
    for world in (maker, finder):
        world.change(guardrails=(NO_DATA_ROLLS_BACK, *GUARDRAILS["plain"][1:]))
        world.play([("handle", 0), ("looks",), ("handle", 0)])
    since = maker.state.serial
    maker.play([*CAUSES[reason], ("handle", 0)])
    finder.play([AWAY, *CAUSES[reason], ("restart", 0)])
    found = finder.redis.traffic.record
    assert found is not None
    finder.redis = Redis("0", encode(replace(found, sequence=found.next_sequence, owner="")))
    finder.play([BACK, ("handle", 0)])
    assert _told(finder, since) == _told(maker, since)
    assert (finder.state.cause, finder.state.confirmed, finder.in_force) == (reason, True, 0)


def test_a_rollback_of_another_attempt_with_which_a_key_was_given_up_is_nobody_s() -> None:
    world = world_at("second stage")
    earlier = replace(world.state.record, attempt=world.state.record.attempt - 1, latched=True, percentage=0, owner="")
    world.redis = Redis("0", encode(replace(earlier, cause=Cause("GuardrailBreached", "why", world.now))))
    world.handle()
    assert Reason.ROLLED_BACK not in world.told


@pytest.mark.parametrize("reason", CAUSES)
def test_what_was_told_keeps_its_cause_where_redis_lost_it_and_was_given_it_again_for_another(reason: str) -> None:
    """A failover gave the users back, and a replica that had heard of nothing ended them for what it saw itself."""
    world = world_at("second stage")
    world.change(guardrails=(NO_DATA_ROLLS_BACK, *GUARDRAILS["plain"][1:]))
    world.play([("handle", 0), ("looks",), ("handle", 0), *CAUSES[reason], ("handle", 0)])
    state = replace(world.state, confirmed=False)
    assert state.cause == reason
    found = replace(state.record, cause=Cause(Reason.GUARDRAIL_BREACHED, "0.3 is above 0.05", world.now))
    assert landed(state, found, world.now) is state


def test_the_cause_stands_at_the_time_when_it_was_seen() -> None:
    world = world_at("second stage", AWAY, ("breach", ERRORS_AT))
    seen = world.now
    world.play([("restart", 0), ("wait", 30.0), BACK, ("handle", 0)])
    cause, rollback = world.state.history[-2:]
    assert (cause.at, rollback.at) == (seen, seen + 30.0)


@pytest.mark.parametrize("at", [0.0, 5.0, 9e9])
def test_a_time_that_can_t_be_right_keeps_the_history_in_its_order(at: float) -> None:
    world = world_at("second stage")
    before, latched = world.state.history[-1].at, replace(world.state.record, latched=True, sequence=9, percentage=0)
    world.redis = Redis("0", encode(replace(latched, cause=Cause("GuardrailBreached", "why", at))))
    world.play([("wait", 1.0), ("handle", 0)])
    assert before <= world.state.history[-2].at <= world.now


def test_of_two_causes_the_one_that_stands_in_redis_is_told() -> None:
    world = world_at("second stage")
    world.play([("redis_is", False), ("breach", ERRORS_AT)])
    theirs = replace(world.state.record, cause=Cause("EvidenceMissing", "theirs", world.now))
    world.play([("redis_is", True)])
    world.redis = Redis("0", encode(theirs))
    world.handle()
    assert [one[:2] for one in _told(world, world.state.serial - 2)] == [
        ("EvidenceMissing", "theirs"),
        ("RolledBack", "30 % -> 0 %: theirs"),
    ]
    assert (world.state.cause, world.state.explanation) == ("EvidenceMissing", "theirs")
    assert world.saved.status["progress"]["reason"] == "EvidenceMissing"


def test_while_redis_is_away_nothing_is_told_but_the_status_says_why() -> None:
    world = world_at("second stage", ("redis_is", False))
    since = world.state.serial
    world.play([("breach", ERRORS_AT), ("handle", 0), ("restart", 0), ("handle", 0)])
    assert _told(world, since) == []
    assert world.saved.status["progress"]["message"] == "guardrail errors: Breach!"
    (alert,) = world.operators[0].decision.alerts if world.operators[0].decision else ()
    assert "it is rolled back: guardrail errors: Breach!" in alert.message
    world.play([("redis_is", True), ("handle", 0), ("handle", 0), ("handle", 0)])
    assert [one[0] for one in _told(world, since)] == [Reason.GUARDRAIL_BREACHED, Reason.ROLLED_BACK]


def test_a_rollback_that_never_came_to_stand_is_no_rollback_in_the_history() -> None:
    world = world_at("second stage", ("redis_is", False), ("breach", ERRORS_AT), ("revise",), ("handle", 0))
    assert world.told[-2:] == [Reason.GUARDRAIL_BREACHED, Reason.ATTEMPT_STARTED]
    world.play([("redis_is", True), ("handle", 0), ("handle", 0)])
    assert Reason.ROLLED_BACK not in world.told


def test_nothing_is_told_of_a_key_that_another_object_has() -> None:
    world = world_at("second stage", ("take_over",), ("handle", 0))
    since = world.state.serial
    world.play([("breach", ERRORS_AT), ("handle", 0), ("handle", 0)])
    assert _told(world, since) == []
    assert world.redis.traffic.record == FOREIGN


def test_a_record_that_can_t_be_read_does_not_keep_a_zero_untold() -> None:
    world = world_at("second stage", ("set_record", '{"schema": 2}'))
    world.play([("breach", ERRORS_AT), ("handle", 0), ("handle", 0)])
    assert world.redis.key == "0"
    assert world.told[-2:] == [Reason.GUARDRAIL_BREACHED, Reason.ROLLED_BACK]


def test_a_latch_without_a_cause_reads_as_one_that_nobody_knows_why() -> None:
    world = world_at("second stage")
    latched = replace(world.state.record, latched=True, sequence=9, percentage=0, cause=None)
    world.redis = Redis("0", encode(latched))
    since = world.state.serial
    world.play([("handle", 0), ("handle", 0)])
    assert [one[0] for one in _told(world, since)] == [Reason.RECORD_ADOPTED]
    assert world.state.cause == Reason.ROLLED_BACK


def test_a_rollback_that_was_told_is_not_told_again_where_redis_forgets_it() -> None:
    world = world_at("second stage", ("snapshot",), ("breach", ERRORS_AT), ("handle", 0))
    told = world.told
    world.play([("fail_over", 0), ("handle", 0), ("handle", 0), ("restart", 0), ("handle", 0)])
    assert (world.in_force, world.told) == (0, told)
    found = world.redis.traffic.record
    assert found is not None
    assert found.cause == world.state.record.cause


@pytest.mark.parametrize("heard", [True, False])
def test_a_person_s_rollback_is_answered_once_redis_says_which_of_two_it_holds(heard: bool) -> None:  # noqa: FBT001
    """This process has rolled back for a breach and can't reach Redis, where another may have heard that person."""
    world = world_at("second stage", ("redis_is", False), ("breach", ERRORS_AT))
    since = world.state.serial
    world.play([("ask", "rollback"), ("handle", 0)])
    assert _told(world, since) == []
    record = world.state.record
    if heard:
        cause = Cause(Reason.MANUAL_ROLLBACK, "asked for by annotation: reason 1", world.now)
        world.redis = Redis("0", encode(replace(record, cause=cause)))
    world.play([("redis_is", True), ("handle", 0), ("handle", 0)])
    assert [one[0] for one in _told(world, since)] == (
        [Reason.MANUAL_ROLLBACK, Reason.ROLLED_BACK]
        if heard
        else [Reason.GUARDRAIL_BREACHED, Reason.ROLLED_BACK, Reason.VERB_REFUSED]
    )
    assert "rollback" not in world.verbs


def test_a_person_s_rollback_that_another_replica_heard_first_is_no_second_one() -> None:
    world = world_at("second stage", AWAY, ("ask", "rollback"), ("handle", 0), ("restart", 0), BACK)
    since = world.saved.state.serial if world.saved.state is not None else 0
    world.play([("handle", 0), ("handle", 0)])
    assert [one[0] for one in _told(world, since)] == [Reason.MANUAL_ROLLBACK, Reason.ROLLED_BACK]
    assert not world.verbs


# --- its text --------------------------------------------------------------------------------

LATCHED = Record(attempt=1, latched=True, sequence=1, percentage=0)


def test_a_long_message_is_cut_and_everything_else_comes_back_whole() -> None:
    record = replace(LATCHED, cause=Cause("GuardrailBreached", "é" * 5000, 1_764_000_000.1234))
    found = decode(encode(record)).cause
    assert found is not None
    assert (found.reason, found.at) == ("GuardrailBreached", 1_764_000_000.123)
    assert found.message == "é" * (LONGEST_MESSAGE - 1) + "…"


@pytest.mark.parametrize(
    "cause",
    [
        None,
        1,
        "GuardrailBreached",
        [],
        {},
        {"reason": "X"},
        {"message": "x"},
        {"reason": "no word", "message": "x"},
        {"reason": "X" * 65, "message": "x"},
        {"reason": 1, "message": "x"},
        {"reason": "X", "message": None},
    ],
)
def test_words_that_make_no_sense_are_left_out_and_the_record_stands(cause: object) -> None:
    text = json.dumps(json.loads(encode(LATCHED)) | {"cause": cause})
    assert decode(text) == LATCHED
    assert decode(text).cause is None


@pytest.mark.parametrize("at", [None, "yesterday", -1, True, 1e300, 10**400, float("nan"), float("inf")])
def test_so_is_a_time(at: object) -> None:
    text = json.dumps(
        json.loads(encode(LATCHED)) | {"cause": {"reason": "X", "message": "half a \ud800 pair", "at": at}}
    )
    assert decode(text).cause in (Cause("X", "half a ? pair"), Cause("X", "half a ? pair", 1.0))


def test_a_cause_is_no_part_of_what_two_records_are_compared_by() -> None:
    one, other = (replace(LATCHED, cause=Cause("X", text)) for text in ("one", "other"))
    assert one == other == LATCHED
    assert one.rank == other.rank


def test_a_rollout_that_was_complete_is_told_from_where_it_fell() -> None:
    world = world_at("complete")
    world.play([("breach", ERRORS_AT), ("handle", 0), ("handle", 0)])
    cause, rollback = world.state.history[-2:]
    assert (cause.reason, cause.stage, cause.percentage) == (Reason.GUARDRAIL_BREACHED, "full", 100)
    assert (rollback.percentage, rollback.message.partition(":")[0]) == (0, "100 % -> 0 %")
    told = next_pending(world.state, (), Cursor(cause.serial - 1), lambda _: True, world.now)
    assert told is not None
    assert (told.notice.before, told.notice.percentage, told.notice.stage) == (100, 0, "full")
