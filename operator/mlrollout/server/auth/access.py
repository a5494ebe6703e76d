"""Who calls, and what they may do."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from aiohttp import web
from yarl import URL

from mlrollout.server.config import Config
from mlrollout.server.http.problem import Problem
from mlrollout.server.rollouts import Served
from mlrollout.startup.settings import SettingsError, listen


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

    async def may(self, role: Role, served: Served | None = None) -> bool:
        """Whether they have the role for a rollout, or for all."""
        del served  # those who are asked about one rollout at a time answer by it
        return role in self.roles or (role is Role.VIEW and Role.ADMIN in self.roles)


OWN_HEADER = "X-Requested-With"
"""What no web page may send to another host without asking first."""
_SIMPLE = frozenset({"GET", "HEAD"})

CALLER = web.RequestKey("caller", Caller)
"""Who makes a request, where somebody known does."""
UNKNOWN = web.RequestKey("unknown", Problem)
"""Why that can't be said, where there is more to tell than that nobody knows them."""


class Callers(Protocol):
    """One way to know who calls."""

    async def identify(self, request: web.Request) -> Caller | None:
        """Who this is; `None` where this way does not know.

        Raises:
            Problem: It could not be found out.
        """


class Loopback(Callers):
    """Whoever reaches the loopback address of a server without tokens: they are on its machine."""

    async def identify(self, request: web.Request) -> Caller | None:
        """Only under a name of loopback: a web page can have a name of its own point there.

        Any page may have its visitor's browser send a request without asking first, as long as it is one that a form or
        an image could send. So these are nobody's: they take a header that no page may add unasked. (A `POST` takes
        JSON, which has the same effect.) Who shows a token wants to be somebody else.

        Raises:
            Problem: It lacks the header.
        """
        if shows_token(request) or not is_loopback(_host(request)):
            return None
        if request.method in _SIMPLE and OWN_HEADER not in request.headers:
            raise Problem(
                403,
                f"Any web page could have sent this in its visitor's name. Send the header `{OWN_HEADER}` with it, "
                "with any value; no page can do that unasked.",
            )
        return Caller("loopback", frozenset({Role.ASSIGN}))


def _host(request: web.Request) -> str:
    """The name that the request has for this server; empty for what is none."""
    try:
        return URL.build(authority=request.host).host or ""
    except ValueError:
        return ""


def is_loopback(host: str) -> bool:
    """Whether the name or address is this machine alone."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check(config: Config, callers: Sequence[Callers]) -> Sequence[Callers]:
    """The ways to know who calls. Without tokens and sessions the server's own machine may ask for assignments.

    Raises:
        SettingsError: Others could reach the server, and nobody knows them.
    """
    host, _ = listen(config.listen)
    if config.tokens or config.sessions or (callers and not is_loopback(host)):
        return callers
    if not is_loopback(host):
        raise SettingsError(
            f"listen is {config.listen}, so others can reach the server, and nothing says who may: "
            "set tokens in the configuration (`mlrollout token` makes one), or listen on 127.0.0.1"
        )
    return (*callers, Loopback())


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


def known(request: web.Request) -> Caller:
    """Who calls.

    Raises:
        Problem: Nobody that is known.
    """
    caller: Caller | None = request.get(CALLER)
    if caller is None and UNKNOWN in request:
        raise request[UNKNOWN]
    if caller is None:
        why = "The token is not valid" if shows_token(request) else "This needs a token"
        raise Problem(
            401,
            f"{why}: send a valid one as `Authorization: Bearer …` or `X-API-Key`.",
            headers={"WWW-Authenticate": 'Bearer realm="mlrollout"'},
        )
    return caller


async def require(request: web.Request, role: Role, served: Served | None = None) -> Caller:
    """Who calls, where they have the role.

    Raises:
        Problem: They have not, or nobody knows them.
    """
    caller = known(request)
    if not await caller.may(role, served):
        raise forbidden(caller, f"the role {role}")
    return caller


def forbidden(caller: Caller, lacking: str) -> Problem:
    """What somebody is told who may not."""
    return Problem(403, f"{caller.name} lacks {lacking} that this needs. Use a token that has it.")
