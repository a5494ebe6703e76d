"""What somebody on call is told: why, and what to do about it."""

import re
from dataclasses import replace

import pytest
from mlrollout.domain.foretell import foretell
from mlrollout.domain.reason import Reason
from mlrollout.domain.request import Verb
from mlrollout.glance.advice import _AFTER, _SPECIAL, Advice, advise
from mlrollout.glance.rollout import Glance, glance

from tests.support import dispatch


def advice(state: str) -> Advice:
    return advise(glance(dispatch.rollouts()[state], dispatch.NOW))


@pytest.mark.parametrize(
    ("state", "waits", "verb"),
    [
        ("not seen yet", "the operator", None),
        ("before the first stage", "error-rate", None),
        ("advancing", "time", None),
        ("second stage", "evidence", None),
        ("a requirement not met", "a requirement", None),
        ("awaiting approval", "approval", Verb.APPROVE),
        ("no data", "error-rate", None),
        ("Prometheus down", "error-rate", None),
        ("Redis down", "Redis", None),
        ("a held breach", "success-rate", Verb.ROLLBACK),
        ("paused by a person", "a person", Verb.RESUME),
        ("paused by the spec", "a person", None),
        ("complete", "", None),
        ("rolled back by a breach", "a new revision", Verb.RETRY),
        ("rolled back, not confirmed", "Redis", None),
        ("rolled back by a person", "a new revision", Verb.RETRY),
        ("rolled back for lack of evidence", "a new revision", Verb.RETRY),
        ("stopped in Redis", "a new revision", Verb.RETRY),
        ("another's key", "its key", None),
        ("an invalid spec", "its spec", None),
        ("an invalid query", "a query", None),
        ("a Prometheus that is refused", "its Prometheus", None),
        ("being deleted", "its deletion", None),
        ("a changed spec that is not seen yet", "time", None),
    ],
)
def test_what_it_waits_for_and_which_verb_helps(state: str, waits: str, verb: Verb | None) -> None:
    assert (advice(state).waits, advice(state).verb) == (waits, verb)


def test_nobody_is_told_to_roll_back_what_is_at_zero() -> None:
    told = advise(replace(glance(dispatch.rollouts()["a held breach"], dispatch.NOW), percentage=0))
    assert (told.waits, told.verb) == ("success-rate", None)
    assert "nobody is in treatment" in told.todo


def test_every_state_is_told() -> None:
    for state in dispatch.STATES:
        told = advice(state)
        assert told.why
        assert told.todo or state in ("advancing", "complete", "a changed spec that is not seen yet")
        assert not re.search(r"as of|^\d+ %, stage", told.why), "what stands elsewhere on the screen"


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("advancing", "pilot (10 %) was healthy for 6d2h of 14d, and expansion (30 %) follows in 7d22h"),
        (
            "rolled back by a breach",
            "rolled back from 30 % to 0 % 2h ago in stage expansion: guardrail error-rate: 7.1 %",
        ),
        ("rolled back by a person", "customers complain"),
        ("rolled back, not confirmed", "users may still be in treatment"),
        ("paused by a person", "a person has paused it: release freeze;"),
        ("no data", "error-rate and success-rate: ml_dispatch_total"),
        ("awaiting approval", "expansion (30 %) is served, and full (100 %) waits for a person's word"),
    ],
)
def test_the_sentence_says_what_a_person_would_ask_next(state: str, told: str) -> None:
    assert told in advice(state).why


