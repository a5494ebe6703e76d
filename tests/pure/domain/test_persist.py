"""The state in the object's status: it comes back whole."""

from dataclasses import fields, replace
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlrollout.api.guardrail import Proof
from mlrollout.api.status import MAX_CHECKPOINT, GuardrailStatus, RecordStatus, StageStatus, Status
from mlrollout.domain.persist import from_status, last_looks, to_status
from mlrollout.domain.reason import Reason
from mlrollout.domain.record import Cause, Record
from mlrollout.domain.request import Heard
from mlrollout.domain.saving import COUNTED, due_in
from mlrollout.domain.state import HISTORY, RUNS, NamedRevision, RunOutcome, StageRun, State, Transition
from mlrollout.evidence.measurement import Counted, Evidence, Measurement, MeasurementHistory, Verdict

from tests.pure.domain.situations import SITUATIONS, world_at
from tests.pure.domain.specs import ERRORS, SCORE, STAGES, Edit

MOMENTS = st.integers(0, 4_000_000_000_000).map(lambda milliseconds: milliseconds / 1000)
NAMES = st.text("abc-", max_size=63)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=100)
PERCENTAGES = st.integers(0, 100)
COUNTS = st.integers(0, 2**53)


def _records() -> st.SearchStrategy[Record]:
    causes = st.builds(Cause, st.sampled_from(Reason), TEXTS, MOMENTS)
    return st.builds(
        Record,
        COUNTS,
        st.booleans(),
        COUNTS,
        PERCENTAGES,
        NAMES,
        NAMES,
        NAMES,
        NAMES,
        PERCENTAGES,
        cause=st.none() | causes,
    )


def _fields() -> dict[str, st.SearchStrategy[object]]:
    """How each field of a state is drawn; one that was left to its default would seem to survive."""
    entries = st.builds(
        Transition, COUNTS, MOMENTS, st.sampled_from(Reason), TEXTS, COUNTS, NAMES, NAMES, PERCENTAGES, st.booleans()
    )
    runs = st.builds(StageRun, NAMES, PERCENTAGES, MOMENTS, st.none() | MOMENTS, st.sampled_from(RunOutcome))
    return {
        "record": _records(),
        "measurements_from": MOMENTS,
        "evidence_from": MOMENTS,
        "in_force_since": MOMENTS,
        "confirmed": st.booleans(),
        "applied": PERCENTAGES,
        "healthy": MOMENTS,
        "fingerprint": NAMES,
        "paused": st.booleans(),
        "approved": NAMES,
        "promoted": NAMES,
        "completed": st.booleans(),
        "announced": st.booleans(),
        "waiting": st.none() | st.builds(NamedRevision, NAMES, NAMES, st.none() | MOMENTS),
        "cleared": NAMES,
        "cleared_at": MOMENTS,
        "verbs": st.dictionaries(st.sampled_from(["pause", "retry"]), st.builds(Heard, TEXTS, NAMES, MOMENTS)),
        "runs": st.lists(runs, max_size=3).map(tuple),
        "history": st.lists(entries, max_size=3).map(tuple),
        "serial": COUNTS,
    }


def _status(state: State | None) -> Status:
    return to_status(state, spec=None, conditions=(), generation=3)


def test_every_field_is_drawn_but_what_a_restart_must_not_know() -> None:
    assert {*_fields(), "healthy_until"} == {field.name for field in fields(State)}


@given(st.builds(State, **_fields()))
def test_a_state_survives_the_status(state: State) -> None:
    found = from_status(Status.read({"status": _status(state).render()}))
    assert found == state
    assert found is not None
    assert found.record.cause == state.record.cause


@pytest.mark.parametrize("situation", SITUATIONS)
def test_so_does_every_real_one_but_for_what_a_restart_must_not_know(situation: str) -> None:
    state = world_at(situation).state
    assert from_status(Status.read({"status": _status(state).render()})) == replace(state, healthy_until=None)


def test_an_object_that_has_not_begun_has_no_state() -> None:
    status = _status(None)
    assert status.observed_generation == 3
    assert from_status(status) is None
    assert from_status(Status.read({})) is None


def test_words_of_redis_that_are_too_long_are_cut_rather_than_refused() -> None:
    long = Record(1, latched=False, sequence=1, percentage=10)
    long = replace(long, revision="x" * 1000, stage="x" * 1000, holder="x" * 1000)
    state = State(long, 0.0).enter(1.0).with_transition(1.0, Reason.RECORD_ADOPTED, "adopted")
    status = to_status(state, spec=None, conditions=(), generation=1)
    assert status.record is not None
    assert [len(word) for word in (status.record.stage, status.stages[0].name, status.history[0].stage)] == [64] * 3
    assert (len(status.record.revision), len(status.record.holder), len(status.revision)) == (253, 512, 253)


