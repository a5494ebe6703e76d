"""Whether a server does what its OpenAPI document says."""

from collections.abc import Sequence
from typing import Any

import schemathesis
from hypothesis import HealthCheck, given, settings
from mlrollout.server.ab.operations import Operation, path

from tests.components.server.ab.calls import NAME, Api

EXAMPLES = 30


def hold_to_document(
    api: Api,
    operation: Operation,
    mode: schemathesis.GenerationMode,
    token: str,
    excluded: Sequence[schemathesis.CheckFunction] = (),
) -> None:
    """Ask for an operation with data that its schema allows, or does not, and hold every answer to the document."""
    whole = api.server.ask("GET", "/openapi.json", token=None).json
    config = schemathesis.Config.from_dict({"base-url": api.server.url})
    document = schemathesis.openapi.from_dict(_naming_rollouts(whole), config=config)
    promised = document[path(operation, "{rollout}")][operation.method]

    @given(case=promised.as_strategy(generation_mode=mode))
    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None
    )
    def holds(case: schemathesis.Case[Any]) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        case.call_and_validate(headers=headers, timeout=20, excluded_checks=list(excluded))

    holds()


def _naming_rollouts(whole: dict[str, Any]) -> dict[str, Any]:
    """The document with the rollouts that there are, which only the configuration knows."""
    for operations in whole["paths"].values():
        for operation in operations.values():
            (where,) = (one for one in operation["parameters"] if one["in"] == "path")
            where["schema"]["enum"] = [NAME]
    return whole
