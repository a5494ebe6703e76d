"""What a person reads with kubectl."""

import json
from typing import Any

import pytest
from mlrollout.api.kinds import KINDS
from mlrollout.api.status import Condition, Progress, RecordStatus, Status

from devstack.control_plane import ControlPlane
from tests.support.sample import MINIMAL

SEEN = Status(
    observed_generation=1,
    conditions=(
        Condition(
            type="Ready",
            status="False",
            reason="Progressing",
            message="pilot: 3m of 336h served",
            last_transition_time=1793698200.25,
            observed_generation=1,
        ),
    ),
    percentage=0,
    attempt=7,
    stage="pilot",
    served="3m/14d",
    next="expansion 30%",
    revision="ranker-1",
    record=RecordStatus(attempt=(1_793_698_200 << 16) + 7, latched=False, sequence=1, percentage=0),
    progress=Progress(since=1793698200.25, healthy_seconds=180.5),
)


@pytest.fixture
def shown(control_plane: ControlPlane) -> str:
    """Name of an object with a status."""
    unnamed = MINIMAL | {"metadata": {"generateName": "shown-"}}
    made = json.loads(control_plane.kubectl("create", "-f", "-", "-o", "json", input=json.dumps(unnamed)))
    name: str = made["metadata"]["name"]
    write(control_plane, name, SEEN.render())
    return name


def write(control_plane: ControlPlane, name: str, status: dict[str, Any]) -> None:
    patch = json.dumps({"status": status})
    control_plane.kubectl("patch", "mlr", name, "--subresource=status", "--type=merge", "-p", patch)


def rows(table: str) -> list[list[str]]:
    return [line.split() for line in table.splitlines()]


def test_get_shows_where_the_rollout_is(control_plane: ControlPlane, shown: str) -> None:
    head, row = rows(control_plane.kubectl("get", "mlr", shown))

    assert head == ["NAME", "REVISION", "STAGE", "PERCENTAGE", "STATUS", "SERVED", "NEXT", "AGE"]
    assert row[:8] == [shown, "ranker-1", "pilot", "0", "Progressing", "3m/14d", "expansion", "30%"]


def test_get_says_that_nobody_has_seen_an_object(control_plane: ControlPlane) -> None:
    unnamed = MINIMAL | {"metadata": {"generateName": "unseen-"}}
    made = json.loads(control_plane.kubectl("create", "-f", "-", "-o", "json", input=json.dumps(unnamed)))
    _, row = rows(control_plane.kubectl("get", "mlr", made["metadata"]["name"]))

    assert "AwaitingOperator" in row


def test_get_wide_shows_why(control_plane: ControlPlane, shown: str) -> None:
    head, row = rows(control_plane.kubectl("get", "mlr", shown, "-o", "wide"))

    assert head == [
        *("NAME", "REVISION", "STAGE", "PERCENTAGE", "STATUS", "SERVED", "NEXT", "READY", "ATTEMPT", "MESSAGE", "AGE")
    ]
    assert row[8:15] == ["False", "7", "pilot:", "3m", "of", "336h", "served"]


def test_a_status_comes_back_as_it_was_written(control_plane: ControlPlane, shown: str) -> None:
    assert Status.read(control_plane.get("mlr", shown)) == SEEN


def test_a_user_can_wait_for_a_condition(control_plane: ControlPlane, shown: str) -> None:
    assert "condition met" in control_plane.kubectl(
        "wait", "--for=condition=Ready=False", "--timeout=10s", f"mlr/{shown}"
    )


def test_explain_reads_well(control_plane: ControlPlane) -> None:
    page = " ".join(control_plane.kubectl("explain", "mlrollout.spec.guardrails").split())

    assert "What must stay healthy. At least one: nothing grows without evidence." in page
    assert (
        "action <string> enum: Rollback, Hold, Alert What a breach does. Rollback: traffic goes to zero. "
        "Hold: it does not grow. Alert: it is only announced. Left out: Rollback, but beside balance Hold."
    ) in page
    assert "interval <string> Time from one look to the next, 250ms to 1h. Default: 15s." in page
    required = "-required- " if len(KINDS) == 1 else ""  # each kind requires its own
    assert f"query <string> {required}PromQL with one number as its answer." in page