def test_a_time_that_never_was_is_left_out() -> None:
    progress = _status(State(Record(1, latched=False, sequence=0, percentage=0), 5.0)).progress
    assert progress is not None
    assert (progress.began, progress.clear, progress.since) == (5.0, None, None)


def test_a_status_with_gaps_is_read_all_the_same() -> None:
    status = Status(
        record=RecordStatus(attempt=1, latched=False, sequence=1, percentage=10),
        stages=(StageStatus(name="pilot", percentage=10, entered=1.0, outcome="Unheard"),),
    )
    state = from_status(status)
    assert state is not None
    assert (state.measurements_from, state.serial, state.confirmed) == (0.0, 0, False)
    assert state.runs == (StageRun("pilot", 10, 1.0),)


def test_what_is_too_much_for_the_status_is_cut_at_the_old_end() -> None:
    state = replace(
        world_at("second stage").state,
        history=tuple(Transition(n, 1.0, "X", "m" * 5000, 1, "r", "s", 1) for n in range(HISTORY + 5)),
        runs=tuple(StageRun(f"s{n}", 1, 1.0) for n in range(RUNS + 5)),
    )
    found = from_status(Status.read({"status": _status(state).render()}))
    assert found is not None
    assert [entry.serial for entry in found.history] == list(range(5, HISTORY + 5))
    assert len(found.history[0].message) == 1024
    assert found.runs[-1].name == f"s{RUNS + 4}"


@pytest.mark.parametrize(
    ("guardrail", "value", "limit"),
    [
        (ERRORS, 0.01, 0.05),
        (ERRORS, None, 0.05),
        (SCORE, 0.9, 0.6),
        (SCORE.model_copy(update={"max": 2.0}), 0.9, 2.0),
        (SCORE.model_copy(update={"max": 2.0}), 0.5, 0.6),
        (SCORE.model_copy(update={"max": 2.0}), None, 2.0),
    ],
)
def test_a_look_is_shown_with_the_limit_it_is_held_against(
    guardrail: object, value: float | None, limit: float
) -> None:
    assert isinstance(guardrail, type(ERRORS))
    look = Measurement(Verdict.PASS, at=5.0, reach=20.0, value=value, samples=7.0, message="fine")
    measurements = {
        guardrail.name: MeasurementHistory(guardrail).add(look),
        "gone": MeasurementHistory(SCORE).add(look),
    }
    unseen = ERRORS.model_copy(update={"name": "unseen"})
    idle = ERRORS.model_copy(update={"name": "idle"})
    spec = Edit(guardrails=(guardrail, unseen, idle), stages=STAGES["more"]).spec
    (shown,) = last_looks(spec, measurements | {"idle": MeasurementHistory(idle)})
    assert (shown.name, shown.finding, shown.value, shown.limit) == (guardrail.name, "Pass", value, limit)
    assert (shown.window, shown.samples, shown.at, shown.message) == (20.0, 7.0, 5.0, "fine")


def _shown(history: MeasurementHistory, *before: GuardrailStatus) -> Status:
    spec = Edit(guardrails=(ERRORS,), stages=STAGES["more"]).spec
    looks = last_looks(spec, {ERRORS.name: history}, before)
    return to_status(None, spec=spec, conditions=(), generation=1, guardrails=looks)


@pytest.mark.parametrize(("at", "newer"), [(4.0, "Breach"), (5.0, "Breach"), (6.0, "Pass"), (None, "Breach")])
def test_of_two_looks_at_a_guardrail_the_newer_is_shown(at: float | None, newer: str) -> None:
    own = MeasurementHistory(ERRORS).add(Measurement(Verdict.BREACH, at=5.0, reach=20.0, value=0.07))
    stands = GuardrailStatus(name=ERRORS.name, finding="Pass", at=at)
    (shown,) = _shown(own, stands, stands.model_copy(update={"name": "gone", "at": 9.0})).guardrails
    assert (shown.name, shown.finding) == (ERRORS.name, newer)


@pytest.mark.parametrize(("own", "other"), [(Verdict.BREACH, "Error"), (Verdict.ERROR, "Breach")])
@pytest.mark.parametrize(
    ("rolled_back", "apart", "breach_stays"), [(True, 5.0, True), (True, 500.0, False), (False, 5.0, False)]
)
def test_once_traffic_was_taken_back_a_look_a_moment_later_hides_no_breach(
    own: Verdict,
    other: str,
    rolled_back: bool,  # noqa: FBT001 - a table
    apart: float,
    breach_stays: bool,  # noqa: FBT001 - a table
) -> None:
    spec = Edit(guardrails=(ERRORS,), stages=STAGES["more"]).spec
    seen, later = (1000.0, 1000.0 + apart)
    mine, theirs = (seen, later) if own is Verdict.BREACH else (later, seen)
    history = MeasurementHistory(ERRORS).add(Measurement(own, at=mine, reach=20.0))
    stands = GuardrailStatus(name=ERRORS.name, finding=other, at=theirs)
    (shown,) = last_looks(spec, {ERRORS.name: history}, (stands,), rolled_back=rolled_back)
    assert shown.finding == ("Breach" if breach_stays else "Error")


