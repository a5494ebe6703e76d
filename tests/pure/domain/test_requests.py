"""One request is told from another, whatever its words: each is heard, and each once."""

import unicodedata
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mlrollout.domain.attempt import adopt
from mlrollout.domain.decide import decide
from mlrollout.domain.decision import Observation
from mlrollout.domain.latch import landed
from mlrollout.domain.reason import Reason
from mlrollout.domain.record import Cause
from mlrollout.domain.request import SHOWN, Heard, Request, Verb, shown, signed
from mlrollout.domain.state import State
from mlrollout.domain.traffic import Traffic
from mlrollout.domain.verbs import too_early

from tests.pure.domain.situations import SITUATIONS, world_at
from tests.pure.domain.world import HOLDER, UID

TEXTS = st.text(st.characters(), max_size=400) | st.text(max_size=3).map(lambda text: text * 70_000)
LONG = "because " * 30_000


def _hear(situation: str, state: State, verbs: Mapping[str, Request], removed: frozenset[str] = frozenset()) -> State:
    world = world_at(situation)
    seen = Observation(UID, HOLDER, world.redis.traffic, "", dict(world.operators[0].measurements), verbs, removed)
    after = decide(world.edit.spec, state, seen, world.now).state
    assert after is not None
    return after


def _new(before: State, after: State) -> list[str]:
    return [entry.reason for entry in after.history if entry.serial > before.serial]


def _answers(before: State, after: State) -> list[str]:
    answers = {Reason.MANUAL_ROLLBACK, Reason.RETRIED, Reason.PAUSED, Reason.PROMOTED, Reason.VERB_REFUSED}
    return [reason for reason in _new(before, after) if reason in answers]


@given(TEXTS)
@example("errors > 5 % & <b>\x00\x1b[2J\ud800")
@example(LONG)
def test_the_same_words_are_heard_again_after_a_retry_as_soon_as_the_first_are_known_to_be_removed(text: str) -> None:
    begun = world_at("second stage").state
    rollback, retry = Request(text, "r1"), Request(text, "t1")
    down = _hear("second stage", begun, {"rollback": rollback})
    assert down.record.latched
    still = _hear("second stage", down, {"rollback": rollback})
    assert _answers(down, still) == []

    removed = frozenset({still.verbs["rollback"].token})
    up = _hear("second stage", still, {"retry": retry}, removed)
    assert Reason.RETRIED in _answers(still, up)
    again = _hear("second stage", up, {"rollback": rollback, "retry": retry}, removed)
    assert again.record.latched
    assert (again.record.attempt, again.cause) == (up.record.attempt, Reason.MANUAL_ROLLBACK)


@given(TEXTS)
def test_the_same_words_set_again_are_heard_though_nobody_saw_them_gone(text: str) -> None:
    begun = world_at("second stage").state
    request = {"pause": Request(text, "p1")}
    paused = _hear("second stage", begun, request)
    again = _hear("second stage", paused, request, frozenset({paused.verbs["pause"].token}))
    assert _answers(paused, again) == [Reason.VERB_REFUSED]
    assert again.verbs["pause"].id == "p1"


@given(TEXTS, TEXTS)
def test_marks_of_an_operator_that_knew_no_ids_go_by_the_words(text: str, other: str) -> None:
    begun = replace(world_at("second stage").state, verbs={"pause": Heard(text)})
    assert _answers(begun, _hear("second stage", begun, {"pause": Request(text, "p1")})) == []
    heard = _answers(begun, _hear("second stage", begun, {"pause": Request(other, "p2")}))
    assert heard == ([] if shown(other) == shown(text) else [Reason.PAUSED])


@given(TEXTS)
@example(LONG)
@example("  👩\u200d🚒 \u202e evil\r\n\tfine \u2028 end ")
def test_what_is_shown_is_one_short_line_that_hides_nothing(text: str) -> None:
    line = shown(text)
    assert len(line) <= SHOWN
    assert line == " ".join(line.split()) == shown(line)
    line.encode()
    assert not {unicodedata.category(one) for one in line if one not in "\u200c\u200d"} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


def test_ordinary_words_are_shown_as_they_are() -> None:
    assert shown("  errors > 5 %\n위험 🚑 👩\u200d🚒  ") == "errors > 5 % 위험 🚑 👩\u200d🚒"


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("verb", [verb for verb in Verb if verb is not Verb.ROLLBACK])
def test_a_verb_in_a_manifest_is_told_of_and_changes_nothing(situation: str, verb: Verb) -> None:
    world = world_at(situation)
    request = Request("10 as ever", "m1", manifest="argocd")
    seen = Observation(UID, HOLDER, world.redis.traffic, "", dict(world.operators[0].measurements), {verb: request})
    without = decide(world.edit.spec, world.state, replace(seen, verbs={}), world.now)
    found = decide(world.edit.spec, world.state, seen, world.now)
    assert (found.state, found.write) == (without.state, without.write)
    (told,) = set(found.alerts) - set(without.alerts)
    assert (told.reason, told.subject, told.warning) == (Reason.VERB_REFUSED, verb, True)
    assert "a manifest that argocd applies" in told.message
    assert f'kubectl annotate mlr NAME mlrollout.dev/{verb}="why"' in told.message


