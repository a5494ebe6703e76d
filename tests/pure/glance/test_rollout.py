"""A rollout at a glance is what its object says."""

from dataclasses import replace
from typing import Any

import pytest
from mlrollout.domain.saving import CHECKPOINT
from mlrollout.glance.guardrails import GuardrailGlance, worst
from mlrollout.glance.rollout import SAVED_EVERY, Glance, Tone, glance

from tests.support import dispatch
from tests.support.dispatch import DAY, NOW


def seen(state: str, *, now: float = NOW) -> Glance:
    return glance(dispatch.rollouts()[state], now)


@pytest.mark.parametrize(
    ("state", "places", "percentage", "tone"),
    [
        ("not seen yet", "ahead ahead ahead", 0, Tone.BAD),
        ("before the first stage", "ahead ahead ahead", 0, Tone.WAITING),
        ("advancing", "here ahead ahead", 10, Tone.WELL),
        ("second stage", "behind here ahead", 30, Tone.WAITING),
        ("complete", "behind behind behind", 100, Tone.WELL),
        ("rolled back by a breach", "behind failed ahead", 0, Tone.BAD),
        ("rolled back, not confirmed", "behind failed ahead", 30, Tone.BAD),
        ("rolled back by a person", "failed ahead ahead", 0, Tone.BAD),
        ("another's key", "here ahead ahead", 10, Tone.BAD),
        ("being deleted", "here ahead ahead", 10, Tone.WAITING),
    ],
)
def test_where_it_stands(state: str, places: str, percentage: int, tone: Tone) -> None:
    found = seen(state)
    assert " ".join(stage.place for stage in found.stages) == places
    assert (found.percentage, found.tone) == (percentage, tone)


def test_how_long_it_has_been_and_must_be() -> None:
    found = seen("advancing")
    assert found.here is not None
    assert (found.here.served, found.here.duration, found.here.rest) == (6 * DAY + 7200, 14 * DAY, 8 * DAY - 7200)
    assert found.here.share == pytest.approx(6.083 / 14, abs=0.001)
    assert found.ahead is not None
    assert found.ahead.name == "expansion"


def test_a_stage_that_may_end_early_says_how_early() -> None:
    found = dispatch.rollouts()["advancing"]
    first, *others = found["spec"]["stages"]
    stages = [first | {"early": {"after": "168h"}}, *others]
    here = glance(found | {"spec": found["spec"] | {"stages": stages}}, NOW).here
    assert here is not None
    assert here.served is not None
    assert here.rest == 7 * DAY - here.served


def _saved(ago: float, reason: str = "Progressing") -> dict[str, Any]:
    found = dispatch.rollouts()["advancing"]
    managed = [{"subresource": "status", "time": "2026-11-23T09:30:00Z"}, {"time": "2027-01-01T00:00:00Z"}]
    ready, *others = found["status"]["conditions"]
    status = found["status"] | {"conditions": [ready | {"reason": reason}, *others]}
    return {**found, "metadata": found["metadata"] | {"managedFields": managed}, "status": status}


@pytest.mark.parametrize(("ago", "gained"), [(0.0, 0.0), (30.0, 30.0), (500.0, SAVED_EVERY), (-20.0, 0.0)])
def test_healthy_time_goes_on_between_two_saves(ago: float, gained: float) -> None:
    here = glance(_saved(ago), NOW + ago).here
    assert here is not None
    assert here.served == 6 * DAY + 7200 + gained


def test_no_more_time_is_added_than_the_operator_leaves_unsaved() -> None:
    assert SAVED_EVERY == CHECKPOINT


def test_while_it_waits_for_something_no_time_is_gained() -> None:
    here = glance(_saved(30.0, "Paused"), NOW + 30.0).here
    assert here is not None
    assert here.served == 6 * DAY + 7200


def test_a_rollback_says_from_where() -> None:
    back = seen("rolled back by a breach").rollback
    assert back is not None
    assert (back.since, back.stage, back.reason) == (30, "expansion", "GuardrailBreached")
    assert back.at == NOW - 7200


def test_a_rollback_of_what_was_complete_says_from_where_too() -> None:
    found = dispatch.rollouts()["rolled back by a breach"]
    passed = [stage | {"outcome": "Passed"} for stage in found["status"]["stages"]]
    back = glance(found | {"status": found["status"] | {"stages": passed}}, NOW).rollback
    assert back is not None
    assert (back.since, back.stage) == (30, "expansion")


