"""What each condition makes of the health."""

from typing import Any

import pytest
from mlrollout.api.status import Condition, ConditionStatus, Status
from mlrollout.domain.conditions import READY, RECONCILING, Fact, stalled, stamp
from mlrollout.domain.reason import Reason

from tests.pure.argocd.lua import SCRIPTS, run


def health(status: dict[str, Any] | None, generation: int = 2) -> dict[str, str]:
    whole = {"metadata": {"generation": generation}} | ({"status": status} if status is not None else {})
    found: dict[str, str] = run(SCRIPTS / "health.lua", whole)
    return found


def of(*facts: Fact) -> dict[str, Any]:
    conditions: tuple[Condition, ...] = stamp(facts, (), generation=2, now=0.0)
    return Status(observed_generation=2, conditions=conditions).render()


def ready(reason: Reason, status: ConditionStatus = ConditionStatus.FALSE) -> Fact:
    return Fact(READY, status, reason, "what people read")


COMPLETED = of(ready(Reason.COMPLETED, ConditionStatus.TRUE))


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (of(ready(Reason.PROGRESSING), Fact(RECONCILING, ConditionStatus.TRUE, Reason.PROGRESSING, "")), "Progressing"),
        (of(ready(Reason.GUARDRAILS_UNKNOWN)), "Progressing"),
        (of(ready(Reason.TRAFFIC_UNCONFIRMED)), "Progressing"),
        (of(ready(Reason.PAUSED)), "Suspended"),
        (of(ready(Reason.AWAITING_APPROVAL)), "Suspended"),
        (COMPLETED, "Healthy"),
        (of(*stalled(Reason.GUARDRAIL_BREACHED, "what people read")), "Degraded"),
        (of(*stalled(Reason.KEY_CONFLICT, "what people read")), "Degraded"),
    ],
    ids=["moving", "unknown", "unconfirmed", "paused", "approval", "completed", "breached", "conflict"],
)
def test_health_says_what_the_conditions_say(status: dict[str, Any], expected: str) -> None:
    assert health(status) == {"status": expected, "message": "what people read"}


@pytest.mark.parametrize(
    "status",
    [
        None,
        {},
        {"observedGeneration": -1},
        of(ready(Reason.COMPLETED, ConditionStatus.TRUE)) | {"observedGeneration": 1},
    ],
    ids=["no status", "empty", "fresh", "an older generation"],
)
def test_what_the_operator_has_not_seen_is_progressing(status: dict[str, Any] | None) -> None:
    assert health(status) == {
        "status": "Progressing",
        "message": "Waiting for the operator to see this generation",
    }


def test_an_operator_that_says_nothing_yet_is_progressing() -> None:
    assert health({"observedGeneration": 2})["status"] == "Progressing"


def test_a_stall_that_is_over_no_longer_counts() -> None:
    over = Fact("Stalled", ConditionStatus.FALSE, Reason.PROGRESSING, "")

    assert health(of(over, ready(Reason.COMPLETED, ConditionStatus.TRUE)))["status"] == "Healthy"
