"""The page as a dispatcher has it before them."""

from typing import Any

from tests.dispatch.page.place import Service
from tests.support.screen import Screen


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
        self.shown.open(self.service.url)
        self.shown.see("Open", within=".list h3")
        return self

    def open(self, number: int = 0) -> "Desk":
        """Opens an open order, by its place in the list."""
        self.page.locator(".list section").first.locator(".line").nth(number).click()
        return self

    # --- what is there ---

    def ml(self) -> None:
        """Waits for the ML panel."""
        self.page.locator("[data-panel=ml] .card").first.wait_for()

    def legacy(self, why: str = "") -> None:
        """Waits for the legacy panel with vehicles, and for why it is shown."""
        self.page.locator("[data-panel=legacy] .rows li").first.wait_for()
        if why:
            self.shown.see(why, within="[data-panel=legacy]")

    def assigned(self) -> None:
        """Waits until the order has a vehicle."""
        self.page.locator(".assigned").wait_for()

    @property
    def cards(self) -> Any:
        return self.page.locator("[data-panel=ml] .card")

    @property
    def rows(self) -> Any:
        return self.page.locator("[data-panel=legacy] .rows li")

    @property
    def dispatches(self) -> list[dict[str, Any]]:
        """What the service knows of what was assigned."""
        return [order["dispatch"] for order in self.service.orders(self.user) if order["dispatch"]]

    def called(self, call: str) -> int:
        """How often the page asked this of the service."""
        return self.calls.count(call)
