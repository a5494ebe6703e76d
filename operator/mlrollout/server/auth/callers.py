"""Whoever calls: what is known of them, and the ways to know it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from aiohttp import web

from mlrollout.server.http.problem import HttpProblem
from mlrollout.server.rollouts import ServedRollout


class Role(StrEnum):
    """What somebody may be allowed to do."""

    ASSIGN = "assign"
    """Ask for any user's assignment: an application."""
    RATE = "rate"
    """Pass on any user's answer to the survey: an application, too."""
    VIEW = "view"
    """See how it goes: statistics and monitoring."""
    ADMIN = "admin"
    """Move traffic, and see how it goes."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls.

    Attributes:
        name: For the audit; no secret.
        roles: What they may do with every rollout.
        user: The user whose session this is: they may ask for themselves. `None` where it is no user's.
    """

    name: str
    roles: frozenset[Role] = frozenset()
    user: str | None = None

    async def may(self, role: Role, served: ServedRollout | None = None) -> bool:
        """Whether they have the role for a rollout, or for all."""
        del served  # those who are asked about one rollout at a time answer by it
        return role in self.roles or (role is Role.VIEW and Role.ADMIN in self.roles)


CALLER = web.RequestKey("caller", Caller)
"""Who makes a request, where somebody known does."""
UNKNOWN = web.RequestKey("unknown", HttpProblem)
"""Why that can't be said, where there is more to tell than that nobody knows them."""


class Callers(Protocol):
    """One way to know who calls."""

    async def identify(self, request: web.Request) -> Caller | None:
        """Who this is; `None` where this way does not know.

        Raises:
            HttpProblem: It could not be found out.
        """


def token(request: web.Request) -> str | None:
    """What the caller shows that may be a token; `None` for nothing. No token has anything else than ASCII."""
    shown = _shown(request)
    return shown if shown and shown.isascii() else None


def shows_token(request: web.Request) -> bool:
    """Whether the caller shows anything, be it as senseless as it may."""
    return bool(_shown(request))


def _shown(request: web.Request) -> str:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and given.strip():
        return given.strip()
    return request.headers.get("X-API-Key", "")
