"""What the dashboard's page weighs, how soon it shows something, and what one update costs it with 1000 rollouts.

In a real Chromium, from a server on this machine that says what the dashboard's would. Scripting and layout are what
Chromium itself counts for the page's main thread; an update is one rollout of a thousand, changed and drawn.

    python -m benchmarks.page [--updates 200] [--loads 20]
"""

from __future__ import annotations

import argparse
import gzip
import statistics
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tests.page.samples import detail, figures, line
from tests.page.stand_in import PAGE, StandIn
from tests.support.browser import chromium
from tests.support.screen import Screen

if TYPE_CHECKING:
    from playwright.sync_api import Browser, CDPSession

ROLLOUTS = 1000
WATCHING = """
  new MutationObserver(() => (window.changed = performance.timeOrigin + performance.now()))
    .observe(document.querySelector(".body"), {subtree: true, childList: true, characterData: true, attributes: true})
"""


def weight() -> None:
    packed = {path.name: len(gzip.compress(path.read_bytes(), 9)) for path in PAGE.rglob("*") if path.is_file()}
    print(f"weight: {sum(packed.values()) / 1000:.1f} kB gzip in {len(packed)} files")


def first_figures(browser: Browser, stand_in: StandIn, loads: int) -> None:
    """From asking for the page to its figures drawn, and its list drawn, with nothing cached."""
    for name, place, drawn in (
        ("figures of one rollout", "#/dispatch/ml-dispatch", "document.querySelectorAll('.card canvas').length > 4"),
        (f"list of {ROLLOUTS}", "", "document.querySelectorAll('[data-row]').length > 9"),
    ):
        times = []
        for _ in range(loads):
            shown = Screen(browser.new_context(viewport={"width": 1280, "height": 900}))
            shown.page.add_init_script(f"""
              const look = () => ({drawn}) ? (window.drawn = performance.now()) : requestAnimationFrame(look);
              addEventListener("DOMContentLoaded", look);
            """)
            shown.open(stand_in.url + place).until("window.drawn !== undefined")
            times.append(shown.ask("window.drawn"))
            shown.close()
        tell(f"first {name}", times)


def updates(browser: Browser, stand_in: StandIn, count: int) -> None:
    shown = Screen(browser.new_context(viewport={"width": 1280, "height": 900})).open(stand_in.url)
    shown.see(f"{ROLLOUTS} rollouts")
    session = shown.page.context.new_cdp_session(shown.page)
    session.send("Performance.enable")
    shown.ask(WATCHING)
    scripting, whole, drawn = [], [], []
    for number in range(count):
        before, told = _spent(session), time.time()
        stand_in.say("rollout", line(0, name="ml-dispatch-0000", revision=f"r{number}", message=f"update {number}"))
        shown.until(f"document.querySelector('.waits').textContent.includes('update {number}')")
        after = _spent(session)
        drawn.append(shown.ask("window.changed") - told * 1000)
        scripting.append((after["ScriptDuration"] - before["ScriptDuration"]) * 1000)
        drawing = ("ScriptDuration", "LayoutDuration", "RecalcStyleDuration")
        whole.append(sum(after[one] - before[one] for one in drawing) * 1000)
    shown.close()
    tell(f"scripting of one update of {ROLLOUTS}, with the asking whether it is drawn", scripting)
    tell("the same with styles and layout", whole)
    tell("from the server's word to the page changed", drawn)


def _spent(session: CDPSession) -> dict[str, float]:
    return {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}


def tell(what: str, milliseconds: Sequence[float]) -> None:
    p95 = statistics.quantiles(milliseconds, n=20)[-1]
    print(f"{what}: p50 {statistics.median(milliseconds):.1f} ms, p95 {p95:.1f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--updates", type=int, default=200)
    parser.add_argument("--loads", type=int, default=20)
    wanted = parser.parse_args()
    weight()
    lines = [line(index) for index in range(ROLLOUTS)]
    with StandIn(lines, detail(), figures()).running() as stand_in, chromium() as browser:
        first_figures(browser, stand_in, wanted.loads)
        updates(browser, stand_in, wanted.updates)


if __name__ == "__main__":
    main()
