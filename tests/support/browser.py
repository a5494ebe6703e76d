"""A browser, where there is one: Debian's `chromium`, driven by Playwright from `make page-tools`. Fixtures."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.support.screen import Screen

Screens = Callable[..., Screen]


@contextmanager
def chromium() -> Iterator[Any]:
    """A running one; skips the test where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright: make page-tools")
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.skip("needs Chromium, for example: apt-get install chromium")
    sandbox = os.geteuid() != 0  # Chromium refuses to have one as root
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=found, chromium_sandbox=sandbox)
        yield running
        running.close()


@pytest.fixture(scope="module")  # of two at once in one process the second would not start
def browser() -> Iterator[Any]:
    with chromium() as running:
        yield running


@pytest.fixture
def screen(browser: Any) -> Iterator[Screens]:
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
