"""An operator is missed where one that lives would have written by now, and nowhere else."""

from typing import Any

import pytest
from mlrollout.api import moment
from mlrollout.domain.saving import COUNTED
from mlrollout.evidence.checks import block_test
from mlrollout.glance.advice import advise
from mlrollout.glance.doctor.diagnosis import DiagnosisLevel
from mlrollout.glance.doctor.services import prometheus, redis
from mlrollout.glance.goal import reached
from mlrollout.glance.rollout import Tone, glance
from mlrollout.glance.silence import COUNTED_EVERY, SILENT, UNCOUNTED, silence

from tests.support import dispatch
from tests.support.dispatch import DAY, NOW

COUNTING = ("second stage", "a requirement not met", "awaiting approval", "paused by a person", "a held breach")
"""States in which no healthy time is gained, and evidence is."""
RESTING = (
    "rolled back by a breach",
    "rolled back, not confirmed",
    "another's key",
    "an invalid spec",
    "Prometheus down",
)
"""States in which an operator that is well may have nothing to write for days."""


def written(state: str, *, counts: bool = True, interval: str = "15s", **metadata: Any) -> dict[str, Any]:
    """The object in a state, its status written just now; the guardrail that counts has a checkpoint, or none has."""
    found = dispatch.rollouts()[state]
    managed = [{"subresource": "status", "time": moment.to_second(NOW)}]
    said = [
        one | ({"checkpoint": "{}"} if counts and one["name"] == "error-rate" else {})
        for one in found["status"].get("guardrails", ())
    ]
    asked = [one | {"interval": interval, "maxAge": "2m"} for one in found["spec"]["guardrails"]]
    return {
        **found,
        "metadata": found["metadata"] | {"managedFields": managed} | metadata,
        "spec": found["spec"] | {"guardrails": asked},
        "status": found["status"] | {"guardrails": said},
    }


def test_how_often_an_operator_writes_is_what_it_does() -> None:
    assert (COUNTED_EVERY, UNCOUNTED) == (COUNTED, block_test.SILENCE)


def test_an_operator_that_saves_no_healthy_time_any_more_is_missed() -> None:
    found = written("advancing", counts=False)
    assert silence(found, NOW + SILENT + 15.0) is None
    seen = glance(found, NOW + 7200.0)
    assert (seen.silent, seen.tone) == (7200.0, Tone.BAD)
    advice = advise(seen)
    assert (advice.waits, advice.verb) == ("the operator", None)
    assert advice.why.startswith("the operator was last heard of 2h ago, and may guard it no more: stage pilot (10 %)")
    assert "doctor" in advice.todo


@pytest.mark.parametrize("left", [-DAY, 10.0, 0.0])
def test_also_where_the_time_would_be_served_by_now(left: float) -> None:
    found = written("advancing", counts=False)
    found["status"]["progress"] = found["status"]["progress"] | {"healthySeconds": 14 * DAY - left}
    seen = glance(found, NOW + 2 * DAY)
    assert (seen.silent, seen.tone) == (2 * DAY, Tone.BAD)
    assert "all is well" not in advise(seen).why


def test_who_looks_once_an_hour_is_not_missed_sooner() -> None:
    found = written("advancing", counts=False, interval="1h")
    assert silence(found, NOW + 3600.0 + SILENT) is None
    assert silence(found, NOW + 3601.0 + SILENT) is not None


@pytest.mark.parametrize("state", [*COUNTING, "complete", "Redis down"])
def test_evidence_that_should_have_grown_shows_that_nobody_looks(state: str) -> None:
    found = written(state)
    assert silence(found, NOW + COUNTED + 120.0 + 30.0 + SILENT) is None
    seen = glance(found, NOW + 3 * DAY)
    assert (seen.silent, seen.tone) == (3 * DAY, Tone.BAD)
    advice = advise(seen)
    assert (advice.waits, advice.verb) == ("the operator", None)
    assert advice.why.startswith("the operator was last heard of 3d ago, and may guard it no more: ")
    assert "go on looking" not in advice.why


def test_what_was_said_last_is_told_as_that() -> None:
    told = advise(glance(written("awaiting approval"), NOW + 3 * DAY))
    assert told.why.endswith(
        "what it said last: stage expansion (30 %) is served, and full (100 %) waits for a person's word"
    )
    whole = glance(written("complete"), NOW + 3 * DAY)
    assert advise(whole).why.endswith("no more: it is complete at 100 % since 3d")
    ended = reached("complete", whole)
    assert ended is not None
    assert "was last heard of 3d ago" in ended.message


