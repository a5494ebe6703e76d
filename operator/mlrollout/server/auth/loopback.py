"""A server without tokens answers its own machine alone."""

import ipaddress
from collections.abc import Sequence

from aiohttp import web
from yarl import URL

from mlrollout.server.config import Config
from mlrollout.server.http.problem import HttpProblem
from mlrollout.startup.settings import SettingsError, listen

from .callers import Caller, Callers, Role, shows_token

OWN_HEADER = "X-Requested-With"
"""A header that no web page may send to another host without a preflight request."""
_SIMPLE = frozenset({"GET", "HEAD"})


class Loopback(Callers):
    """Finds callers by the loopback address of a server without tokens: they are on its machine."""

    async def identify(self, request: web.Request) -> Caller | None:
        """Whoever asks under a name of loopback; a web page can point a name of its own there, which does not count.

        Any page may have its visitor's browser send a request without asking first, as long as it is one that a form or
        an image could send. So such requests need a header that no page may add unasked. (A `POST` takes JSON, which
        has the same effect.) A request with a token is never treated as loopback.

        Raises:
            HttpProblem: It lacks the header.
        """
        if shows_token(request) or not is_loopback(host_of(request)):
            return None
        if request.method in _SIMPLE and OWN_HEADER not in request.headers:
            raise HttpProblem(
                403,
                f"Any web page could have sent this in its visitor's name. Send the header `{OWN_HEADER}` with it, "
                "with any value; no page can do that unasked.",
            )
        return Caller("loopback", frozenset({Role.ASSIGN}))


def host_of(request: web.Request) -> str:
    """The host that the request names; empty where it names none that can be read."""
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


def or_loopback(config: Config, callers: Sequence[Callers]) -> Sequence[Callers]:
    """The ways to find out who calls; where tokens and sessions are missing, the server's own machine is one.

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
