"""A registry's double, and the example's database with a service's store."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from dispatch.store import Orders, connect
from sqlalchemy import Engine

from tests.dispatch.learner.registry_double import RegistryDouble, running


@pytest.fixture
def double() -> Iterator[RegistryDouble]:
    with running() as registry:
        yield registry


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = connect(f"sqlite:///{tmp_path / 'dispatch.db'}")
    Orders(engine).begin()
    yield engine
    engine.dispose()
