"""How soon the dispatch example's page is back at the nearest vehicles: where the model dies, and after a rollback.

In a real Chromium, with the example's service, the flag server and Redis as they run. It begins just before the cause
and ends when the page itself sees a button of the legacy panel that can be pressed, both by this machine's clock.

    python -m benchmarks.dispatch_page [--times 30]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from mlrollout import Group

from benchmarks.page import tell
from tests.dispatch.page.desk import Desk
from tests.dispatch.page.place import House, running
from tests.support.browser import chromium
from tests.support.screen import Screen

if TYPE_CHECKING:
    from playwright.sync_api import Browser

WATCHING = """() => {
  window.usable = undefined;
  const button = () => document.querySelector("[data-panel=legacy] .rows button:not([aria-disabled=true])");
  const look = () => {
    if (button()) window.usable = performance.timeOrigin + performance.now();
    else requestAnimationFrame(look);
  };
  look();
}"""


def until_legacy(desk: Desk, cause: Callable[[], object]) -> float:
    """Milliseconds from the cause to a legacy panel that can be used."""
    desk.shown.ask(WATCHING)
    begun = time.time() * 1000
    cause()
    desk.shown.until("window.usable !== undefined")
    return float(desk.shown.ask("window.usable")) - begun


def open_an_order(house: House, browser: Browser, *, ml: str = "ok", assign: str = "ok") -> float:
    """From the click on an order, or with a failing assignment from the click on its button."""
    house.service.faults(ml=ml, assign=assign)
    desk = Desk(Screen(browser.new_context()), house.service, house.user(Group.TREATMENT)).sign_in()
    if assign == "ok":
        took = until_legacy(desk, desk.open)
    else:
        desk.open().ml()
        took = until_legacy(desk, desk.cards.first.get_by_role("button").click)
    desk.shown.close()
    return took


def roll_back(house: House, browser: Browser) -> float:
    """From before the percentage is written to Redis."""
    house.service.faults(ml="ok", assign="ok")
    house.begin()
    desk = Desk(Screen(browser.new_context()), house.service, house.user(Group.TREATMENT)).sign_in().open()
    desk.ml()
    took = until_legacy(desk, house.roll_back)
    desk.shown.close()
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--times", type=int, default=30)
    times = range(parser.parse_args().times)
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as house, chromium() as browser:
        house.begin()
        tell("an order is opened, its model fails", [open_an_order(house, browser, ml="fail") for _ in times])
        tell(
            "an order is opened, its model answers nonsense", [open_an_order(house, browser, ml="wrong") for _ in times]
        )
        tell("an order is opened, its model hangs", [open_an_order(house, browser, ml="hang") for _ in times])
        tell("a vehicle is assigned, which fails", [open_an_order(house, browser, assign="fail") for _ in times])
        tell("a rollback", [roll_back(house, browser) for _ in times])


if __name__ == "__main__":
    main()
