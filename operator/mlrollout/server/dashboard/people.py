"""Who is at the page, and what the cluster lets them see and do."""

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from aiohttp import web

from mlrollout.ports import Ref
from mlrollout.server.http.problem import HttpProblem

from .exchange import SessionAnswer

LIST, GET, PATCH = "list", "get", "patch"
"""Verbs of the Kubernetes API: to see all, to see one, and to ask for verbs."""
_AT_ONCE = 10  # reviews of one person

May = Callable[[str, Ref], Awaitable[bool]]
"""Whether somebody may do something, a verb of the Kubernetes API, to an object; an empty name stands for all of the
namespace, an empty namespace for all of the cluster.

Raises:
    HttpProblem: That can't be known.
"""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is signed in.

    Attributes:
        name: Who it is, as the API server says; empty where it did not.
        may: What they may do, remembered for a while.
        session: What their page is told of it.
        holder: What tells the streams of this person from others'.
    """

    name: str
    may: May
    session: SessionAnswer
    holder: str = field(repr=False)

    async def namespaces_of(self, verb: str, refs: Iterable[Ref]) -> frozenset[str]:
        """In which of the namespaces of these objects they may do something to every one."""
        there = sorted({ref.namespace for ref in refs})
        if await self.may(verb, Ref("", "")):
            return frozenset(there)
        gate = asyncio.Semaphore(_AT_ONCE)

        async def allowed(namespace: str) -> bool:
            async with gate:
                return await self.may(verb, Ref(namespace, ""))

        answers = await asyncio.gather(*map(allowed, there))
        return frozenset(name for name, may in zip(there, answers, strict=True) if may)


class People(Protocol):
    """Knows who is at the page."""

    async def person(self, request: web.Request) -> Person:
        """Who it is, as far as their session is still good.

        Raises:
            HttpProblem: Nobody is signed in, or it can't be found out.
        """
        ...

    def add(self, app: web.Application) -> None:
        """Add the routes by which people sign in."""
        ...


def not_signed_in(why: str, how: str) -> HttpProblem:
    """The answer to whoever is not signed in.

    Args:
        why: What is wrong, and what to do.
        how: `token` where a token of the cluster is asked for, `command` where `mlrollout dashboard` is to be called.
    """
    return HttpProblem(401, why, signIn=how, headers={"WWW-Authenticate": 'Bearer realm="mlrollout"'})


def check_csrf(request: web.Request, person: Person) -> None:
    """Refuse what the person's own page did not send.

    Raises:
        HttpProblem: It was another page.
    """
    shown = request.headers.get("X-CSRF-Token", "")
    # Of a header any byte may come, also what is no UTF-8.
    if not hmac.compare_digest(shown.encode(errors="surrogateescape"), person.session.csrf.encode()):
        raise HttpProblem(
            403,
            "This was not sent by the dashboard's own page: its X-CSRF-Token is missing or old. Load the page anew.",
        )
