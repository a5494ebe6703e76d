"""Logs are kept in memory: pictures of tracebacks on a terminal take longer than the tests."""

from collections.abc import Iterator, MutableMapping
from typing import Any

import pytest
from structlog.testing import capture_logs

Logs = list[MutableMapping[str, Any]]


@pytest.fixture(autouse=True)
def logs() -> Iterator[Logs]:
    with capture_logs() as captured:
        yield captured
