"""What the API server answered lately about people. Where it can't be asked, nobody is let in."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from time import monotonic
from typing import Any

import structlog

from mlrollout.listening.rate_limiter import RateLimiter
from mlrollout.ports import ObjectsError
from mlrollout.server.http.problem import HttpProblem

log = structlog.get_logger(__name__)

REMEMBERED = 5.0
"""Seconds for which an answer of the API server is used: a right that is taken away may work for so long."""
MOST_REMEMBERED = 10_000
LOGGED_EVERY = 10.0
"""Seconds between two lines of the log about an API server that can't be asked."""


class AnswerCache:
    """What the API server answered lately. Whoever asks while it is asked waits for the same answer."""

    def __init__(self, clock: Callable[[], float] = monotonic, remembered: float = REMEMBERED) -> None:
        self._clock = clock
        self._remembered = remembered
        self._lines = RateLimiter(1 / LOGGED_EVERY)
        self._known: OrderedDict[Hashable, tuple[float, asyncio.Future[Any]]] = OrderedDict()

    def __contains__(self, about: Hashable) -> bool:
        return about in self._known and self._known[about][0] > self._clock()

    async def get(self, about: Hashable, ask: Callable[[], Awaitable[Any]]) -> Any:  # noqa: ANN401 - any answer
        """The answer about something.

        Raises:
            HttpProblem: The API server can't be asked; that is not remembered.
        """
        if about not in self:
            self._known[about] = (self._clock() + self._remembered, asyncio.ensure_future(ask()))
            self._known.move_to_end(about)
            if len(self._known) > MOST_REMEMBERED:
                self._known.popitem(last=False)
        _, answer = self._known[about]
        try:
            return await asyncio.shield(answer)
        except ObjectsError as error:
            if about in self._known and self._known[about][1] is answer:
                del self._known[about]
            if not self._lines.take("gone"):
                log.warning("The API server can't be asked who calls, so nobody is let in", error=str(error))
            raise HttpProblem(
                503,
                "Who calls can't be found out, so nobody is let in. An emergency needs Redis alone: SET the key to 0.",
                headers={"Retry-After": "1"},
            ) from None