@pytest.mark.parametrize("checkpoint", ["", "{}"])
@pytest.mark.parametrize("at", [4.0, None])
def test_what_was_seen_is_shown_until_this_process_looks(checkpoint: str, at: float | None) -> None:
    stands = GuardrailStatus(name=ERRORS.name, finding="Breach", at=at, value=0.07, checkpoint="{}")
    (shown,) = _shown(MeasurementHistory(ERRORS, checkpoint=checkpoint), stands).guardrails
    assert (shown.finding, shown.value) == ("Breach", 0.07)
    assert shown.checkpoint == "{}"


def test_the_last_looks_are_shown_on_one_line_and_begin_anew_with_another_process() -> None:
    history = MeasurementHistory(ERRORS)
    for verdict, value in ((Verdict.PASS, 0.012), (Verdict.NO_DATA, None), (Verdict.BREACH, 0.071)):
        history = history.add(Measurement(verdict, at=5.0, reach=20.0, value=value))
    assert _shown(history).guardrails[0].recent == "0.012 - 0.071!"
    assert MeasurementHistory(ERRORS, checkpoint="{}").recent == ""


EVIDENCE = Evidence(Counted(1000, 61), Counted(9000), 0.061, 0.04, 0.09, 250.0, 0.01, Proof.SAFE)


def test_what_a_test_stands_on_is_shown_and_what_it_remembers_comes_back() -> None:
    history = MeasurementHistory(ERRORS).add(
        Measurement(Verdict.PASS, at=5.0, reach=20.0, evidence=EVIDENCE, checkpoint="{}")
    )
    (found,) = Status.read({"status": _shown(history).render()}).guardrails
    assert found.checkpoint == "{}"
    assert found.evidence is not None
    assert found.evidence.model_dump(exclude_none=True) == {
        "treatment": {"events": 1000.0, "bad": 61.0},
        "control": {"events": 9000.0},
        "estimate": 0.061,
        "low": 0.04,
        "high": 0.09,
        "e_value": 250.0,
        "false_alarm": 0.01,
        "proven": "Safe",
    }


def test_a_limit_that_the_evidence_tells_is_shown_instead_and_how_much_a_request_is_worth() -> None:
    evidence = replace(EVIDENCE, limit=0.1, design_effect=2.5)
    history = MeasurementHistory(ERRORS).add(Measurement(Verdict.PASS, at=5.0, reach=20.0, evidence=evidence))
    (found,) = Status.read({"status": _shown(history).render()}).guardrails
    assert found.limit == 0.1
    assert found.evidence is not None
    assert found.evidence.design_effect == 2.5


def test_what_an_operator_before_remembers_outlives_a_write_before_the_first_look() -> None:
    (found,) = _shown(MeasurementHistory(ERRORS, checkpoint="{}")).guardrails
    assert (found.finding, found.checkpoint) == ("Inconclusive", "{}")
    assert _shown(MeasurementHistory(ERRORS)).guardrails == ()


def test_a_look_that_counted_nothing_forgets_nothing() -> None:
    history = MeasurementHistory(ERRORS, checkpoint="{}").add(Measurement(Verdict.ERROR, at=5.0, reach=0.0))
    assert history.checkpoint == "{}"


def test_what_is_remembered_alone_is_worth_a_write_now_and_then_and_not_at_every_look() -> None:
    def status(checkpoint: str, e_value: float) -> Status:
        evidence = replace(EVIDENCE, e_value=e_value)
        look = Measurement(Verdict.PASS, at=5.0, reach=20.0, evidence=evidence, checkpoint=checkpoint)
        return _shown(MeasurementHistory(ERRORS).add(look))

    assert due_in(status("1", 1.0), status("2", 2.0), unsaved=False, news=True, written_ago=COUNTED - 1) == 1
    assert due_in(status("1", 1.0), status("2", 2.0), unsaved=False, news=True, written_ago=COUNTED) == 0
    assert due_in(status("1", 1.0), status("1", 1.0), unsaved=False, news=True, written_ago=1e9) == inf


def test_a_checkpoint_that_is_too_long_is_none_rather_than_a_part() -> None:
    history = MeasurementHistory(ERRORS, checkpoint="x" * (MAX_CHECKPOINT + 1))
    assert Status.read({"status": _shown(history).render()}).guardrails[0].checkpoint == ""


def test_where_its_number_was_not_understood_the_history_tells_what_was_told_last() -> None:
    state = next(world_at(name).state for name in SITUATIONS if world_at(name).state.history)
    loaded = from_status(_status(state).model_copy(update={"serial": None}))
    assert loaded is not None
    assert loaded.serial == state.history[-1].serial > 0
