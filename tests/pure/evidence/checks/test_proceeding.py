"""A check says what to ask next, and is done as soon as the answers allow it."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from mlrollout.api.duration import parse, render
from mlrollout.api.guardrail import HoldsBack, MinSamples
from mlrollout.api.kinds import KINDS
from mlrollout.api.spec import Requirement
from mlrollout.api.threshold import ThresholdGuardrail
from mlrollout.evidence.answer import Answer, Sample
from mlrollout.evidence.checks.check import Answers, Check, Failure, Occasion, Unmeasurable
from mlrollout.evidence.checks.kinds import check_of, kind_of
from mlrollout.evidence.checks.threshold import HISTORY, PRESENCE, VALUE, ThresholdCheck
from mlrollout.evidence.measurement import Held, Measurement, Verdict
from mlrollout.evidence.presence import COUNT

NOW = 1_700_000_000.0
OCCASION = Occasion(at=NOW, stood=3600.0)
GUARDRAIL = ThresholdGuardrail(name="error-rate", query="sum(rate(x[$window]))", max=0.05)
COUNTING = GUARDRAIL.model_copy(update={"min_samples": MinSamples(count=100, query="sum(increase(x[$window]))")})

HASTY = GUARDRAIL.model_copy(
    update={"min_samples": MinSamples(count=100, query="sum(increase(x[$window]))", holds_back=HoldsBack.PASS)}
)

GOOD = Answer((Sample(0.01),), evaluated=NOW)
BAD = Answer((Sample(0.07),), evaluated=NOW)
FEW = Answer((Sample(99.0),), evaluated=NOW)
ENOUGH = Answer((Sample(1240.0),), evaluated=NOW)
ALIVE = Answer((Sample(NOW - 5, {"selector": "0"}),), evaluated=NOW)
NOTHING = Answer((), evaluated=NOW)


@dataclass
class Round:
    """One measurement that is under way."""

    check: Check[Any]
    answers: dict[str, Answer | Failure] = field(default_factory=dict)

    def after(self, **answers: Answer | Failure) -> Measurement | set[str]:
        """What the check says once this has been answered too: the measurement, or the names of what it asks."""
        self.answers |= {{"value": VALUE, "count": COUNT}.get(name, name): answer for name, answer in answers.items()}
        found = self.check.proceed(OCCASION, self.answers)
        return found if isinstance(found, Measurement) else set(found)

    def measurement(self, **answers: Answer | Failure) -> Measurement:
        found = self.after(**answers)
        assert isinstance(found, Measurement)
        return found


def test_the_value_and_its_count_are_asked_first_with_the_window_of_the_occasion() -> None:
    asked = check_of(COUNTING).proceed(OCCASION, {})
    assert not isinstance(asked, Measurement)
    assert {name: question.promql for name, question in asked.items()} == {
        VALUE: "sum(rate(x[5m]))",
        COUNT: "sum(increase(x[5m]))",
    }
    young = check_of(GUARDRAIL).proceed(Occasion(at=NOW, stood=0.0), {})
    assert not isinstance(young, Measurement)
    assert young[VALUE].promql == "sum(rate(x[1s]))"


def test_a_breach_waits_for_its_count_and_for_nothing_else() -> None:
    measuring = Round(ThresholdCheck(COUNTING))
    assert measuring.after(value=BAD) == {COUNT}
    assert measuring.measurement(count=ENOUGH).verdict is Verdict.BREACH
    assert measuring.measurement(count=FEW).held is Held.FEW


@pytest.mark.parametrize(
    ("failure", "refused"), [(Failure("hung"), False), (Failure("parse error", refused=True), True)]
)
def test_a_bad_value_whose_count_fails_is_an_error_that_is_held_back(failure: Failure, refused: bool) -> None:  # noqa: FBT001 - a table's column
    found = Round(ThresholdCheck(COUNTING)).measurement(value=BAD, count=failure, presence=ALIVE)
    assert (found.verdict, found.held, found.refused) == (Verdict.ERROR, Held.UNCOUNTED, refused)
    assert found.message == f"0.07 is above max 0.05 (window 5m), but its samples can't be counted: {failure.reason}"


def test_why_a_bad_value_is_not_counted_its_companions_say() -> None:
    measuring = Round(ThresholdCheck(COUNTING))
    assert measuring.after(value=BAD, count=NOTHING) == {PRESENCE}
    assert measuring.after(presence=ALIVE) == {HISTORY}
    assert measuring.measurement(history=NOTHING).held is Held.UNCOUNTED


def test_a_breach_that_needs_no_count_is_one_before_its_companions_have_answered() -> None:
    measuring = Round(ThresholdCheck(HASTY))
    assert measuring.measurement(value=BAD).message == "0.07 is above max 0.05 (window 5m)"
    assert measuring.measurement(count=ENOUGH).message == "0.07 is above max 0.05 (window 5m, 1240 samples)"
    assert measuring.measurement(count=Failure("hung")).verdict is Verdict.BREACH


def test_a_good_value_is_asked_what_it_stands_on() -> None:
    measuring = Round(ThresholdCheck(COUNTING))
    assert measuring.after(count=ENOUGH) == {VALUE, COUNT}
    assert measuring.after(value=GOOD) == {PRESENCE}
    assert measuring.measurement(presence=ALIVE).verdict is Verdict.PASS


def test_the_count_is_waited_for() -> None:
    assert Round(ThresholdCheck(COUNTING)).after(value=GOOD, presence=ALIVE) == {COUNT}


@pytest.mark.parametrize("answers", [{"presence": NOTHING}, {"value": NOTHING}, {"count": NOTHING}])
def test_what_was_is_asked_only_where_something_is_missing(answers: Answers) -> None:
    measuring = Round(ThresholdCheck(COUNTING))
    assert measuring.after(**{"value": GOOD, "count": ENOUGH, "presence": ALIVE, **answers}) == {HISTORY}
    assert measuring.measurement(history=NOTHING).verdict in (Verdict.NO_DATA, Verdict.INCONCLUSIVE)


def test_what_was_is_not_asked_where_nothing_would_come_of_it() -> None:
    gauge = ThresholdCheck(GUARDRAIL.model_copy(update={"query": "max(x)"}))
    assert Round(gauge).measurement(value=NOTHING, presence=ALIVE).verdict is Verdict.NO_DATA


def test_a_history_that_cannot_be_had_is_feared() -> None:
    found = Round(ThresholdCheck(GUARDRAIL)).measurement(value=GOOD, presence=NOTHING, history=Failure("hung"))
    assert found.verdict is Verdict.NO_DATA
    assert "`x` has gone silent" in found.message


def test_a_number_that_comes_from_no_series_is_asked_for_none() -> None:
    constant = ThresholdCheck(GUARDRAIL.model_copy(update={"query": "vector(0)"}))
    assert Round(constant).measurement(value=GOOD).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("failed", "message", "refused"),
    [
        ("value", "parse error", True),
        ("count", "parse error", True),
        ("presence", "how old its samples are can't be asked: parse error", False),
    ],
)
def test_only_a_query_of_the_users_is_theirs_to_correct(failed: str, message: str, refused: bool) -> None:  # noqa: FBT001 - a table's column
    answers: Answers = {"value": GOOD, "count": ENOUGH, "presence": ALIVE, failed: Failure("parse error", refused=True)}
    found = Round(ThresholdCheck(COUNTING)).measurement(**answers)
    assert (found.verdict, found.message, found.refused) == (Verdict.ERROR, message, refused)


@pytest.mark.parametrize(
    ("query", "count", "where"), [("x > 5", "y", "query"), ("x", 'y{a="b"} == 1', "minSamples.query")]
)
def test_what_can_be_no_evidence_is_never_asked_and_says_where_it_is_wrong(query: str, count: str, where: str) -> None:
    check = check_of(GUARDRAIL.model_copy(update={"query": query, "min_samples": MinSamples(count=1, query=count)}))
    assert isinstance(check, Unmeasurable)
    assert check.where == where
    assert Round(check).measurement() == Measurement(Verdict.ERROR, NOW, 0.0, message=check.reason)
    assert "answers only while" in check.reason


def test_a_kind_that_says_nothing_else_has_failed_where_the_deadline_has_passed() -> None:
    check = check_of(GUARDRAIL.model_copy(update={"query": "x > 5"}))
    assert check.unanswered(OCCASION, {}, "too slow") == check.failed(OCCASION, "too slow")


def test_every_kind_of_the_object_has_a_check() -> None:
    for kind in KINDS:
        assert issubclass(kind_of(kind.model_construct(name="g")), Check)


def test_a_kind_says_which_limit_is_shown_and_which_stricter_one_is_met() -> None:
    kind = kind_of(GUARDRAIL)
    assert kind.limit(GUARDRAIL, 0.01) == 0.05
    assert Unmeasurable.limit(GUARDRAIL, 0.01) is None
    requirement = Requirement(guardrail="error-rate", max=0.02)
    assert kind.meets(requirement, Measurement(Verdict.PASS, NOW, 0.0, value=0.01))
    assert not kind.meets(requirement, Measurement(Verdict.PASS, NOW, 0.0, value=0.03))


@pytest.mark.parametrize("began", [NOW - 4.44346, NOW - 4.4430001, NOW - 60.0])
def test_the_window_does_not_reach_before_a_stage_whose_begin_a_status_has_to_the_millisecond(began: float) -> None:
    window = Occasion(at=NOW, stood=NOW - round(began, 3)).window(300.0)
    assert began <= NOW - parse(render(window)) <= began + 0.002
