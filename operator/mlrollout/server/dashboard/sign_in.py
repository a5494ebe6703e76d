"""Signing in on a server in the cluster: by a token of the cluster, or by a proxy that has signed people in already.

Who somebody is, the API server says (TokenReview); what they may do, it says as well (SubjectAccessReview). The
server's own rights let nobody see or do anything.
"""

import base64
import hashlib
import json
from dataclasses import dataclass
from functools import partial
from typing import Any

from aiohttp import web

from mlrollout.adapters.kubernetes import User
from mlrollout.ports import Ref
from mlrollout.server.auth import audit
from mlrollout.server.auth.answer_cache import AnswerCache
from mlrollout.server.auth.callers import CALLER, Caller, token
from mlrollout.server.auth.cluster import Cluster
from mlrollout.server.config import DashboardSettings, ProxyLogin
from mlrollout.server.http.addresses import ADDRESS, Proxies
from mlrollout.server.http.body import read_model
from mlrollout.server.http.problem import HttpProblem

from .cookie import COOKIE, drop_cookie, set_cookie
from .exchange import SessionAnswer, SignInRequest
from .lines import when
from .people import PATCH, Person, check_csrf, not_signed_in
from .seal import Seal, TooLongError

REMEMBERED = 30.0
"""Seconds for which it is remembered what somebody may see. An act is asked about anew: see `Cluster`."""
SESSION = "/dashboard/api/session"
_REVIEWED = web.RequestKey("reviewed", bool)
"""Whether the cluster knew this request's token before: of an open stream it is asked again and again."""
_TAG = 16  # characters of a digest that tell sessions apart, and nothing of them
_SYSTEM = "system:"
"""How the names begin that the cluster keeps for itself: no proxy may give them to anybody."""


@dataclass(frozen=True, slots=True)
class _ShownIdentity:
    """What a request shows of who it is.

    Attributes:
        user: Who it is.
        session: What stands for the session: what is sealed in the cookie, or who the proxy says it is.
        ends: When it ends, seconds since the epoch; `None` where nobody knows.
        told_by: Who says so with each request, so that it can't be ended here; empty where the cookie does.
    """

    user: User
    session: str
    ends: float | None
    told_by: str = ""


