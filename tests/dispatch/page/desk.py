"""The page as a dispatcher has it before them."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from typing import Any

from devstack.processes import wait_until
from tests.dispatch.page.place import Service
from tests.support.screen import PATIENCE, Screen

ML = "[data-panel=ml] .card"
LEGACY = "[data-panel=legacy] .rows li"


def evaluated(response: Any) -> bool:
    """Whether it is the flag server's good answer."""
    return bool(response.ok and "/ofrep/v1/evaluate/flags" in response.url)


class Desk:
    """Somebody at the page.

    Args:
        shown: The window.
        service: The service that the page is of.
        user: Who sits there.

    Attributes:
        calls: What the page asked of the service: method and path.
        events: What it told of itself.
    """

    def __init__(self, shown: Screen, service: Service, user: str) -> None:
        self.shown = shown
        self.page = shown.page
        self.service = service
        self.user = user
        self.calls: list[str] = []
        self.events: list[dict[str, Any]] = []
        self.page.on("request", self._note)

    def _note(self, request: Any) -> None:
        self.calls.append(f"{request.method} {request.url.split('/', 3)[3]}")
        if request.url.endswith("/api/events"):
            self.events.append(request.post_data_json)

    def sign_in(self) -> "Desk":
        self.page.context.request.post(f"{self.service.url}/api/session", data={"user_id": self.user})
        with self.answered():
            self.shown.open(self.service.url)
        self.shown.see("Open", within=".list h3")
        return self

    @contextmanager
    def answered(self) -> Iterator[None]:
        """Goes on when the flag server has answered: the first order waits for it no longer than a second."""
        with self.page.expect_response(evaluated):
            yield

    def open(self, number: int = 0) -> "Desk":
        """Opens an open order, by its place in the list."""
        self.page.locator(".list section").first.locator(".line").nth(number).click()
        return self

    def open_until_ml(self) -> None:
        """Opens one order after another until one has the ML panel: nothing else shows that it is had again."""
        numbers = cycle(range(3))

        def has_it() -> bool:
            self.open(next(numbers)).page.locator(f"{ML}, {LEGACY}").first.wait_for()
            return bool(self.cards.count())

        wait_until(has_it, within=PATIENCE / 1000, what="the ML panel")

    # --- what is there ---

    def ml(self) -> None:
        """Waits for the ML panel."""
        self.cards.first.wait_for()

    def legacy(self, why: str = "") -> None:
        """Waits for the legacy panel with vehicles, and for why it is shown."""
        self.rows.first.wait_for()
        if why:
            self.shown.see(why, within="[data-panel=legacy]")

    def assigned(self) -> None:
        """Waits until the order has a vehicle."""
        self.page.locator(".assigned").wait_for()

    @property
    def cards(self) -> Any:
        return self.page.locator(ML)

    @property
    def rows(self) -> Any:
        return self.page.locator(LEGACY)

    @property
    def dispatches(self) -> list[dict[str, Any]]:
        """What the service knows of what was assigned."""
        return [order["dispatch"] for order in self.service.orders(self.user) if order["dispatch"]]

    def called(self, call: str) -> int:
        """How often the page asked this of the service."""
        return self.calls.count(call)
