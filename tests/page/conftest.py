"""A browser, where there is one: Debian's `chromium`, driven by Playwright from `make page-tools`."""

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.page.samples import detail, figures, line
from tests.page.screen import Screen
from tests.page.stand_in import StandIn


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright: make page-tools")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("needs Chromium, for example: apt-get install chromium")
    sandbox = os.geteuid() != 0  # Chromium refuses to have one as root
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=chromium, chromium_sandbox=sandbox)
        yield running
        running.close()


@pytest.fixture
def screen(browser: Any) -> Iterator[Callable[..., Screen]]:
    """Opens windows, in none of which anything may go wrong."""
    opened: list[Screen] = []

    def opens(width: int = 1280, height: int = 900, *, theme: str = "light", language: str = "en-GB") -> Screen:
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=theme, locale=language, reduced_motion="reduce"
        )
        opened.append(Screen(context))
        return opened[-1]

    yield opens
    troubles = [trouble for one in opened for trouble in one.close()]
    assert troubles == []


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    """A thousand rollouts, and one to look at."""
    with StandIn([line(index) for index in range(1000)], detail(), figures()).running() as running:
        yield running