def test_every_reason_that_ready_may_have_is_advised_on() -> None:
    """The others are reasons of Events, or of other conditions."""
    special = {Reason(reason) for reason in _SPECIAL}
    causes = {Reason(reason) for reason in _AFTER}
    never = {
        Reason.ATTEMPT_STARTED,
        Reason.REVISION_FOUND,
        Reason.ALIAS_SET,
        Reason.ALIAS_NOT_SET,
        Reason.STAGE_ADVANCED,
        Reason.STAGE_CHANGED,
        Reason.EVIDENCE_RESTARTED,
        Reason.RECORD_ADOPTED,
        Reason.TRAFFIC_RESTORED,
        Reason.TRAFFIC_LOST,
        Reason.RESUMED,
        Reason.APPROVED,
        Reason.PROMOTED,
        Reason.DEMOTED,
        Reason.RETRIED,
        Reason.NOTIFICATION_FAILING,
        Reason.VERB_REFUSED,
        Reason.GUARDRAIL_ALERT,
        Reason.GUARDRAIL_DOUBTFUL,
        Reason.GUARDRAILS_PASSING,
        Reason.GUARDRAILS_OFF,
        Reason.TRAFFIC_CONFIRMED,
        Reason.KEY_CLAIMED,
        Reason.PERCENTAGE_OVERWRITTEN,
        Reason.UNKNOWN_VERB,
        Reason.SECOND_INSTALLATION,
        Reason.STATUS_CONTESTED,
        Reason.DELETED,
        Reason.TRAFFIC_NOT_ZEROED,
    }
    assert special | causes | never == set(Reason)
    assert not never & (special | causes)


def test_of_a_reason_that_a_newer_operator_has_its_message_is_told() -> None:
    found = dispatch.rollouts()["advancing"]
    conditions = [{"type": "Ready", "status": "False", "reason": "MoonInTheWay", "message": "the moon is in the way"}]
    told = advise(glance(found | {"status": found["status"] | {"conditions": conditions}}, dispatch.NOW))
    assert (told.waits, told.why) == ("MoonInTheWay", "it is not going on: the moon is in the way")


BEGIN = "to have revision ranker-2 begin at 0 %"
APPROVE = "kubectl mlrollout approve ml-dispatch -n dispatch --reason"


def waiting(state: str, revision: str = "ranker-2") -> Glance:
    """A state in which a revision waits as well, as the operator tells it."""
    found = dispatch.rollouts()[state]
    seen = glance(found | {"status": found["status"] | {"waiting": {"revision": revision}}}, dispatch.NOW)
    return replace(seen, message=f"{seen.message}; revision {revision} waits for a person: annotate")


@pytest.mark.parametrize(
    ("state", "waits", "begins"),
    [
        ("advancing", "time", BEGIN),
        ("no data", "error-rate", "nothing grows"),
        ("rolled back by a breach", "approval", "mend the model"),
        ("rolled back by a person", "approval", "retry, or ask"),
    ],
)
def test_a_revision_may_wait_whatever_the_one_before_does(state: str, waits: str, begins: str) -> None:
    told = advise(waiting(state))
    assert (told.waits, told.verb) == (waits, None)
    assert told.why == advice(state).why + "; revision ranker-2 waits for a person's word"
    assert told.todo.startswith(begins)
    assert f'{BEGIN}, if you mean it: {APPROVE} "ranker-2 why"' in told.todo


def test_where_a_stage_waits_as_well_the_word_says_which() -> None:
    told = advise(waiting("awaiting approval"))
    assert (told.waits, told.verb) == ("approval", None)
    assert f'the stage: {APPROVE} "stage full why"' in told.todo
    assert f'the revision: {APPROVE} "revision ranker-2 why"' in told.todo


def test_where_a_stage_may_wait_by_then_the_word_says_that_it_is_a_revision() -> None:
    assert f'{APPROVE} "revision ranker-2 why"' in advise(waiting("second stage")).todo


@pytest.mark.parametrize(
    ("held", "paused", "ends"),
    [
        (True, False, "for `resume`"),
        (False, True, "for spec.paused: false"),
        (True, True, "for spec.paused: false and for `resume`"),
    ],
)
def test_a_revision_waits_for_the_end_of_a_pause_as_well(*, held: bool, paused: bool, ends: str) -> None:
    told = advise(replace(waiting("complete"), held=held, paused=paused))
    assert told.why.endswith(f"revision ranker-2 waits for a person's word and {ends}")
    assert told.todo == f'{BEGIN}, once it goes on, if you mean it: {APPROVE} "ranker-2 why"'


