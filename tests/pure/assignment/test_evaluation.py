"""An assignment in OpenFeature's words."""

from math import inf

import pytest
from mlrollout import Assignment, Group, Reason, State
from mlrollout.assignment.evaluation import REASONS, metadata
from mlrollout.domain.record import Record
from openfeature.flag_evaluation import Reason as OpenFeatureReason

RECORD = Record(2, latched=False, sequence=3, percentage=30, revision="ranker-2026-11-03", stage="expansion")
WITH_AN_ERROR_CODE = {Reason.NOT_READY, Reason.NO_USER}


@pytest.mark.parametrize("reason", sorted(set(Reason) - WITH_AN_ERROR_CODE))
def test_every_reason_that_comes_with_a_group_is_one_of_openfeatures(reason: Reason) -> None:
    assert REASONS[reason] in set(OpenFeatureReason)


@pytest.mark.parametrize("reason", sorted(WITH_AN_ERROR_CODE))
def test_a_reason_that_has_an_error_code_is_none_of_openfeatures(reason: Reason) -> None:
    assert reason not in REASONS


def test_metadata_is_flat_and_says_where_the_rollout_stands() -> None:
    told = metadata(Assignment(Group.TREATMENT, Reason.STAFF, State(30, Reason.SPLIT, RECORD, 1.5)))

    assert told == {
        "percentage": 30,
        "rollout_reason": "Staff",
        "attempt": 2,
        "sequence": 3,
        "stage": "expansion",
        "revision": "ranker-2026-11-03",
        "age_seconds": 1.5,
    }
    assert {type(value) for value in told.values()} <= {bool, int, float, str}


def test_metadata_leaves_out_what_is_not_known() -> None:
    told = metadata(Assignment(Group.TREATMENT, Reason.FORCED, State(100, Reason.FORCED, None, inf)))

    assert told == {"percentage": 100, "rollout_reason": "Forced"}
