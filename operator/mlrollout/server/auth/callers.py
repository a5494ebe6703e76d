"""Callers: what is known of one, and the ways to find it out."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from aiohttp import web

from mlrollout.server.http.problem import HttpProblem
from mlrollout.server.rollouts import ServedRollout


class Role(StrEnum):
    """What a caller may be allowed to do."""

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
    """Somebody who calls, and is known.

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
        del served  # a role of a token holds for every rollout; subclasses look at the one
        return role in self.roles or (role is Role.VIEW and Role.ADMIN in self.roles)


CALLER = web.RequestKey("caller", Caller)
"""The caller of a request; missing for a stranger."""
UNKNOWN = web.RequestKey("unknown", HttpProblem)
"""Why the caller is unknown, where there is more to say than that nobody knows them."""


class Callers(Protocol):
    """One way to find out who calls."""

    async def identify(self, request: web.Request) -> Caller | None:
        """The caller; `None` where this way does not know them.

        Raises:
            HttpProblem: It could not be found out.
        """


def token(request: web.Request) -> str | None:
    """The token that the caller shows; `None` for none, and for what can't be one, as tokens are ASCII."""
    shown = _shown(request)
    return shown if shown and shown.isascii() else None


def shows_token(request: web.Request) -> bool:
    """Whether the caller shows anything in the place of a token, even if it can't be one."""
    return bool(_shown(request))


def _shown(request: web.Request) -> str:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and given.strip():
        return given.strip()
    return request.headers.get("X-API-Key", "")
