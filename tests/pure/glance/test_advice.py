"""What somebody on call is told: why, and what to do about it."""

import re
from dataclasses import replace

import pytest
from mlrollout.domain.reason import Reason
from mlrollout.domain.request import Verb
from mlrollout.glance.advice import _AFTER, _SPECIAL, Advice, advise
from mlrollout.glance.rollout import glance

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


def test_a_revision_that_waits_is_advised_on_beside_the_one_that_is_complete() -> None:
    found = dispatch.rollouts()["complete"]
    told = advise(glance(found | {"status": found["status"] | {"waiting": {"revision": "ranker-2"}}}, dispatch.NOW))
    assert told.waits == "approval"
    assert told.why.endswith("revision ranker-2 waits for a person's word")
    assert told.todo == 'approve it by its name, if you mean it: "ranker-2 why"; it begins at 0 %'
    assert told.verb is Verb.APPROVE
