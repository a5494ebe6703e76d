"""A status is written when it is worth it."""

from dataclasses import replace
from math import inf

import pytest
from mlrollout.api.status import OngoingStatus, Progress, Status
from mlrollout.domain.conditions import CONTESTED
from mlrollout.domain.persist import to_status
from mlrollout.domain.saving import COUNTED, REWORDED, due_in, findings
from mlrollout.domain.state import State
from mlrollout.evidence.measurement import Measurement, MeasurementHistory, Verdict

from tests.pure.domain.situations import world_at
from tests.pure.domain.specs import ERRORS
from tests.pure.domain.world import World


def _status(state: State | None) -> Status:
    return to_status(state, spec=None, conditions=(), generation=3)


def _is_due(saved: Status, status: Status, written_ago: float = 0.0) -> bool:
    return due_in(saved, status, unsaved=False, news=True, written_ago=written_ago) == 0


def _healthy(seconds: float) -> Status:
    return _status(replace(world_at("second stage").state, healthy=seconds))


@pytest.mark.parametrize(
    ("saved", "now", "written"),
    [
        (0.0, 0.5, False),
        (0.0, 1.0, True),
        (10.0, 10.5, False),
        (10.0, 11.0, True),
        (990.0, 1030.0, False),
        (990.0, 1050.0, True),
        (1e5, 1e5 + 59, False),
        (1e5, 1e5 + 60, True),
    ],
)
def test_healthy_time_is_saved_now_and_then(saved: float, now: float, written: bool) -> None:  # noqa: FBT001 - a table
    assert _is_due(_healthy(saved), _healthy(now)) is written


def test_a_transition_a_verb_a_finding_or_a_condition_is_saved_at_once_and_a_value_alone_is_not() -> None:
    def status(world: World) -> Status:
        return Status.read({"status": world.saved.status})

    saved = status(world_at("second stage"))
    assert not _is_due(saved, status(world_at("second stage")))
    assert not _is_due(
        saved,
        saved.model_copy(
            update={
                "guardrails": tuple(
                    look.model_copy(update={"value": 0.5, "message": "else", "recent": "0.5"})
                    for look in saved.guardrails
                )
            }
        ),
    )
    assert _is_due(saved, saved.model_copy(update={"observed_generation": 9}))
    assert _is_due(saved, saved.model_copy(update={"conditions": saved.conditions[1:]}))
    assert _is_due(saved, saved.model_copy(update={"guardrails": saved.guardrails[1:]}))
    assert _is_due(saved, saved.model_copy(update={"verbs": ({"verb": "pause", "value": "x"},)}))
    assert _is_due(saved, saved.model_copy(update={"serial": 99}))
    assert _is_due(_status(None), saved)
    assert _is_due(saved, _status(None))
    assert not _is_due(_status(None), _status(None))
    assert saved.progress is not None
    assert _is_due(
        saved, saved.model_copy(update={"progress": Progress(**{**saved.progress.model_dump(), "approved": "full"})})
    )


@pytest.mark.parametrize("part", ["guardrails", "conditions"])
def test_another_wording_is_saved_now_and_then_and_other_numbers_in_it_are_not(part: str) -> None:
    def worded(message: str) -> Status:
        read = Status.read({"status": world_at("second stage").saved.status})
        (first, *rest) = getattr(read, part)
        return read.model_copy(update={part: (first.model_copy(update={"message": message}), *rest)})

    saved, reworded = worded("12 samples of 50"), worded("Prometheus did not answer")
    assert not _is_due(saved, reworded, REWORDED - 0.1)
    assert _is_due(saved, reworded, REWORDED)
    assert not _is_due(saved, worded("49 samples of 50"), REWORDED)


def _seen() -> Status:
    return Status.read({"status": world_at("second stage").saved.status})


@pytest.mark.parametrize("part", ["guardrails", "conditions"])
def test_what_is_no_news_to_who_writes_is_put_back_now_and_then_alone(part: str) -> None:
    saved = _seen()
    other = saved.model_copy(update={part: getattr(saved, part)[1:]})
    assert due_in(saved, other, unsaved=False, news=True, written_ago=0.0) == 0
    assert due_in(saved, other, unsaved=False, news=False, written_ago=4.0) == REWORDED - 4.0
    assert due_in(saved, other, unsaved=False, news=False, written_ago=REWORDED + 1) == 0


def test_where_the_rollout_stands_is_saved_at_once_news_or_not() -> None:
    saved = _seen()
    assert due_in(saved, saved.model_copy(update={"serial": 99}), unsaved=False, news=False, written_ago=0.0) == 0


def test_news_that_says_nothing_else_is_worth_no_write() -> None:
    assert due_in(_seen(), _seen(), unsaved=False, news=True, written_ago=1e9) == inf


def test_of_what_may_wait_it_is_known_how_long() -> None:
    saved = _seen()
    looks = tuple(look.model_copy(update={"checkpoint": "{}"}) for look in saved.guardrails)
    counted = saved.model_copy(update={"guardrails": looks})
    assert due_in(saved, counted, unsaved=False, news=True, written_ago=100.0) == COUNTED - 100.0


def test_found_is_the_last_verdict_and_what_follows_whatever_the_words_and_whoever_else_writes() -> None:
    saved = _seen()
    (first, *rest) = saved.conditions
    never = MeasurementHistory(ERRORS)
    bad, good = (never.add(Measurement(one, at=5.0, reach=1.0)) for one in (Verdict.BREACH, Verdict.PASS))
    found = findings(saved.conditions, {"errors": good})
    assert found == findings(saved.conditions, {"errors": good.add(Measurement(Verdict.PASS, at=9.0, reach=1.0))})
    assert found == findings([first.model_copy(update={"message": "else"}), *rest], {"errors": good})
    assert found == findings([*saved.conditions, first.model_copy(update={"type": CONTESTED})], {"errors": good})
    others = [findings(saved.conditions, {"errors": one}) for one in (never, bad)]
    assert found not in (*others, findings(rest, {"errors": good}))


def test_who_was_told_is_saved_at_once_and_put_back_seldom() -> None:
    assert due_in(_seen(), _seen(), unsaved=True, news=True, written_ago=0.0) == 0
    assert due_in(_seen(), _seen(), unsaved=True, news=False, written_ago=100.0) == COUNTED - 100.0


def test_what_goes_on_is_saved_at_once_and_put_back_seldom() -> None:
    going = OngoingStatus(number=1, reason="GuardrailAlert", subject="a", message="b", since=1.0, attempt=1, after=1)
    more = _seen().model_copy(update={"ongoing": (going,)})
    assert due_in(_seen(), more, unsaved=False, news=True, written_ago=0.0) == 0
    for saved, status in ((_seen(), more), (more, _seen())):
        assert due_in(saved, status, unsaved=False, news=False, written_ago=100.0) == COUNTED - 100.0
