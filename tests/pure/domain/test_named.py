"""Revisions that a source names: which of them begins, which waits, and what is told."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from mlrollout.api.approval import Approval
from mlrollout.api.revision_from import RevisionFrom
from mlrollout.api.spec import Spec
from mlrollout.api.status import Status
from mlrollout.domain.conditions import facts
from mlrollout.domain.decide import decide
from mlrollout.domain.decision import Decision, Observation
from mlrollout.domain.merge import merge
from mlrollout.domain.persist import from_status, to_status
from mlrollout.domain.reason import Reason
from mlrollout.domain.request import Request
from mlrollout.domain.state import NamedRevision, Phase, State
from mlrollout.domain.traffic import Traffic

from tests.pure.domain.specs import Edit

NOW = 1_000_000.0
MLFLOW = {"address": "http://mlflow:5000", "model": "dispatch", "onCompletion": "champion"}
WHERE = "models:/dispatch@candidate of http://mlflow:5000"
SEVEN = NamedRevision("7", "ann", NOW - 3600)


@dataclass
class Source:
    """One object with a source of revisions, and what stands in Redis."""

    approval: Approval = Approval.AUTOMATIC
    state: State | None = None
    traffic: Traffic = field(default_factory=lambda: Traffic(None, None))
    decision: Decision = field(default_factory=lambda: Decision(None))
    now: float = NOW

    @property
    def spec(self) -> Spec:
        source = RevisionFrom(mlflow=MLFLOW, approval=self.approval)
        return Edit().spec.model_copy(update={"revision": None, "revision_from": source})

    def sees(self, named: NamedRevision | None, *, verbs: Sequence[tuple[str, str]] = (), **more: Any) -> Decision:
        """Decide once, and have all of it happen: it is saved, read again, and Redis holds it."""
        asked = {verb: Request(why, f"id of {why}") for verb, why in verbs}
        more = {"asked": self.now} | more
        observation = Observation("uid", "dispatch/a", self.traffic, named=named, verbs=asked, **more)
        self.now += 1
        self.decision = decision = decide(self.spec, self.state, observation, self.now)
        if decision.state is not None:
            saved = to_status(decision.state, spec=self.spec, conditions=(), generation=1)
            self.state = from_status(Status.model_validate(saved.render()))
            assert self.state is not None
            self.traffic = Traffic(str(self.state.record.percentage), self.state.record)
        return decision

    def begun(self, named: NamedRevision = SEVEN) -> "Source":
        self.sees(named)
        self.sees(named)
        return self

    def complete(self) -> "Source":
        assert self.state is not None
        record = replace(self.state.record, sequence=3, percentage=100, stage="full")
        self.state = replace(self.state, record=record, confirmed=True, applied=100, completed=True)
        self.traffic = Traffic("100", record)
        return self

    @property
    def told(self) -> list[tuple[str, str]]:
        return [] if self.state is None else [(one.reason, one.message) for one in self.state.history]

    @property
    def reasons(self) -> list[str]:
        return [reason for reason, _ in self.told]

    @property
    def alerts(self) -> list[tuple[Reason, str]]:
        return [(alert.reason, alert.message) for alert in self.decision.alerts]

    @property
    def revision(self) -> str:
        return "" if self.state is None else self.state.record.revision

    @property
    def attempt(self) -> int:
        return 0 if self.state is None else self.state.record.ordinal


def test_nothing_begins_before_the_source_names_something() -> None:
    source = Source()
    decision = source.sees(None)
    assert (decision.state, decision.write, decision.alerts) == (None, None, ())
    ready, *_ = facts(source.spec, Observation("uid", "dispatch/a", Traffic(None, None)), decision, NOW)
    assert ready.reason == Reason.REVISION_UNKNOWN
    assert ready.message == f"{WHERE} has not said yet which revision shall be rolled out"


def test_people_are_told_why_nothing_begins() -> None:
    source = Source()
    decision = source.sees(None, unnamed="nobody answers")
    assert source.alerts == [(Reason.REVISION_UNKNOWN, "nobody answers")]
    observation = Observation("uid", "dispatch/a", Traffic(None, None), unnamed="nobody answers")
    found = {one.type: one for one in facts(source.spec, observation, decision, NOW)}
    assert (found["Ready"].reason, found["Ready"].message) == (Reason.REVISION_UNKNOWN, "nobody answers")
    assert (found["TrafficApplied"].reason, found["TrafficApplied"].status) == (Reason.REVISION_UNKNOWN, "False")


def test_the_first_attempt_says_who_brought_its_revision_and_when() -> None:
    source = Source().begun()
    assert source.revision == "7"
    assert source.told[0] == (
        Reason.REVISION_FOUND,
        f"{WHERE} names revision 7 (by ann, 1970-01-12T12:46:40Z)",
    )
    assert source.reasons[1] == Reason.ATTEMPT_STARTED


def test_what_a_source_does_not_tell_is_not_made_up() -> None:
    source = Source().begun(NamedRevision("7"))
    assert source.told[0][1].endswith("names revision 7")


@pytest.mark.parametrize("phase", [Phase.BEFORE_FIRST_STAGE, Phase.COMPLETED])
def test_another_revision_is_another_attempt_from_zero(phase: Phase) -> None:
    source = Source().begun()
    source = source.complete() if phase is Phase.COMPLETED else source
    before = source.attempt
    for _ in range(3):
        source.sees(NamedRevision("8"))
    assert (source.revision, source.attempt, source.traffic.in_force) == ("8", before + 1, 0)
    assert source.reasons.count(Reason.REVISION_FOUND) == 2
    assert (Reason.STAGE_CHANGED in source.reasons) is (phase is Phase.COMPLETED)


@pytest.mark.parametrize("unnamed", ["", "nobody answers"])
def test_while_nothing_is_named_nothing_changes(unnamed: str) -> None:
    source = Source().begun().complete()
    before = source.state
    source.sees(None, unnamed=unnamed)
    assert before is not None
    assert source.state == replace(before, healthy_until=None)
    assert source.alerts == ([(Reason.REVISION_UNKNOWN, unnamed)] if unnamed else [])


def test_what_was_rolled_back_is_not_tried_again_while_it_is_named() -> None:
    source = Source().begun()
    source.sees(SEVEN, verbs=[("rollback", "bad")])
    before = source.attempt
    for _ in range(3):
        source.sees(SEVEN)
    assert source.state is not None
    assert (source.state.phase, source.attempt) == (Phase.ROLLED_BACK, before)


def test_an_alias_that_goes_back_is_a_new_attempt_of_the_old_version() -> None:
    source = Source().begun()
    source.sees(SEVEN, verbs=[("rollback", "bad")])
    for named in ("8", "8", "7", "7"):
        source.sees(NamedRevision(named))
    assert source.state is not None
    assert (source.revision, source.attempt, source.state.phase) == ("7", 3, Phase.BEFORE_FIRST_STAGE)


def test_a_retry_of_the_same_revision_found_nothing() -> None:
    source = Source().begun()
    source.sees(SEVEN, verbs=[("rollback", "bad")])
    source.sees(SEVEN, verbs=[("retry", "again")])
    assert (source.attempt, source.reasons.count(Reason.REVISION_FOUND)) == (2, 1)


def test_the_first_attempt_waits_for_nobody() -> None:
    assert Source(Approval.MANUAL).begun().revision == "7"


def test_one_that_waits_leaves_the_one_before_where_it_is() -> None:
    source = Source(Approval.MANUAL).begun().complete()
    source.sees(NamedRevision("8", "bob"))
    assert source.state is not None
    assert (source.revision, source.state.phase) == ("7", Phase.COMPLETED)
    assert source.state.waiting == NamedRevision("8", "bob")
    assert source.alerts == [
        (
            Reason.AWAITING_APPROVAL,
            'revision 8 (by bob) waits for a person: annotate mlrollout.dev/approve="8 why"',
        )
    ]


def test_the_condition_says_what_waits_beside_how_it_is() -> None:
    source = Source(Approval.MANUAL).begun().complete()
    decision = source.sees(NamedRevision("8"))
    ready, *_ = facts(source.spec, Observation("uid", "dispatch/a", source.traffic), decision, NOW)
    assert ready.reason == Reason.COMPLETED
    assert ready.message.startswith("complete at 100 %; ")
    assert ready.message.endswith('; revision 8 waits for a person: annotate mlrollout.dev/approve="8 why"')


def test_what_was_named_before_the_attempt_began_ends_no_attempt() -> None:
    """Two believe that they lead, and one of them has begun what the source names now."""
    source = Source().begun()
    before = source.now
    for _ in range(3):
        source.sees(NamedRevision("8"))
    for named, asked, revision in ((SEVEN, before, "8"), (SEVEN, source.now + 3, "7")):
        for _ in range(3):
            source.sees(named, asked=asked)
        assert source.revision == revision


def test_what_was_named_before_a_person_spoke_takes_no_word_back() -> None:
    """Another that believes to lead has asked the source earlier, and heard of the word since."""
    source = Source(Approval.MANUAL).begun().complete()
    before = source.now
    source.sees(NamedRevision("8"))
    source.sees(NamedRevision("8"), verbs=[("approve", "8 looks well")])
    source.sees(SEVEN, asked=before)
    assert source.state is not None
    assert source.state.cleared == "8"
    for _ in range(3):
        source.sees(NamedRevision("8"), asked=source.now + 9)
    assert source.revision == "8"


@pytest.mark.parametrize("word", ["8 looks well", "8"])
def test_a_person_lets_it_begin(word: str) -> None:
    source = Source(Approval.MANUAL).begun().complete()
    source.sees(NamedRevision("8"))
    source.sees(NamedRevision("8"), verbs=[("approve", word)])
    assert source.told[-1] == (Reason.APPROVED, f"revision 8 may begin: {word}")
    for named, asked in ((None, 0.0), (NamedRevision("8"), NOW), (None, source.now + 9)):
        source.sees(named, asked=asked)  # it is obeyed once the source has said so again
        assert source.revision == "7"
    for _ in range(3):
        source.sees(NamedRevision("8"), asked=source.now + 9)
    assert source.state is not None
    assert (source.revision, source.state.waiting, source.state.cleared) == ("8", None, "")


def test_what_the_source_has_withdrawn_does_not_begin_by_a_late_word() -> None:
    source = Source(Approval.MANUAL).begun().complete()
    source.sees(NamedRevision("8"))
    source.sees(NamedRevision("8"), verbs=[("approve", "8 looks well")])
    for _ in range(3):
        source.sees(SEVEN, asked=source.now + 9)
    assert source.state is not None
    assert (source.revision, source.state.phase, source.state.cleared) == ("7", Phase.COMPLETED, "")
    assert source.state.cleared_at == 0


@pytest.mark.parametrize("approval", Approval)
def test_a_registry_takes_nothing_from_users_while_the_rollout_is_paused(approval: Approval) -> None:
    source = Source(approval).begun().complete()
    source.sees(SEVEN, verbs=[("pause", "holiday")])
    source.sees(NamedRevision("8", "bob; all is well"))
    assert source.state is not None
    assert (source.revision, source.state.record.percentage) == ("7", 100)
    assert [message for reason, message in source.alerts if reason is Reason.AWAITING_APPROVAL] == [
        'revision 8 (by "bob; all is well") waits while the rollout is paused'
    ]
    source.sees(NamedRevision("8"), verbs=[("approve", "8 ok")])
    source.sees(NamedRevision("8"), verbs=[("resume", "back")])
    for _ in range(3):
        source.sees(NamedRevision("8"), asked=source.now + 9)
    assert source.revision == "8"


@pytest.mark.parametrize("word", ["looks well", "", "80 looks well", "7 looks well"])
def test_another_word_does_not_let_it_begin(word: str) -> None:
    source = Source(Approval.MANUAL).begun().complete()
    source.sees(NamedRevision("8"))
    source.sees(NamedRevision("8"), verbs=[("approve", word)])
    reason, message = source.told[-1]
    assert (reason, source.revision) == (Reason.VERB_REFUSED, "7")
    assert message.endswith('revision 8 waits, and has to be named: "8 why"')


def test_a_word_for_a_stage_is_not_one_for_the_revision_that_waits() -> None:
    source = Source(Approval.MANUAL).begun()
    assert source.state is not None
    record = replace(source.state.record, sequence=2, percentage=30, stage="half")
    source.state, source.traffic = replace(source.state, record=record, applied=30), Traffic("30", record)
    source.sees(NamedRevision("8"))
    for word in ("go on", "8 people have looked", "revision 9 go on", "stage half go on"):
        source.sees(NamedRevision("8"), verbs=[("approve", word)])
        reason, message = source.told[-1]
        assert reason == Reason.VERB_REFUSED
        assert message.endswith('stage full and revision 8 wait: begin with "stage full" or "revision 8"')
    source.sees(NamedRevision("8"), verbs=[("approve", "stage full go on")])
    assert source.told[-1] == (Reason.APPROVED, "stage full may be entered: stage full go on")
    assert source.state.waiting is not None
    source.sees(NamedRevision("8"), verbs=[("approve", "revision 8 go on")])
    assert source.told[-1] == (Reason.APPROVED, "revision 8 may begin: revision 8 go on")


def test_what_is_named_in_between_needs_a_word_of_its_own() -> None:
    source = Source(Approval.MANUAL).begun().complete()
    source.sees(NamedRevision("8"))
    source.sees(NamedRevision("9"), verbs=[("approve", "8 looks well")])
    assert source.state is not None
    assert source.state.waiting == NamedRevision("9")
    assert source.told[-1][0] == Reason.VERB_REFUSED
    source.sees(SEVEN)
    assert source.state.waiting is None
    assert source.revision == "7"


def test_without_a_source_nothing_waits() -> None:
    source = Source(Approval.MANUAL).begun().complete()
    source.sees(NamedRevision("8"))
    own = source.spec.model_copy(update={"revision": "7", "revision_from": None})
    decision = decide(own, source.state, Observation("uid", "dispatch/a", source.traffic), source.now)
    assert decision.state is not None
    assert decision.state.waiting is None
    assert (
        decide(own, decision.state, Observation("uid", "dispatch/a", source.traffic), source.now).state
        == decision.state
    )


def test_a_completion_that_its_source_knows_of_is_told_once() -> None:
    source = Source().begun().complete()
    assert source.state is not None
    attempt = source.state.record.attempt
    for announced in (0, attempt - 1, attempt, attempt):
        source.sees(SEVEN, announced=announced)
    assert source.reasons.count(Reason.ALIAS_SET) == 1
    assert source.told[-1] == (Reason.ALIAS_SET, "champion is revision 7 now")
    assert source.state is not None
    assert source.state.announced


def test_a_completion_that_can_t_be_announced_is_told() -> None:
    source = Source().begun().complete()
    source.sees(SEVEN, unannounced="champion can't be set.")
    assert source.alerts == [(Reason.ALIAS_NOT_SET, "champion can't be set.")]
    observation = Observation("uid", "dispatch/a", source.traffic, unannounced="champion can't be set.")
    ready, *_ = facts(source.spec, observation, source.decision, NOW)
    assert ready.message.endswith("; champion can't be set")
    assert source.state is not None
    source.sees(SEVEN, unannounced="champion can't be set.", announced=source.state.record.attempt)
    assert source.alerts == []


def test_what_is_not_complete_is_not_announced() -> None:
    source = Source().begun()
    assert source.state is not None
    source.sees(SEVEN, announced=source.state.record.attempt)
    assert Reason.ALIAS_SET not in source.reasons


def test_what_waits_by_the_status_waits_under_a_way_down_that_is_not_saved() -> None:
    source = Source(Approval.MANUAL).begun().complete()
    before = source.state
    source.sees(NamedRevision("8"))
    assert before is not None
    down = replace(before, record=replace(before.record, sequence=9, percentage=0, latched=True))
    merged = merge(down, source.state)
    assert merged is not None
    assert merged.waiting == NamedRevision("8")