def test_a_pause_by_the_verb_is_seen_and_the_revision_is_approved_beside() -> None:
    told = advise(replace(waiting("paused by a person"), unapproved=True))
    assert "a person's word and for `resume`" in told.why
    assert told.todo.startswith("resume it; ")


@pytest.mark.parametrize(
    ("approval", "cleared", "unapproved"),
    [("Automatic", "", False), ("Manual", "", True), ("Manual", "ranker-2", False), ("Manual", "ranker-3", True)],
)
@pytest.mark.parametrize("state", ["complete", "paused by a person"])
def test_what_only_a_pause_keeps_back_is_not_to_be_approved(
    state: str, approval: str, cleared: str, *, unapproved: bool
) -> None:
    found = dispatch.rollouts()[state]
    status = found["status"] | {"waiting": {"revision": "ranker-2"}}
    status["progress"] = status["progress"] | {"paused": True, "cleared": cleared}
    spec = found["spec"] | {"revisionFrom": {"approval": approval}}
    told = advise(glance(found | {"spec": spec, "status": status}, dispatch.NOW))
    assert ("approve" in told.todo, told.verb) == ((True, None) if unapproved else (False, Verb.RESUME))
    word = "a person's word and for " if unapproved else ""
    assert told.why.endswith(f"ranker-2 waits for {word}`resume`")
    assert "resume it" in told.todo or unapproved
    assert told.waits == "a person"


@pytest.mark.parametrize(
    "state",
    ["advancing", "second stage", "awaiting approval", "complete", "paused by a person", "rolled back by a breach"],
)
def test_the_operator_takes_the_word_that_is_advised(state: str) -> None:
    found = dispatch.rollouts()[state]
    spec = {name: value for name, value in found["spec"].items() if name != "revision"}
    spec["revisionFrom"] = {"configMap": {"name": "models", "key": "dispatch"}, "approval": "Manual"}
    found = found | {"spec": spec, "status": found["status"] | {"waiting": {"revision": "7"}}}
    todo = advise(glance(found, dispatch.NOW)).todo
    words = re.findall(r'--reason "([^"]*)"', todo)
    told = [foretell(found, Verb.APPROVE, word, dispatch.NOW) for word in words]
    assert len(told) == (2 if state == "awaiting approval" else 1)
    assert [one.refused for one in told] == [""] * len(told)
    assert any("revision 7 may begin" in one.means for one in told)


def test_where_the_spec_is_paused_no_verb_helps() -> None:
    found = replace(waiting("complete"), paused=True, unapproved=False)
    told = advise(found)
    assert told.todo == f"{BEGIN}, set spec.paused to false where the object is kept"
    assert told.verb is None


def test_no_shell_acts_on_what_somebody_has_called_a_revision() -> None:
    told = advise(waiting("complete", "$(reboot)"))
    assert told.todo.endswith("--reason '$(reboot) why'")


@pytest.mark.parametrize("state", ["rolled back by a breach", "rolled back by a person", "stopped in Redis"])
def test_of_a_source_another_version_is_asked_for_there(state: str) -> None:
    found = dispatch.rollouts()[state]
    spec = {name: value for name, value in found["spec"].items() if name != "revision"}
    seen = glance(found | {"spec": spec | {"revisionFrom": {"configMap": {"name": "models"}}}}, dispatch.NOW)
    assert "another version in its source" in advise(seen).todo
    assert "spec.revision" not in advise(seen).todo
    assert "a new spec.revision" in advice(state).todo


def test_a_revision_that_waits_is_advised_on_beside_the_one_that_is_complete() -> None:
    told = advise(waiting("complete"))
    assert told.waits == "approval"
    assert told.why.endswith("revision ranker-2 waits for a person's word")
    assert told.todo == f'{BEGIN}, if you mean it: {APPROVE} "ranker-2 why"'
    assert told.verb is None, "another command would be printed, which is refused"
