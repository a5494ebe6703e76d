"""A status is written when it is worth it."""

from dataclasses import replace

import pytest
from mlrollout.api.status import Progress, Status
from mlrollout.domain.persist import to_status
from mlrollout.domain.saving import REWORDED, is_due
from mlrollout.domain.state import State

from tests.pure.domain.situations import world_at
from tests.pure.domain.world import World


def _status(state: State | None) -> Status:
    return to_status(state, spec=None, measurements={}, conditions=(), generation=3)


def _is_due(saved: Status, status: Status, written_ago: float = 0.0) -> bool:
    return is_due(saved, status, written_ago)


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
