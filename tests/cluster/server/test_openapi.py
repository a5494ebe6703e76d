"""The acts do what the OpenAPI document says, on a real object."""

import pytest
import schemathesis
from mlrollout.server.ab.operations import OPERATIONS, Operation
from schemathesis.specs.openapi.checks import ignored_auth

from tests.cluster.server.house import House
from tests.components.server.ab.truth import hold_to_document

ACTS = [one for one in OPERATIONS if one.name in ("rollout", "rollback")]


@pytest.mark.parametrize("mode", schemathesis.GenerationMode)
@pytest.mark.parametrize("act", ACTS, ids=lambda one: one.name)
def test_an_act_does_what_the_document_says(house: House, act: Operation, mode: schemathesis.GenerationMode) -> None:
    house.stands(30, "expansion")

    # Whoever shows wrong tokens as fast as this is told to wait (429), which that check takes for letting them in.
    hold_to_document(house.api, act, mode, house.person("console", "patch"), [ignored_auth])
