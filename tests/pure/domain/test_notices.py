"""What a receiver is told next: everything once, in its order, under a mark of its own."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlrollout.api.notification import Topic
from mlrollout.api.status import MAX_ONGOING, OngoingStatus
from mlrollout.domain.decision import Alert
from mlrollout.domain.latch import CAUSES
from mlrollout.domain.notices import KEPT, Cursor, Notice, Pending, last_notice, newest, next_pending, passed_over
from mlrollout.domain.reason import Reason
from mlrollout.domain.record import Record
from mlrollout.domain.state import HISTORY, State
from mlrollout.domain.topics import ONGOING, SEVERITIES, TRANSITIONS, Severity

NOW = 1_800_000_000.0
BEGUN = State(Record(attempt=1, latched=False, sequence=0, percentage=0, revision="ranker-2"), NOW)


def everything(_: Notice) -> bool:
    return True


def about(*topics: Topic) -> object:
    return lambda notice: notice.topic in topics


def after(*reasons: Reason, at: float = NOW) -> State:
    state = BEGUN
    for reason in reasons:
        state = state.with_transition(at, reason, f"because of {reason}")
    return state


def goes_on(
    number: int, reason: Reason = Reason.GUARDRAIL_ALERT, *, serial: int = 1, since: float = NOW
) -> OngoingStatus:
    return OngoingStatus(
        number=number, reason=reason, subject="score", message="0.5 is low", since=since, attempt=1, after=serial
    )


def told(state: State, ongoing: Sequence[OngoingStatus] = (), cursor: Cursor | None = None) -> list[Pending]:
    """All that a receiver is told, one after another."""
    found, cursor = [], cursor or Cursor()
    while (one := next_pending(state, ongoing, cursor, everything, NOW)) is not None:
        found.append(one)
        cursor = one.cursor
    return found


def reasons(found: Sequence[Pending]) -> list[str]:
    return [one.notice.reason for one in found]


def test_each_piece_of_news_is_told_once_and_in_order() -> None:
    state = after(Reason.ATTEMPT_STARTED, Reason.STAGE_ADVANCED, Reason.COMPLETED)
    found = told(state, [goes_on(1, serial=2)])
    assert reasons(found) == ["AttemptStarted", "StageAdvanced", "GuardrailAlert", "Completed"]
    assert len({one.notice.mark for one in found}) == 4
    assert found[-1].cursor == newest(state, [goes_on(1)])


def test_a_rollback_is_told_with_its_cause_and_what_it_left() -> None:
    state = BEGUN.with_transition(NOW, Reason.STAGE_ADVANCED, "begins at 10 %")
    pilot = replace(state.record, percentage=10, stage="pilot")
    state = replace(state, record=pilot).with_transition(NOW + 1, Reason.GUARDRAIL_BREACHED, "0.2 is above 0.05")
    state = replace(state, record=BEGUN.record).with_transition(
        NOW + 3, Reason.ROLLED_BACK, "10 % -> 0 %: 0.2 is above 0.05"
    )
    _, rollback = (one.notice for one in told(state))
    assert (rollback.topic, rollback.severity, rollback.cause) == (
        Topic.ROLLED_BACK,
        Severity.CRITICAL,
        "GuardrailBreached",
    )
    assert (rollback.before, rollback.percentage, rollback.stage) == (10, 0, "pilot")
    assert (rollback.seen, rollback.at) == (NOW + 1, NOW + 3)


@pytest.mark.parametrize(("cause", "topic"), [(cause, TRANSITIONS[cause]) for cause in sorted(CAUSES)])
def test_a_rollback_has_the_topic_of_its_cause(cause: Reason, topic: Topic) -> None:
    (found,) = told(after(cause, Reason.ROLLED_BACK))
    assert (found.notice.topic, found.notice.severity) == (topic, SEVERITIES[topic])
    assert found.cursor == Cursor(2)


def test_a_cause_without_its_rollback_is_told_by_itself() -> None:
    found = told(after(Reason.GUARDRAIL_BREACHED, Reason.ATTEMPT_STARTED))
    assert [one.notice.topic for one in found] == [Topic.ROLLED_BACK, Topic.ATTEMPT_STARTED]


def test_a_rollback_whose_cause_the_history_no_longer_holds_is_told_all_the_same() -> None:
    state = after(Reason.GUARDRAIL_BREACHED, Reason.ROLLED_BACK)
    state = replace(state, history=state.history[1:])
    (found,) = told(state, cursor=Cursor(1))
    assert (found.notice.topic, found.notice.cause, found.dropped) == (Topic.ROLLED_BACK, "", 0)


def test_a_step_tells_the_percentage_before_it_within_its_attempt() -> None:
    first = after(Reason.ATTEMPT_STARTED)
    second = replace(first, record=replace(first.record, percentage=10)).with_transition(
        NOW, Reason.STAGE_ADVANCED, "on"
    )
    again = replace(second, record=replace(second.record, attempt=2, percentage=0)).with_transition(
        NOW, Reason.ATTEMPT_STARTED, "again"
    )
    assert [(one.notice.before, one.notice.percentage) for one in told(again)] == [(0, 0), (0, 10), (0, 0)]


def test_what_is_no_news_is_passed_over() -> None:
    state = after(Reason.RESUMED, Reason.APPROVED)
    assert told(state, [goes_on(1, Reason.UNKNOWN_VERB)]) == []
    assert passed_over(state, (), Cursor(), everything) == Cursor(2)


def test_what_a_receiver_does_not_want_is_passed_over_too() -> None:
    state = after(Reason.ATTEMPT_STARTED, Reason.STAGE_ADVANCED, Reason.COMPLETED)
    wants = about(Topic.COMPLETED)
    found = next_pending(state, (), Cursor(), wants, NOW)  # type: ignore[arg-type]  # a predicate
    assert found is not None
    assert (found.notice.topic, found.cursor, found.dropped) == (Topic.COMPLETED, Cursor(3), 0)
    assert passed_over(state, (), Cursor(), wants) == Cursor(2)  # type: ignore[arg-type]  # a predicate


def test_what_the_status_no_longer_holds_is_counted() -> None:
    state = after(*[Reason.STAGE_ADVANCED] * (HISTORY + 3))
    ongoing = [goes_on(number, serial=HISTORY + 3) for number in range(3, 3 + MAX_ONGOING)]
    found = told(state, ongoing)
    assert [one.dropped for one in found] == [3 + 2, *[2] * (HISTORY - 1), 2, *[0] * (MAX_ONGOING - 1)]


def test_what_was_lost_is_not_passed_over() -> None:
    state = after(*[Reason.RESUMED] * (HISTORY + 1))
    assert passed_over(state, (), Cursor(), everything) == Cursor()
    assert passed_over(state, (), Cursor(1), everything) == Cursor(HISTORY + 1)


def test_what_is_too_old_is_dropped_and_counted() -> None:
    state = after(Reason.ATTEMPT_STARTED, Reason.STAGE_ADVANCED, at=NOW - KEPT - 1)
    assert next_pending(state, (), Cursor(), everything, NOW) is None
    state = state.with_transition(NOW, Reason.COMPLETED, "done")
    (found,) = told(state)
    assert (found.notice.topic, found.dropped, found.cursor) == (Topic.COMPLETED, 2, Cursor(3))


def test_a_receiver_that_is_new_to_an_object_hears_what_comes_from_now_on() -> None:
    assert newest(None, ()) == Cursor()
    state = after(Reason.ATTEMPT_STARTED)
    assert told(state, [goes_on(7)], newest(state, [goes_on(7)])) == []


def test_what_goes_on_is_told_as_it_was_when_it_began() -> None:
    state = after(Reason.ATTEMPT_STARTED)
    state = replace(state, record=replace(state.record, percentage=10, stage="pilot")).with_transition(
        NOW, Reason.STAGE_ADVANCED, "on"
    )
    notices = [one.notice for one in told(state, [goes_on(1, serial=1), goes_on(2, serial=2)])]
    ongoing = [(one.stage, one.percentage) for one in notices if one.reason == Reason.GUARDRAIL_ALERT]
    assert ongoing == [("", 0), ("pilot", 10)]
    assert [one.subject for one in notices] == ["", "score", "", "score"]


def test_what_goes_on_since_before_the_history_is_told_by_the_oldest_that_is_left() -> None:
    state = after(*[Reason.STAGE_ADVANCED] * (HISTORY + 3))
    (found,) = told(state, [goes_on(1, serial=1)], Cursor(HISTORY + 3))
    assert found.notice.at == NOW
    bare = replace(state, history=())
    assert next_pending(bare, [goes_on(1)], Cursor(HISTORY + 3), everything, NOW) is None


def test_the_last_word_is_told_with_what_stood_last() -> None:
    alert = Alert(Reason.TRAFFIC_NOT_ZEROED, "left-behind", "its key could not be given up")
    state = replace(after(Reason.ATTEMPT_STARTED), applied=30)
    known, unknown = last_notice(alert, state, NOW), last_notice(alert, None, NOW)
    assert (known.percentage, known.revision, known.severity) == (30, "ranker-2", Severity.CRITICAL)
    assert (unknown.percentage, unknown.revision, unknown.mark) == (0, "", known.mark)


def test_every_topic_has_a_severity_and_a_reason() -> None:
    assert SEVERITIES.keys() == set(Topic) == {*TRANSITIONS.values(), *ONGOING.values()}


@given(st.lists(st.sampled_from(Reason), max_size=40), st.lists(st.integers(0, 40), max_size=8))
def test_whatever_happens_a_receiver_hears_all_that_is_held_and_how_much_is_not(
    happened: list[Reason], alerts: list[int]
) -> None:
    state = after(*happened)
    ongoing = [goes_on(number, serial=serial) for number, serial in enumerate(sorted(alerts), start=1)]
    found = told(state, ongoing)
    marks = [one.notice.mark for one in found]
    assert len(set(marks)) == len(marks)
    serials = [one.cursor.serial for one in found]
    assert serials == sorted(serials)
    lost = max(0, len(happened) - HISTORY)
    assert (found[0].dropped if found else lost) == lost
    if happened:
        assert sum(one.reason == Reason.GUARDRAIL_ALERT for one in (w.notice for w in found)) == len(alerts)