@pytest.mark.parametrize("situation", sorted(set(SITUATIONS) - {"rolled back"}))
def test_a_rollback_in_a_manifest_is_done_and_nothing_begins_while_it_stands_there(situation: str) -> None:
    begun = world_at(situation).state
    kept = {"rollback": Request("too many > 5 %", "m1", manifest="argocd")}
    down = _hear(situation, begun, kept)
    assert down.record.latched
    assert "argocd keeps in a manifest: too many > 5 %" in down.explanation
    assert down.verbs == {}
    assert _new(down, _hear(situation, down, kept)) == []

    refused = _hear(situation, down, {**kept, "retry": Request("now", "t1")})
    assert (refused.record, _answers(down, refused)) == (down.record, [Reason.VERB_REFUSED])
    assert "take it out first" in refused.history[-1].message
    back = _hear(situation, refused, {"retry": Request("now", "t2")})
    assert not back.record.latched


def test_nor_does_a_new_revision_that_it_came_with() -> None:
    world = world_at("rolled back", ("revise",))
    seen = Observation(UID, HOLDER, world.redis.traffic, verbs={"rollback": Request(" ", "m1", manifest="argocd")})
    begun = decide(world.edit.spec, world.state, seen, world.now)
    assert begun.announces
    after = decide(world.edit.spec, begun.state, seen, world.now).state
    assert after is not None
    assert (after.record.attempt, after.record.latched) == (2, True)
    assert "no reason given" in after.explanation


def test_what_was_heard_by_hand_stays_heard_when_a_manifest_takes_it_in() -> None:
    begun = world_at("second stage").state
    paused = _hear("second stage", begun, {"pause": Request("x", "p1")})
    kept = _hear("second stage", paused, {"pause": Request("x", "p1", manifest="argocd")})
    assert kept.verbs == paused.verbs


def test_verbs_for_what_has_not_begun_are_turned_away_but_for_a_rollback() -> None:
    asked = {
        "rollback": Request("x", "1"),
        "retry": Request("y", "2"),
        "pause": Request("", "3"),
        "approve": Request("z", "4", manifest="argocd"),
    }
    told = list(too_early(asked))
    assert [alert.subject for alert in told] == ["retry", "pause"]
    assert "pause (no reason given) is refused: nothing has begun that it could be about" in told[1].message


def test_a_rollback_that_another_replica_forestalled_is_answered_all_the_same() -> None:
    begun = world_at("second stage").state
    mine = _hear("second stage", begun, {"rollback": Request("too many", "r1")})
    theirs = replace(mine.record, cause=Cause(Reason.GUARDRAIL_BREACHED, "errors: 0.2 is above 0.05"))
    told = landed(mine, theirs, 5.0)
    assert _new(mine, told) == [Reason.GUARDRAIL_BREACHED, Reason.ROLLED_BACK, Reason.VERB_REFUSED]
    assert "asked for by annotation: too many: this attempt was rolled back before" in told.history[-1].message
    assert _new(mine, landed(mine, mine.record, 5.0)) == [Reason.MANUAL_ROLLBACK, Reason.ROLLED_BACK]


def test_so_it_is_where_the_other_replica_s_record_is_the_greater_one() -> None:
    begun = world_at("second stage").state
    mine = _hear("second stage", begun, {"rollback": Request("too many", "r1")})
    cause = Cause(Reason.EMERGENCY_STOP, "the key was deleted by hand")
    theirs = replace(mine.record, sequence=mine.record.next_sequence, cause=cause)
    adopted = adopt(mine, theirs, Traffic("0", theirs), 5.0)
    assert _new(mine, adopted) == [Reason.VERB_REFUSED]
    assert "asked for by annotation: too many: this attempt was rolled back before" in adopted.history[-1].message
    assert _new(adopted, landed(adopted, theirs, 6.0)) == [Reason.EMERGENCY_STOP, Reason.ROLLED_BACK]
    known = landed(mine, mine.record, 5.0)
    assert _new(known, adopt(known, theirs, Traffic("0", theirs), 6.0)) == [Reason.RECORD_ADOPTED]


@given(st.text(max_size=400), st.text("kim@", min_size=1, max_size=200))
def test_a_signature_is_never_cut(reason: str, name: str) -> None:
    said = signed(reason, f"(by {name})")
    assert shown(said).endswith(f"(by {name})")
    assert len(f"100 {said}") <= SHOWN
    assert signed(" ", f"(by {name})") == f"(by {name})"
