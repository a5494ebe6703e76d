"""The one person at a dashboard on their own machine: let in by an address that works once."""

import hmac
import secrets

from aiohttp import web

from mlrollout.ports import Ref
from mlrollout.server.auth.answer_cache import AnswerCache
from mlrollout.server.auth.callers import CALLER, Caller
from mlrollout.server.dashboard.cookie import COOKIE, PATH, drop_cookie, set_cookie
from mlrollout.server.dashboard.exchange import SessionAnswer
from mlrollout.server.dashboard.people import PATCH, Person, check_csrf, not_signed_in

from .cluster import KubeconfigCluster

ENTER = "/dashboard/enter"
SESSION = "/dashboard/api/session"
REMEMBERED = 5.0
"""Seconds for which it is remembered whether a verb may be asked for."""


class KubeconfigPerson:
    """Knows the person of the kubeconfig. Implements `People`.

    Args:
        cluster: The cluster.
        name: Who it is, as the API server says; empty where it did not.
        context: The context of the kubeconfig.
    """

    def __init__(self, cluster: KubeconfigCluster, name: str, context: str) -> None:
        self._cluster = cluster
        self._name = name
        self._answers = AnswerCache(remembered=REMEMBERED)
        self._session = secrets.token_urlsafe(32)
        self.code = secrets.token_urlsafe(32)
        """What the one-time address shows; empty once it was shown."""
        self._answer = SessionAnswer(
            user=name or "you",
            groups=(),
            mode="person",
            context=context,
            csrf=secrets.token_urlsafe(32),
            expires_at=None,
            namespaces=cluster.namespaces,
        )

    def add(self, app: web.Application) -> None:
        """Add the routes by which the person comes and goes."""
        app.router.add_get(ENTER, self._enter, allow_head=False)
        app.router.add_delete(SESSION, self._leave)

    async def person(self, request: web.Request) -> Person:
        """The person, if this is their browser."""
        if not self._session or not _same(request.cookies.get(COOKIE, ""), self._session):
            raise not_signed_in("This browser was not let in. Call `mlrollout dashboard` again.", "command")
        request[CALLER] = Caller(self._answer.user)  # for the audit
        return Person(self._name, self._may, self._answer, "")

    async def _may(self, verb: str, ref: Ref) -> bool:
        if verb != PATCH:
            return True  # what is shown was read by their own rights
        allowed: bool = await self._answers.get((verb, ref), lambda: self._cluster.may(verb, ref))
        return allowed

    async def _enter(self, request: web.Request) -> web.Response:
        """Let the browser in that shows the code; it works once."""
        shown, code = request.query.get("code", ""), self.code
        if not code or not _same(shown, code):
            text = "This address works once, and was used before, or is none. Call `mlrollout dashboard` again.\n"
            return web.Response(status=403, text=text)
        self.code = ""
        response = web.Response(status=303, headers={"Location": PATH})
        set_cookie(response, self._session, secure=False)
        return response

    async def _leave(self, request: web.Request) -> web.Response:
        check_csrf(request, await self.person(request))
        self._session = ""
        response = web.Response(status=204)
        drop_cookie(response, secure=False)
        return response


def _same(shown: str, kept: str) -> bool:
    """Whether they are the same, whatever bytes were sent, in the same time for every wrong one."""
    return hmac.compare_digest(shown.encode(errors="surrogateescape"), kept.encode())
