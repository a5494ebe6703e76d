"""Callers whom the cluster knows: the API server says whose token it is, and what that user may do.

Its answers are remembered for `REMEMBERED` seconds, by a hash of the token. Where it can't be asked, nobody is let in.
"""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from mlrollout.adapters.kubernetes import KubernetesReviews, User
from mlrollout.listening.rate_limiter import RateLimiter
from mlrollout.ports import Ref
from mlrollout.server.http.addresses import ADDRESS
from mlrollout.server.http.problem import HttpProblem
from mlrollout.server.rollouts import ServedRollout

from .answer_cache import AnswerCache
from .callers import Caller, Callers, Role, token

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
        user = None if shown is None else await self.user(shown, request[ADDRESS])
        return None if user is None else ClusterCaller(user.name, identity=user, ask=self.may)

    async def user(self, shown: str, address: str | None) -> User | None:
        """Whose token it is; `None` where it is nobody's.

        Args:
            shown: The token.
            address: Where it was shown; `None` where it was good before: addresses hold up strangers alone.

        Raises:
            HttpProblem: The API server can't be asked, or is asked too often from there.
        """
        digest = hashlib.sha256(shown.encode()).digest()
        is_new = digest not in self._answers
        if is_new and address is not None and (wait := self._strangers.take(address)):
            raise HttpProblem(429, "Too many new tokens. Wait a second.", headers={"Retry-After": f"{wait + 1:.0f}"})
        found: User | None = await self._answers.get(digest, lambda: self._reviews.user(shown))
        return found

    async def may(self, user: User, verb: str, ref: Ref) -> bool:
        """Whether a user may do something to an `MLRollout`; an empty name, or namespace, stands for all.

        Raises:
            HttpProblem: The API server can't be asked.
        """
        groups = tuple(sorted(user.groups))
        who = (user.name, user.uid, groups, repr(sorted(user.extra.items())), verb, ref)
        allowed: bool = await self._answers.get(who, lambda: self.review(user, verb, ref))
        return allowed

    async def review(self, user: User, verb: str, ref: Ref) -> bool:
        """The same, asked anew.

        Raises:
            ObjectsError: It can't be known now.
        """
        return await self._reviews.may(user, verb, ref)
