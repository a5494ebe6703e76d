"""A window of a real browser, as a person has it before them."""

import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

AXE = Path(__file__).parents[2] / "ui" / "dashboard" / "node_modules" / "axe-core" / "axe.min.js"
PICTURES = os.environ.get("MLROLLOUT_PICTURES")
"""A folder for pictures of what was shown, to be looked at."""
PATIENCE = 30_000
"""Milliseconds that a busy machine may take to show something."""


class Screen:
    """What is shown, and what goes wrong meanwhile: errors of scripts, and what the Content-Security-Policy refused."""

    def __init__(self, context: Any) -> None:
        self._context = context
        context.set_default_timeout(PATIENCE)
        self.page = context.new_page()
        self._troubles: list[str] = []
        self.page.on("pageerror", lambda error: self._troubles.append(str(error)))
        self.page.on("console", self._hear)

    def _hear(self, message: Any) -> None:
        # A browser writes every answer that is no success there, as those are that the tests ask for.
        if message.type in {"error", "warning"} and "Failed to load resource" not in message.text:
            self._troubles.append(message.text)

    def close(self) -> Sequence[str]:
        """Ends it, and says what went wrong."""
        self._context.close()
        return self._troubles

    def open(self, url: str) -> "Screen":
        self.page.goto(url)
        return self

    # --- what is there ---

    def see(self, text: str, *, within: str = "body") -> None:
        """Waits until a text is shown."""
        try:
            self.page.locator(within).get_by_text(text).filter(visible=True).first.wait_for()
        except Exception as error:
            error.add_note(f"shown is: {self.page.locator('body').inner_text()}")
            raise

    def lose(self, selector: str) -> None:
        """Waits until nothing of that kind is shown."""
        self.page.locator(selector).first.wait_for(state="hidden")

    def until(self, script: str) -> None:
        """Waits until JavaScript says so. The driver's own waiting is refused by the Content-Security-Policy."""
        ends = time.monotonic() + PATIENCE / 1000
        while not self.ask(script):
            assert time.monotonic() < ends, f"never so: {script}"
            self.page.wait_for_timeout(50)

    def ask(self, script: str) -> Any:
        return self.page.evaluate(script)

    @property
    def too_wide(self) -> int:
        """Pixels that one would have to scroll sideways."""
        found: int = self.ask("document.documentElement.scrollWidth - innerWidth")
        return max(0, found)

    def violations(self) -> Sequence[str]:
        """What axe finds that keeps somebody out."""
        self.page.evaluate(AXE.read_text())
        found = self.page.evaluate("axe.run({resultTypes: ['violations']}).then((said) => said.violations)")
        return [f"{one['id']}: {json.dumps([node['html'] for node in one['nodes']])[:600]}" for one in found]

    # --- what one does ---

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name).click()

    def type(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def picture(self, name: str, *, whole: bool = False) -> None:
        """Keeps a picture, where somebody asked for them."""
        if PICTURES:
            Path(PICTURES).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=f"{PICTURES}/{name}.png", full_page=whole)
