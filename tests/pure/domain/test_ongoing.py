"""What goes on is numbered where it begins, ended where it is over, and forgotten last."""

from collections.abc import Sequence
from dataclasses import replace

from mlrollout.api.status import MAX_ONGOING, OngoingStatus
from mlrollout.domain.decision import Alert
from mlrollout.domain.ongoing import going_on, news, subject
from mlrollout.domain.reason import Reason
from mlrollout.domain.record import Record
from mlrollout.domain.state import State

NOW = 1_800_000_000.0
STATE = replace(State(Record(attempt=1, latched=False, sequence=1, percentage=10), NOW), serial=5)
SCORE = Alert(Reason.GUARDRAIL_ALERT, "score", "0.5 is low")
REDIS = Alert(Reason.TRAFFIC_UNCONFIRMED, "redis", "Redis is away")


def seen(
    *alerts: Alert, kept: Sequence[OngoingStatus] = (), state: State = STATE, at: float = NOW
) -> tuple[OngoingStatus, ...]:
    return going_on(kept, alerts, {subject(one) for one in alerts}, state, at)


def test_what_begins_is_numbered_and_stands_after_what_happened_before_it() -> None:
    score, redis = seen(SCORE, REDIS)
    assert (score.number, score.reason, score.subject, score.after, score.since) == (
        1,
        "GuardrailAlert",
        "score",
        5,
        NOW,
    )
    assert (redis.number, redis.until) == (2, None)


def test_what_goes_on_stays_as_it_was() -> None:
    first = seen(SCORE)
    assert seen(replace(SCORE, message="0.4 is lower"), kept=first, at=NOW + 60) == first


def test_what_is_over_is_ended_once_and_begins_anew() -> None:
    first = seen(SCORE)
    over = seen(kept=first, at=NOW + 60)
    assert [(one.number, one.until) for one in over] == [(1, NOW + 60)]
    again = seen(SCORE, kept=over, at=NOW + 90)
    assert [(one.number, one.until) for one in again] == [(1, NOW + 60), (2, None)]


def test_what_may_come_back_is_not_over() -> None:
    first = seen(SCORE)
    assert going_on(first, (), {subject(SCORE)}, STATE, NOW + 60) == first


def test_the_same_in_another_attempt_is_news() -> None:
    first = seen(SCORE)
    other = replace(STATE, record=replace(STATE.record, attempt=2))
    again = seen(SCORE, kept=first, state=other, at=NOW + 60)
    assert [(one.number, one.attempt, one.until) for one in again] == [(1, 1, NOW + 60), (2, 2, None)]


def test_the_oldest_are_forgotten_and_no_number_comes_twice() -> None:
    kept: tuple[OngoingStatus, ...] = ()
    for number in range(MAX_ONGOING + 3):
        kept = seen(Alert(Reason.GUARDRAIL_ALERT, f"g{number}", "low"), kept=kept)
    assert [one.number for one in kept] == list(range(4, MAX_ONGOING + 4))


def test_what_nobody_is_called_for_is_left_out_and_the_same_stands_once() -> None:
    refused = Alert(Reason.VERB_REFUSED, "pause", "it is paused already")
    assert news((SCORE, refused, replace(SCORE, message="again"), REDIS)) == [replace(SCORE, message="again"), REDIS]


def test_a_subject_is_told_from_others_as_the_status_can_hold_it() -> None:
    assert subject(Alert(Reason.GUARDRAIL_ALERT, "s" * 300, "")) == ("GuardrailAlert", "s" * 253)