@pytest.mark.parametrize("state", [*COUNTING, "complete", "no data"])
def test_where_no_guardrail_keeps_a_checkpoint_nothing_is_to_be_saved_and_nobody_is_missed(state: str) -> None:
    assert silence(written(state, counts=False), NOW + 30 * DAY) is None


@pytest.mark.parametrize("state", RESTING)
def test_where_nothing_comes_of_looking_nobody_is_missed(state: str) -> None:
    assert silence(written(state), NOW + 30 * DAY) is None


def test_a_block_without_samples_may_grow_for_an_hour() -> None:
    found = written("no data")
    assert silence(found, NOW + 3600.0 + COUNTED + SILENT) is None
    assert silence(found, NOW + 2 * 3600.0) == 7200.0


@pytest.mark.parametrize(("state", "missed"), [("complete", True), ("Redis down", False)])
def test_a_split_is_counted_only_while_redis_says_the_share(state: str, *, missed: bool) -> None:
    found = written(state)
    asked = [{"name": "error-rate", "balance": {"users": "u"}}]
    found["spec"] = found["spec"] | {"guardrails": asked}
    assert (silence(found, NOW + DAY) is not None) == missed


def test_where_guardrails_are_off_after_completion_nobody_is_missed() -> None:
    found = written("complete")
    found["spec"] = found["spec"] | {"afterCompletion": "Stop"}
    assert silence(found, NOW + 30 * DAY) is None


def test_before_anybody_has_the_treatment_nothing_is_counted() -> None:
    assert silence(written("before the first stage"), NOW + 30 * DAY) is None


def test_an_object_that_no_operator_has_looked_at_since_it_was_made() -> None:
    created = moment.to_second(NOW)
    found = written("not seen yet", managedFields=[], creationTimestamp=created)
    assert (silence(found, NOW + SILENT), glance(found, NOW + SILENT).tone) == (None, Tone.WAITING)
    seen = glance(found, NOW + DAY)
    assert (seen.silent, seen.tone) == (DAY, Tone.BAD)
    assert advise(seen).why == "no operator has looked at it since it was created 1d ago"


@pytest.mark.parametrize("state", ["complete", "rolled back by a breach", "an invalid spec"])
def test_a_changed_spec_is_taken_in_at_once(state: str) -> None:
    managed = [
        {"subresource": "status", "time": moment.to_second(NOW)},
        {"time": moment.to_second(NOW + DAY)},
        {"time": moment.to_second(NOW - DAY)},
    ]
    found = written(state, counts=False, generation=2, managedFields=managed)
    assert silence(found, NOW + DAY + SILENT) is None
    assert silence(found, NOW + 2 * DAY) == 2 * DAY
    assert silence({**found, "metadata": found["metadata"] | {"generation": 1}}, NOW + 2 * DAY) is None


def test_of_an_object_that_goes_the_operator_lets_go_soon() -> None:
    gone: dict[str, Any] = {"deletionTimestamp": moment.to_second(NOW), "generation": 2}
    found = written("being deleted", **gone, finalizers=["mlrollout.dev/traffic"])
    assert silence(found, NOW + SILENT) is None
    assert silence(found, NOW + DAY) == DAY
    for finalizers in ([], ["example.com/other"], None, 7):
        assert silence(written("being deleted", **gone, finalizers=finalizers), NOW + 30 * DAY) is None


def test_an_object_that_does_not_say_when_it_was_written_tells_nothing() -> None:
    assert silence(written("complete", managedFields=[]), NOW + 30 * DAY) is None
    assert silence({}, NOW) is None


def test_a_status_that_nobody_keeps_up_says_nothing_of_redis_and_prometheus() -> None:
    old, now = written("complete"), NOW + 3 * DAY
    found = redis([old], now)
    assert (found.level, "the last word came 3d ago" in found.message) == (DiagnosisLevel.UNSEEN, True)
    assert "--redis URL" in found.todo
    assert redis([old, dispatch.rollouts()["Redis down"]], now).level is DiagnosisLevel.FAILED
    assert redis([old], NOW).level is DiagnosisLevel.OK
    found = prometheus([glance(old, now)])
    assert (found.level, "the last word came 3d ago" in found.message) == (DiagnosisLevel.UNSEEN, True)
    assert prometheus([glance(old, now), glance(written("advancing"), NOW)]).message.startswith("by the status of 1 ")
