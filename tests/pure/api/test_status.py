import json
import math

import pytest
from mlrollout.api import moment
from mlrollout.api.status import (
    LONGEST,
    MAX_HISTORY,
    MAX_MESSAGE,
    Condition,
    GuardrailStatus,
    Progress,
    RecordStatus,
    Status,
    TransitionStatus,
    VerbStatus,
)
from pydantic import ValidationError

NOON = 1793620800.0


def entry(serial: int) -> TransitionStatus:
    return TransitionStatus(serial=serial, at=NOON, reason="StageAdvanced", message="", attempt=1, percentage=10)


def condition(kind: str) -> Condition:
    return Condition(type=kind, status="True", reason="Completed", message="", last_transition_time=NOON)


def test_nothing_is_written_of_what_is_not_known() -> None:
    assert Status().render() == {}
    assert Status.read({"metadata": {}}) == Status()


def test_zero_per_cent_is_something_known() -> None:
    record = RecordStatus(attempt=0, latched=False, sequence=0, percentage=0)

    assert Status(percentage=0, record=record, serial=0).render() == {
        "percentage": 0,
        "record": {"attempt": 0, "latched": False, "sequence": 0, "percentage": 0},
        "serial": 0,
    }


def test_times_are_rfc_3339_in_utc_to_the_millisecond() -> None:
    assert Status(progress=Progress(since=NOON + 0.2506)).render() == {
        "progress": {"since": "2026-11-02T12:00:00.251Z"}
    }


@pytest.mark.parametrize("text", ["2026-11-02T12:00:00Z", "2026-11-02T12:00:00.000Z", "2026-11-02T14:00:00+02:00"])
def test_times_are_read_in_any_zone(text: str) -> None:
    assert moment.parse(text) == NOON


@pytest.mark.parametrize("bad", ["noon", None, True, ["2026-11-02T12:00:00Z"]])
def test_what_is_no_time_is_refused(bad: object) -> None:
    with pytest.raises(ValueError, match=r"noon|is not a time such as"):
        moment.parse(bad)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_without_json_are_left_out(number: float) -> None:
    guardrail = GuardrailStatus(name="errors", finding="NoData", value=number, samples=number, limit=number)

    assert Status(guardrails=(guardrail,)).render() == {"guardrails": [{"name": "errors", "finding": "NoData"}]}


@pytest.mark.parametrize(
    ("seconds", "written"), [(300.0, "5m"), (-0.5, "0s"), (10 * LONGEST, "99999h"), (math.inf, "99999h")]
)
def test_a_window_that_cannot_be_written_becomes_the_nearest_that_can(seconds: float, written: str) -> None:
    rendered = Status(guardrails=(GuardrailStatus(name="errors", finding="Pass", window=seconds),)).render()

    assert rendered["guardrails"][0]["window"] == written


def test_a_long_message_is_cut_rather_than_lost() -> None:
    cut = Progress(message="x" * 5000).message

    assert len(cut) == MAX_MESSAGE
    assert cut == "x" * (MAX_MESSAGE - 1) + "…"
    assert Progress(message=cut).message == cut


def test_a_verb_with_a_long_value_is_the_same_before_and_after() -> None:
    verb = VerbStatus(verb="rollback", value="why " * 1000)

    assert Status.read({"status": Status(verbs=(verb,)).render()}).verbs == (verb,)


def test_the_newest_transitions_are_kept() -> None:
    status = Status(history=tuple(entry(serial) for serial in range(100)))

    assert [kept.serial for kept in status.history] == list(range(100 - MAX_HISTORY, 100))


def test_one_condition_of_a_kind() -> None:
    with pytest.raises(ValidationError, match=r'Duplicate value: {"type":"Ready"}'):
        Status(conditions=(condition("Ready"), condition("Ready")))


def test_a_status_survives_the_object() -> None:
    status = Status(
        observed_generation=3,
        conditions=(condition("Ready"), condition("TrafficApplied")),
        percentage=10,
        progress=Progress(began=NOON, healthy_seconds=1.5, paused=True, evidence="ab"),
        history=(entry(1), entry(2)),
        serial=2,
    )

    assert Status.read(json.loads(json.dumps({"status": status.render()}))) == status


def test_fields_of_a_newer_operator_are_ignored() -> None:
    assert Status.read({"status": {"percentage": 10, "mood": "good"}}) == Status(percentage=10)
