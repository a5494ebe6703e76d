"""What a process goes on from, given its own state and the one that stands in the status."""

from dataclasses import replace

import pytest
from mlrollout.domain.merge import merge
from mlrollout.domain.reason import Reason
from mlrollout.domain.record import Cause, Record
from mlrollout.domain.request import Heard
from mlrollout.domain.state import State

NOW = 1_800_000_000.0
TEN = State(
    Record(attempt=1, latched=False, sequence=1, percentage=10), measurements_from=NOW, healthy=60.0, healthy_until=NOW
)
THIRTY = replace(TEN, record=replace(TEN.record, sequence=2, percentage=30))
BREACH = Cause(Reason.GUARDRAIL_BREACHED, "0.07 is over 0.05", NOW)
DOWN = replace(TEN, record=replace(TEN.record, latched=True, percentage=0, cause=BREACH))
ASKED = replace(DOWN, record=replace(DOWN.record, cause=Cause(Reason.MANUAL_ROLLBACK, "customers complain", NOW)))
ANEW = replace(TEN, record=replace(TEN.record, attempt=2, sequence=0, percentage=0))


def saying(state: State, *reasons: Reason, at: float = NOW) -> State:
    for number, reason in enumerate(reasons):
        state = state.with_transition(at + number, reason, f"for {reason}")
    return state


def after(before: State, state: State) -> State:
    """The state with the history of one before it."""
    return replace(state, history=before.history, serial=before.serial)


def told(state: State | None) -> list[tuple[int, str]]:
    assert state is not None
    return [(entry.serial, entry.reason) for entry in state.history]


def test_who_knows_nothing_goes_on_from_what_is_saved() -> None:
    assert merge(None, TEN) is TEN
    assert merge(TEN, None) is TEN
    assert merge(None, None) is None


def test_what_is_saved_wins() -> None:
    assert merge(TEN, THIRTY) is THIRTY
    assert merge(TEN, DOWN) is DOWN
    assert merge(DOWN, ANEW) is ANEW


def test_a_raise_that_was_not_saved_is_decided_again() -> None:
    assert merge(THIRTY, TEN) is TEN


def test_a_way_down_that_was_not_saved_stays() -> None:
    assert merge(DOWN, TEN) == DOWN
    assert merge(DOWN, THIRTY) == DOWN


@pytest.mark.parametrize(("own", "saved"), [(0.0, NOW), (NOW, 0.0)])
def test_a_way_down_keeps_what_another_process_knows_of_earlier_users(own: float, saved: float) -> None:
    merged = merge(replace(DOWN, evidence_from=own), replace(TEN, evidence_from=saved))
    assert merged == replace(DOWN, evidence_from=NOW)


def test_a_newer_attempt_that_was_not_saved_stays() -> None:
    assert merge(ANEW, TEN) == ANEW


def test_a_way_down_is_told_after_what_another_process_has_saved_meanwhile() -> None:
    begun = saying(TEN, Reason.ATTEMPT_STARTED)
    saved = saying(begun, Reason.RESUMED, at=NOW + 60)
    merged = merge(saying(after(begun, DOWN), Reason.GUARDRAIL_BREACHED, Reason.ROLLED_BACK), saved)
    assert told(merged) == [(1, "AttemptStarted"), (2, "Resumed"), (3, "GuardrailBreached"), (4, "RolledBack")]
    assert merged is not None
    assert merged.serial == 4


def test_a_rollback_of_an_attempt_that_is_over_is_not_told_again() -> None:
    heard = saying(ASKED, Reason.MANUAL_ROLLBACK)
    deaf = saying(after(heard, ANEW), Reason.RECORD_ADOPTED, Reason.STAGE_CHANGED, at=NOW + 60)
    begun = replace(saying(TEN, Reason.ROLLED_BACK, Reason.ATTEMPT_STARTED), record=replace(ANEW.record, sequence=0))
    down = replace(deaf, record=replace(ANEW.record, sequence=1))
    assert told(merge(down, begun)) == [
        *told(begun),
        (3, "RecordAdopted"),
        (4, "StageChanged"),
    ]


