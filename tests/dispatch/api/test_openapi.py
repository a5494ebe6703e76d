"""The OpenAPI document is true: what it promises is asked of the service, with good data and with bad."""

from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings

from tests.dispatch.api.place import Place

OPERATIONS = [
    ("POST", "/api/session"),
    ("GET", "/api/session"),
    ("DELETE", "/api/session"),
    ("GET", "/api/config"),
    ("GET", "/api/orders"),
    ("GET", "/api/vehicles"),
    ("GET", "/api/orders/{order_id}/nearest"),
    ("POST", "/api/ml-dispatch/optimize"),
    ("POST", "/api/dispatches"),
    ("POST", "/api/dispatches/{dispatch_id}/cancel"),
    ("POST", "/api/dispatches/{dispatch_id}/complete"),
    ("POST", "/api/dispatches/{dispatch_id}/survey"),
    ("POST", "/api/events"),
]


def _document(place: Place) -> dict[str, Any]:
    document: dict[str, Any] = httpx.get(f"{place.service.url}/openapi.json", trust_env=False).json()
    return document


def test_every_route_is_held_to_the_document(place: Place) -> None:
    told = [(method.upper(), path) for path, item in _document(place)["paths"].items() for method in item]

    assert sorted(told) == sorted(OPERATIONS)


MODES = [
    (method, path, mode)
    for method, path in OPERATIONS
    for mode in schemathesis.GenerationMode
    if mode.is_positive or (method == "POST" and not path.endswith("/complete")) or "{" in path or path == "/api/orders"
]
"""What takes neither a parameter nor a body can't be asked wrongly."""


@pytest.mark.parametrize(("method", "path", "mode"), MODES, ids=str)
def test_the_service_does_what_the_document_says(
    place: Place, method: str, path: str, mode: schemathesis.GenerationMode
) -> None:
    config = schemathesis.Config.from_dict({"base-url": place.service.url})
    document = _document(place)
    for operations in document["paths"].values():
        for operation in operations.values():
            operation.pop("security", None)  # the session is given by hand, and is not to be left out
    promised = schemathesis.openapi.from_dict(document, config=config)[path][method]
    cookies = dict(place.person().http.cookies)

    @given(case=promised.as_strategy(generation_mode=mode))
    @settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None)
    def holds(case: schemathesis.Case[Any]) -> None:
        case.call_and_validate(cookies=cookies, timeout=20)

    holds()