def test_a_revision_of_a_source_is_the_one_that_stands_and_another_may_wait() -> None:
    found = dispatch.rollouts()["advancing"]
    spec = {name: value for name, value in found["spec"].items() if name != "revision"}
    seen = glance(found | {"spec": spec, "status": found["status"] | {"waiting": {"revision": "ranker-2"}}}, NOW)
    assert seen.wanted == seen.revision
    assert seen.waiting == "ranker-2"


def test_a_revision_that_is_asked_for_is_told_beside_the_one_that_stands() -> None:
    found = dispatch.rollouts()["advancing"]
    newer = glance(found | {"spec": found["spec"] | {"revision": "ranker-2"}}, NOW)
    assert (newer.revision, newer.wanted) == ("ranker-2026-11-03", "ranker-2")


def test_a_spec_that_no_operator_has_seen_is_told() -> None:
    assert seen("a changed spec that is not seen yet").unseen
    assert not seen("advancing").unseen


PASSING = GuardrailGlance("errors", "query", "Rollback", "Pass", 0.01, "max", 0.05)


@pytest.mark.parametrize(
    ("other", "first"),
    [
        (replace(PASSING, name="other", value=0.04), "other"),
        (replace(PASSING, name="other", value=0.96, bound="min", limit=0.95), "other"),
        (replace(PASSING, name="other", finding="NoData", value=None), "other"),
        (replace(PASSING, name="other", finding="Breach"), "other"),
        (replace(PASSING, name="other", finding="SomethingNew"), "other"),
        (replace(PASSING, name="other", value=None), "errors"),
        (replace(PASSING, name="other", value=-1.0), "errors"),
        (replace(PASSING, name="other", limit=0.0), "errors"),
    ],
)
def test_the_worst_guardrail_is_the_one_to_look_at_first(other: GuardrailGlance, first: str) -> None:
    found = worst((PASSING, other))
    assert found is not None
    assert found.name == first


def test_without_guardrails_none_is_the_worst() -> None:
    assert worst(()) is None


def test_a_guardrail_is_told_with_its_limit_before_it_was_looked_at_and_after() -> None:
    before = {one.name: one for one in seen("before the first stage").guardrails}
    after = {one.name: one for one in seen("no data").guardrails}
    for found in (before, after):
        assert [(one.bound, one.limit) for one in found.values()] == [
            ("max", 0.05),
            ("min", 0.95),
            ("min", 0.6),
            ("max", 5.0),
        ]
    assert {one.finding for one in before.values()} == {""}
    assert (after["error-rate"].kind, after["error-rate"].finding, after["error-rate"].window) == (
        "rate",
        "NoData",
        3600,
    )


@pytest.mark.parametrize(
    ("asked", "bound", "action"),
    [
        ({"compare": {"ratio": 1.5}}, ("ratio", 1.5), "Rollback"),
        ({"compare": {"difference": 0.02}}, ("difference", 0.02), "Rollback"),
        ({"balance": {"users": "u"}}, ("", None), "Hold"),
        ({"query": "q", "min": 1, "max": 3, "action": "Alert"}, ("max", 3.0), "Alert"),
    ],
)
def test_each_kind_calls_its_limit_by_its_name(
    asked: dict[str, Any], bound: tuple[str, float | None], action: str
) -> None:
    found = dispatch.rollouts()["advancing"]
    spec = found["spec"] | {"guardrails": [asked | {"name": "one"}]}
    (one,) = glance(found | {"spec": spec, "status": {}}, NOW).guardrails
    assert ((one.bound, one.limit), one.action) == (bound, action)


def test_of_two_limits_the_one_that_the_value_was_held_against() -> None:
    found = dispatch.rollouts()["advancing"]
    spec = found["spec"] | {"guardrails": [{"name": "one", "query": "q", "min": 1, "max": 3}]}
    status = found["status"] | {"guardrails": [{"name": "one", "finding": "Breach", "value": 0.5, "limit": 1}]}
    (one,) = glance(found | {"spec": spec, "status": status}, NOW).guardrails
    assert (one.bound, one.limit) == ("min", 1.0)
