import pytest

from tests.pure.assignment.calls import World


@pytest.fixture
def world() -> World:
    return World()