class ClusterPeople:
    """Knows people by the cluster. Implements `People`.

    Args:
        cluster: Asks the API server.
        settings: The dashboard's.
        seal: Seals sessions.
        proxies: The proxies in front.
    """

    def __init__(self, cluster: Cluster, settings: DashboardSettings, seal: Seal, proxies: Proxies) -> None:
        self._cluster = cluster
        self._settings = settings
        self._seal = seal
        self._proxies = proxies
        self._answers = AnswerCache(remembered=REMEMBERED)

    def add(self, app: web.Application) -> None:
        """Add the routes by which people sign in and out."""
        app.router.add_post(SESSION, self._sign_in)
        app.router.add_delete(SESSION, self._sign_out)

    async def person(self, request: web.Request) -> Person:
        """Who it is, as far as their session is still good."""
        return self._person(await self._shown(request))

    async def _shown(self, request: web.Request) -> _ShownIdentity:
        shown = self._by_proxy(request) or await self._by_token(request)
        request[CALLER] = Caller(shown.user.name)  # for the audit
        return shown

    def _person(self, shown: _ShownIdentity) -> Person:
        holder = hashlib.sha256(shown.session.encode(errors="surrogateescape")).hexdigest()
        answer = SessionAnswer(
            user=shown.user.name,
            groups=tuple(shown.user.groups),
            mode="cluster",
            context=None,
            csrf=self._seal.csrf(shown.session),
            tag=holder[:_TAG],
            expires_at=when(shown.ends),
            namespaces=(self._settings.namespace,) if self._settings.namespace else None,
            can_sign_out=not shown.told_by,
        )
        return Person(shown.user.name, partial(self._may, shown.user), answer, holder)

    async def _may(self, user: User, verb: str, ref: Ref) -> bool:
        if verb == PATCH and ref.name:
            return await self._cluster.may(user, verb, ref)
        who = (user.name, user.uid, tuple(sorted(user.groups)), repr(sorted(user.extra.items())), verb, ref)
        allowed: bool = await self._answers.get(who, lambda: self._cluster.review(user, verb, ref))
        return allowed

    # --- who it is -----------------------------------------------------------------------------

    def _by_proxy(self, request: web.Request) -> _ShownIdentity | None:
        """Who a proxy says it is: only where that is configured, and only from the proxies' own networks."""
        login = self._settings.proxy
        if login is None or str(request.remote) not in self._proxies:
            return None
        name = request.headers.get(login.user, "").strip()
        if not name:
            return None
        groups = _groups(request, login)
        if any(one.startswith(_SYSTEM) for one in (name, *groups)):
            raise HttpProblem(
                403, f"The proxy says that this is {name[:100]!r}, with names that are the cluster's own."
            )
        user, session = User(name, groups=(*groups, "system:authenticated")), f"proxy\0{name}\0{groups}"
        return _ShownIdentity(user, session, None, f"a proxy, by the header {login.user}")

    async def _by_token(self, request: web.Request) -> _ShownIdentity:
        value = request.cookies.get(COOKIE, "")
        sealed = self._seal.open(value) if value else None
        sent = token(request)
        shown = sent or sealed
        if shown is None:
            why = "The session has ended" if value else "Nobody is signed in"
            raise not_signed_in(f"{why}: sign in with a token of the cluster.", "token")
        is_known = shown == sealed or _REVIEWED in request
        user = await self._cluster.user(shown, None if is_known else request[ADDRESS])
        if user is None:
            raise not_signed_in("The token is not valid any more: sign in with a new one.", "token")
        request[_REVIEWED] = True
        ends = [one for one in (self._seal.ends(value) if value else None, _expiry(shown)) if one is not None]
        told_by = "a proxy, by the token that it sends along as Authorization" if sent else ""
        return _ShownIdentity(user, value or shown, min(ends, default=None), told_by)

    # --- signing in and out --------------------------------------------------------------------

    async def _sign_in(self, request: web.Request) -> web.Response:
        shown = (await read_model(request, SignInRequest)).token.strip()
        user = await self._cluster.user(shown, request[ADDRESS]) if shown.isascii() else None
        if user is None:
            raise not_signed_in(
                "The cluster does not know this token. `kubectl create token NAME` makes one for a ServiceAccount.",
                "token",
            )
        try:
            value = self._seal.close(shown)
        except TooLongError as error:
            raise HttpProblem(422, f"This token can't be used here: {error}. Use a shorter one.") from None
        request[CALLER] = Caller(user.name)
        audit.act(request, "Signed in")
        ends = min(one for one in (self._seal.ends(value), _expiry(shown)) if one is not None)
        answer = self._person(_ShownIdentity(user, value, ends)).session
        response = web.Response(text=answer.text(), content_type="application/json")
        set_cookie(response, value, secure=self._is_secure(request))
        return response

    async def _sign_out(self, request: web.Request) -> web.Response:
        shown = await self._shown(request)
        check_csrf(request, self._person(shown))
        if shown.told_by:
            raise HttpProblem(
                409, f"Who you are says {shown.told_by}. Nothing can be ended here: sign out where that signs you in."
            )
        self._seal.end(request.cookies.get(COOKIE, ""))
        audit.act(request, "Signed out")
        response = web.Response(status=204)
        drop_cookie(response, secure=self._is_secure(request))
        return response

    def _is_secure(self, request: web.Request) -> bool:
        """Whether the browser came by TLS, which a proxy ends."""
        if request.secure:
            return True
        by_proxy = str(request.remote) in self._proxies
        return by_proxy and request.headers.get("X-Forwarded-Proto", "").strip().lower() == "https"


def _groups(request: web.Request, login: ProxyLogin) -> tuple[str, ...]:
    said = ",".join(request.headers.getall(login.groups, [])) if login.groups else ""
    return tuple(sorted({one.strip() for one in said.split(",") if one.strip()}))


def _expiry(shown: str) -> float | None:
    """When a token says that it ends, for show: whether it is good, the API server says. `None` where it is no JWT."""
    try:
        part = shown.split(".")[1]
        claims: Any = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        return float(claims["exp"])
    except (ValueError, LookupError, TypeError):
        return None
