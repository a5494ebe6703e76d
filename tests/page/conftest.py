from collections.abc import Iterator

import pytest

from tests.page.samples import detail, figures, line
from tests.page.stand_in import StandIn
from tests.support.browser import browser, screen

__all__ = ["browser", "screen"]


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    """A thousand rollouts, and one to look at."""
    with StandIn([line(index) for index in range(1000)], detail(), figures()).running() as running:
        yield running
