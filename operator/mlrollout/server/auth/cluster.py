"""Callers whom the cluster knows: the API server says whose token it is, and what that user may do.

Its answers are remembered for `REMEMBERED` seconds, by a hash of the token. Where it can't be asked, nobody is let in.
"""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from time import monotonic
from typing import Any

import structlog
from aiohttp import web

from mlrollout.adapters.kubernetes import KubernetesReviews, User
from mlrollout.ports import ObjectsError, Ref
from mlrollout.server.backends import LOGGED_EVERY
from mlrollout.server.http.addresses import ADDRESS
from mlrollout.server.http.problem import HttpProblem
from mlrollout.server.http.rate_limiter import RateLimiter
from mlrollout.server.rollouts import ServedRollout

from .callers import Caller, Callers, Role, token

log = structlog.get_logger(__name__)

REMEMBERED = 5.0
"""Seconds for which an answer of the API server is used: a right that is taken away may work for so long."""

MOST_REMEMBERED = 10_000
UNKNOWN_PER_SECOND = 20.0
"""Tokens that one address may have reviewed in a second: strangers must not keep the API server busy."""

_VERBS = {Role.VIEW: "get", Role.ADMIN: "patch"}
"""The verb of the Kubernetes API on the `MLRollout` that each role needs. The cluster can't give other roles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterCaller(Caller):
    """A caller whom the cluster knows: what they may do is asked of the cluster, for each rollout.

    Attributes:
        identity: Who the cluster says this is.
        ask: Asks the cluster.
    """

    identity: User
    ask: Callable[[User, str, Ref], Awaitable[bool]]

    async def may(self, role: Role, served: ServedRollout | None = None) -> bool:
        """Whether the cluster lets them do with the object what the role needs.

        Raises:
            HttpProblem: The API server can't be asked.
        """
        verb, ref = _VERBS.get(role), served.ref if served else None
        if verb is None or ref is None:
            return False
        return await self.ask(self.identity, verb, ref)


class Cluster(Callers):
    """Finds callers by a token of the cluster, of a ServiceAccount for example."""

    def __init__(self, reviews: KubernetesReviews) -> None:
        self._reviews = reviews
        self._answers = AnswerCache()
        self._strangers = RateLimiter(UNKNOWN_PER_SECOND)

    async def identify(self, request: web.Request) -> Caller | None:
        """Whose token it is.

        Raises:
            HttpProblem: The API server can't be asked, or is asked too often from there.
        """
        shown = token(request)
        if shown is None:
            return None
        digest = hashlib.sha256(shown.encode()).digest()
        if digest not in self._answers and (wait := self._strangers.take(request[ADDRESS])):
            raise HttpProblem(429, "Too many new tokens. Wait a second.", headers={"Retry-After": f"{wait + 1:.0f}"})
        user = await self._answers.get(digest, lambda: self._reviews.user(shown))
        return None if user is None else ClusterCaller(user.name, identity=user, ask=self._may)

    async def _may(self, user: User, verb: str, ref: Ref) -> bool:
        groups = tuple(sorted(user.groups))
        who = (user.name, user.uid, groups, repr(sorted(user.extra.items())), verb, ref)
        allowed: bool = await self._answers.get(who, lambda: self._reviews.may(user, verb, ref))
        return allowed


class AnswerCache:
    """What the API server answered lately. Whoever asks while it is asked waits for the same answer."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
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
            self._known[about] = (self._clock() + REMEMBERED, asyncio.ensure_future(ask()))
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