def test_a_rollback_that_another_process_has_told_is_not_told_for_another_cause() -> None:
    saved = saying(DOWN, Reason.GUARDRAIL_BREACHED, Reason.ROLLED_BACK)
    mark = Heard("customers complain", "id", NOW)
    later = replace(ASKED, record=replace(ASKED.record, sequence=2), verbs={"rollback": mark})
    merged = merge(saying(later, Reason.MANUAL_ROLLBACK, Reason.ROLLED_BACK, at=NOW + 1), saved)
    assert merged is not None
    assert (merged.record, merged.record.cause) == (later.record, BREACH)
    assert told(merged) == told(saved)
    assert merged.verbs == {}, "nobody has answered that person yet"


def test_nor_is_it_told_before_the_attempt_that_came_after_it() -> None:
    saved = saying(DOWN, Reason.GUARDRAIL_BREACHED, Reason.ROLLED_BACK)
    mine = saying(replace(DOWN, record=replace(DOWN.record, sequence=2)), Reason.GUARDRAIL_BREACHED, Reason.ROLLED_BACK)
    anew = saying(after(mine, ANEW), Reason.RETRIED, at=NOW + 1)
    assert told(merge(anew, saved)) == [*told(saved), (3, "Retried")]


def test_what_both_have_told_stands_once() -> None:
    begun = saying(TEN, Reason.ATTEMPT_STARTED)
    merged = merge(saying(after(begun, DOWN), Reason.ROLLED_BACK), begun)
    assert told(merged) == [(1, "AttemptStarted"), (2, "RolledBack")]


def test_a_way_down_is_told_where_nothing_has_been_saved_yet() -> None:
    assert told(merge(saying(DOWN, Reason.ROLLED_BACK), TEN)) == [(1, "RolledBack")]


def test_an_answer_that_counts_once_it_is_saved_is_given_again() -> None:
    paused = replace(saying(DOWN, Reason.PAUSED), paused=True, verbs={"pause": Heard("why", "id", NOW)})
    merged = merge(paused, TEN)
    assert told(merged) == []
    assert merged is not None
    assert not merged.paused
    assert merged.verbs == {}


def test_an_answer_that_has_changed_the_record_stands_with_its_mark() -> None:
    mark = Heard("customers complain", "id", NOW)
    other = Heard("another", "id-2", NOW)
    merged = merge(replace(saying(ASKED, Reason.MANUAL_ROLLBACK), verbs={"rollback": mark}), TEN)
    assert merged is not None
    assert merged.verbs == {"rollback": mark}
    retried = replace(saying(ANEW, Reason.RETRIED), verbs={"retry": mark})
    merged = merge(retried, replace(TEN, verbs={"pause": other}))
    assert merged is not None
    assert merged.verbs == {"pause": other, "retry": mark}


def test_a_rollback_that_a_person_asked_for_keeps_its_mark_before_it_is_told() -> None:
    mark = Heard("customers complain", "id", NOW)
    merged = merge(replace(ASKED, verbs={"rollback": mark, "pause": mark}), TEN)
    assert merged is not None
    assert merged.verbs == {"rollback": mark}


def test_healthy_time_of_ones_own_goes_on_where_it_is_ahead_of_what_is_saved() -> None:
    assert merge(TEN, replace(TEN, healthy=30.0, healthy_until=None)) == TEN


def test_healthy_time_of_before_other_guardrails_counts_for_nothing_be_they_undone_since() -> None:
    restarted = replace(saying(TEN, Reason.EVIDENCE_RESTARTED), healthy=0.0, healthy_until=None)
    assert merge(TEN, restarted) == restarted
    heard = replace(restarted, healthy=30.0, healthy_until=NOW)
    assert merge(heard, restarted) == heard


def test_what_rounding_adds_to_healthy_time_is_not_another_s() -> None:
    own = replace(TEN, healthy=60.0004)
    assert merge(own, replace(TEN, healthy=60.001, healthy_until=None)) == own


def test_healthy_time_that_another_process_has_counted_is_not_counted_twice() -> None:
    merged = merge(TEN, replace(TEN, healthy=90.0, healthy_until=None))
    assert merged is not None
    assert (merged.healthy, merged.healthy_until) == (90.0, None)


def test_healthy_time_under_other_guardrails_counts_for_nothing() -> None:
    saved = replace(TEN, fingerprint="others", healthy=1.0, healthy_until=None)
    assert merge(TEN, saved) is saved
