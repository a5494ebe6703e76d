"""The operator and the command line refuse what the API server refuses, in the same words where a rule stands twice."""

import json
import math
from typing import Any

import pytest
from mlrollout.api.crd import schema
from mlrollout.api.spec import Spec
from mlrollout.api.threshold import ThresholdGuardrail
from pydantic import ValidationError

from tests.support.objects import ACCEPTED, REFUSED
from tests.support.sample import MINIMAL, REQUIRED, STAGE, Sample
from tests.support.schemas import nodes

RULES = {rule["message"] for _, node in nodes(schema()) for rule in node.get("x-kubernetes-validations", ())}


def read(sample: Sample) -> Spec:
    """As strict as the API server: no number for a string, no `"yes"` for `true`."""
    return Spec.model_validate_json(json.dumps(sample.object.get("spec")), strict=True)


@pytest.mark.parametrize("sample", ACCEPTED, ids=str)
def test_what_the_server_accepts_can_be_read(sample: Sample) -> None:
    spec = read(sample)

    assert read_again(spec) == spec


def read_again(spec: Spec) -> Spec:
    return Spec.model_validate_json(spec.model_dump_json(by_alias=True, exclude_none=True), strict=True)


@pytest.mark.parametrize("sample", REFUSED, ids=str)
def test_what_the_server_refuses_is_refused_here(sample: Sample) -> None:
    with pytest.raises(ValidationError) as refusal:
        read(sample)

    twice = [message for message in RULES if message in sample.complaint or sample.complaint in message]
    assert all(message in str(refusal.value) for message in twice)
    named = [sample.complaint[sample.complaint.index(message) :] for message in twice if message in sample.complaint]
    assert all(message in str(refusal.value) for message in named), "another stage or guardrail is named here"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"stages": [STAGE | {"percentage": 30}, STAGE | {"name": "full"}]},
            "each percentage must be greater than the one before: pilot at 30 in 30, 10",
        ),
        (
            {"stages": [STAGE, STAGE | {"name": "full"}]},
            "each percentage must be greater than the one before: pilot at 10 in 10, 10",
        ),
        (
            {"guardrails": [{"name": "g", "query": "up", "min": 2, "max": 0.5}]},
            "min must not be greater than max: min 2 and max 0.5",
        ),
        (
            {"stages": [STAGE | {"require": [REQUIRED | {"max": 0.999}]}]},
            "min must not be greater than max: min 1 and max 0.999",
        ),
    ],
)
def test_the_numbers_that_are_refused_are_told(changes: dict[str, Any], told: str) -> None:
    """Which the API server can't put into words."""
    with pytest.raises(ValidationError) as refusal:
        Spec.model_validate(MINIMAL["spec"] | changes)

    assert told in str(refusal.value)


@pytest.mark.parametrize("sample", [sample for sample in REFUSED if "Duplicate" in sample.complaint], ids=str)
def test_a_duplicate_is_named_as_the_server_names_it(sample: Sample) -> None:
    _, _, complaint = sample.complaint.partition(": ")

    with pytest.raises(ValidationError, match="Duplicate value") as refusal:
        read(sample)

    assert complaint in str(refusal.value)


@pytest.mark.parametrize("limit", [math.nan, math.inf, -math.inf])
def test_a_limit_is_a_number(limit: float) -> None:
    with pytest.raises(ValidationError, match="finite number"):
        ThresholdGuardrail(name="errors", query="up", max=limit)


def test_a_guardrail_that_only_alerts_gates_nothing() -> None:
    gates = {
        action: ThresholdGuardrail(name="g", query="up", max=1, action=action).gates
        for action in ("Rollback", "Hold", "Alert")
    }

    assert gates == {"Rollback": True, "Hold": True, "Alert": False}


def test_fields_of_a_newer_version_are_ignored() -> None:
    newer = MINIMAL["spec"] | {"compare": {"with": "legacy"}}

    assert Spec.model_validate(newer) == Spec.model_validate(MINIMAL["spec"])
