from collections.abc import Callable, Iterator

import pytest
from mlrollout import Group

from devstack.dispatch.service import PYTHON
from tests.dispatch.page.desk import Desk
from tests.dispatch.page.place import BUILT, House, running
from tests.support.browser import Screens, browser, screen

__all__ = ["browser", "screen"]

Desks = Callable[..., Desk]


@pytest.fixture(scope="session", autouse=True)
def example() -> None:
    """What `make test-dispatch-page` makes."""
    if not (BUILT / "index.html").exists():
        pytest.skip("needs the example's page: make dispatch-page")
    if not PYTHON.exists():
        pytest.skip("needs the example's environment: make .venv-dispatch/ready")


@pytest.fixture(scope="session")
def all_of_it(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with running(tmp_path_factory.mktemp("dispatch")) as house:
        yield house


@pytest.fixture
def house(all_of_it: House) -> Iterator[House]:
    """With half of the users in treatment, and nothing broken."""
    all_of_it.service.faults(ml="ok", assign="ok")
    all_of_it.begin()
    yield all_of_it
    all_of_it.service.faults(ml="ok", assign="ok")


@pytest.fixture
def desk(house: House, screen: Screens) -> Desks:
    """Opens the page as somebody of a group."""

    def opens(group: Group = Group.TREATMENT, **window: object) -> Desk:
        return Desk(screen(**window), house.service, house.user(group)).sign_in()

    return opens
