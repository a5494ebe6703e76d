"""The application's functions that are called when a rollout changes."""

import logging
from collections.abc import Callable

from mlrollout.domain.record import Record
from mlrollout.seldom import seldom

from .state import State
from .view import Reason

log = logging.getLogger("mlrollout")


class Listeners:
    """Calls each function with the state, whenever percentage, reason or record are others than at the last call."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[State], None]] = []
        self._last: tuple[int, Reason, Record | None] = (0, Reason.NOT_READY, None)
        self._failures = 0

    def __len__(self) -> int:
        return len(self._listeners)

    def add(self, listener: Callable[[State], None]) -> Callable[[], None]:
        """Add a function; answers with one that takes it away again."""
        self._listeners = [*self._listeners, listener]  # a new list: another thread may go through the old one

        def end() -> None:
            self._listeners = [one for one in self._listeners if one is not listener]

        return end

    def tell(self, state: State) -> None:
        """Call them, if anything has changed."""
        found = (state.percentage, state.reason, state.record)
        if found == self._last:
            return
        self._last = found
        for listener in self._listeners:
            try:
                listener(state)
            # Whatever it is: a CancelledError or an exit of the application's would end the thread that follows Redis,
            # and everybody would be in control for good.
            except BaseException as error:  # the application's own, and none of the others'
                self._failures += 1
                if seldom(self._failures):
                    log.warning("A listener failed (%d times so far)", self._failures, exc_info=error)
