"""The event streams of the dashboard's page: of all rollouts, and of one."""

import asyncio
import random
import time
from contextlib import AsyncExitStack, suppress
from typing import Literal

import structlog
from aiohttp import web

from mlrollout.api import moment
from mlrollout.ports import Ref
from mlrollout.server.auth.guard import LIMIT
from mlrollout.server.http.event_stream import Send, event_stream
from mlrollout.server.http.problem import HttpProblem

from .board import BOARD, Board
from .details import track
from .exchange import AliveEvent, EndEvent, GoneEvent, GoneWhy, RolloutsEvent
from .feed import FollowedFigures
from .figure_models import RolloutFigures
from .known import KnownRollout, KnownRollouts
from .lines import when
from .models import PageModel
from .people import GET, LIST, PATCH, Person
from .refs import checked

log = structlog.get_logger(__name__)

PATH = "/dashboard/api/stream"
ALIVE_EVERY = 5.0
"""Seconds between two signs of life."""
CHECK_EVERY = 30.0
"""Seconds after which it is asked anew who somebody is and what they may see."""
ASK_AGAIN = 5.0
"""Seconds after which the same is asked again where it could not be found out."""
SURE_FOR = 90.0
"""Seconds for which a good answer to that holds, where none comes after it: then the page has to ask for itself."""
READY_WITHIN = 5.0
"""Seconds that the cluster is given to be listed first."""


def add(app: web.Application) -> None:
    """Add the route."""
    app.router.add_get(PATH, stream, allow_head=False)


async def stream(request: web.Request) -> web.StreamResponse:
    """Send what happens to all rollouts that somebody may see, or to the one that `rollout` names."""
    person = await request.app[BOARD].people.person(request)
    _check_session(request, person)
    which = _asked(request)
    request[LIMIT].reschedule(None)

    async def tell(send: Send) -> None:
        # Pages that were cut off together should not come back together.
        await send(f"retry: {random.randint(1000, 3000)}\n\n")  # noqa: S311 - jitter is no secret
        teller = AllTeller if which is None else OneTeller
        await teller(request, person, send, which or Ref("", "")).tell()

    last = _event("end", EndEvent(why="crowded").text())
    return await event_stream(request, person.holder, tell, last)


def _check_session(request: web.Request, person: Person) -> None:
    """Refuse a page of another session: in another tab somebody else may have signed in since.

    Raises:
        HttpProblem: What it were told would stand under the name of whoever was there before.
    """
    said = request.query.get("session")
    if said is not None and said != person.session.tag:
        raise HttpProblem(409, "Another session has begun in this browser, and this page is not of it. Load it anew.")


def _asked(request: web.Request) -> Ref | None:
    said = request.query.get("rollout")
    if said is None:
        return None
    namespace, _, name = said.partition("/")
    return checked(namespace, name)


class Teller:
    """Tells one page what it may know, as long as its session is good.

    Args:
        request: What the page asks by; it is looked at again for who it is.
        person: Who it is.
        send: Sends text to the page.
        which: Of a page of one rollout, which.
    """

    def __init__(self, request: web.Request, person: Person, send: Send, which: Ref) -> None:
        self._request = request
        self._person = person
        self._send = send
        self._which = which
        self._board: Board = request.app[BOARD]
        self._seen = 0
        self._check_at = 0.0
        self._sure_at = time.monotonic()
        self._signed_out = False
        self._rights_are_known = False

    async def tell(self) -> None:
        """Tell, until the session ends or may have ended; it is ended from outside where the page goes."""
        async with AsyncExitStack() as stack:
            known = await stack.enter_async_context(self._board.watch.watching())
            woken = stack.enter_context(known.waiting())
            await self._wait_for_a_list(known, woken)
            while not known.closed and await self._is_still_good(known):
                woken.clear()
                with suppress(HttpProblem):  # the API server can't be asked now: it is at the next round
                    if self._rights_are_known:
                        await self._tell_news(known, stack, woken)
                await self._tell_alive(known)
                await self._wait(woken, ALIVE_EVERY)
            if self._signed_out:
                await self._say("end", EndEvent(why="signed-out"))

    async def _wait_for_a_list(self, known: KnownRollouts, woken: asyncio.Event) -> None:
        ends = time.monotonic() + READY_WITHIN
        await self._tell_alive(known)
        while not known.live and time.monotonic() < ends:
            woken.clear()
            await self._wait(woken, ends - time.monotonic())

    async def _is_still_good(self, known: KnownRollouts) -> bool:
        """Whether the session is; what this person may see is asked about as well, and anew once in a while."""
        if time.monotonic() < self._check_at:
            return True
        try:
            self._person = await self._board.people.person(self._request)
            await self._look_at_rights(known)
        except HttpProblem as problem:
            self._signed_out = problem.status in {401, 403}
            self._check_at = time.monotonic() + min(ASK_AGAIN, CHECK_EVERY)
            # News may still come by the watch. A page whose stream ends asks anew, and is told why it has to wait.
            return not self._signed_out and time.monotonic() < self._sure_at + SURE_FOR
        self._sure_at = time.monotonic()
        self._check_at = self._sure_at + CHECK_EVERY
        self._rights_are_known = True
        return True

    async def _look_at_rights(self, known: KnownRollouts) -> None:
        raise NotImplementedError

    async def _tell_news(self, known: KnownRollouts, stack: AsyncExitStack, woken: asyncio.Event) -> None:
        raise NotImplementedError

    async def _tell_alive(self, known: KnownRollouts) -> None:
        now, why = moment.render(self._board.cluster.now), None if known.live else known.why
        source: Literal["live", "stale"] = "live" if known.live else "stale"
        await self._say("alive", AliveEvent(now=now, as_of=when(known.heard), source=source, why=why))

    async def _say(self, event: str, data: PageModel) -> None:
        await self._send(_event(event, data.text()))

    async def _wait(self, woken: asyncio.Event, within: float) -> None:
        try:
            async with asyncio.timeout(within):
                await woken.wait()
        except TimeoutError:
            return


class AllTeller(Teller):
    """Tells of all rollouts."""

    _namespaces: frozenset[str] = frozenset()
    _shown: dict[Ref, str] | None = None
    """What the page shows, with the uid of each; `None` where it shows nothing yet, or has to be told all anew."""
    _listed: frozenset[str] = frozenset()
    _acted: frozenset[str] = frozenset()

    async def _look_at_rights(self, known: KnownRollouts) -> None:
        refs = known.refs()
        listed = await self._person.namespaces_of(LIST, refs)
        acted = await self._person.namespaces_of(PATCH, [ref for ref in refs if ref.namespace in listed])
        # Both at once: of half an answer nothing is told, and when the other half comes, nothing would differ any more.
        told_of = self._namespaces
        if (self._listed, self._acted) != (listed & told_of, acted & told_of):
            self._shown = None
        self._namespaces = frozenset(ref.namespace for ref in refs)
        self._listed, self._acted = listed, acted

    async def _tell_news(self, known: KnownRollouts, stack: AsyncExitStack, woken: asyncio.Event) -> None:
        del stack, woken
        news = known.since(self._seen)
        while any(ref.namespace not in self._namespaces for ref, _ in news):
            await self._look_at_rights(known)  # meanwhile objects may come in yet another one
            news = known.since(self._seen)
        before, self._seen = self._seen, known.version
        if self._shown is None:
            await self._tell_all(known)
            return
        if known.removed > before:
            for ref in [ref for ref in self._shown if ref not in known]:
                await self._gone(ref)
        for ref, one in news:
            if ref.namespace in self._listed and (line := self._line(ref, one)):
                self._shown[ref] = one.uid
                await self._send(_event("rollout", line))

    async def _tell_all(self, known: KnownRollouts) -> None:
        if known.heard is None:
            return
        all_ = {ref: one for ref in known.refs() if ref.namespace in self._listed and (one := known.get(ref))}
        self._shown = {ref: one.uid for ref, one in all_.items()}
        lines = ",".join(filter(None, [self._line(ref, one) for ref, one in all_.items()]))
        head = RolloutsEvent(as_of=when(known.heard), rollouts=()).model_dump_json(by_alias=True, include={"as_of"})
        await self._send(_event("rollouts", f'{head[:-1]},"rollouts":[{lines}]}}'))

    async def _gone(self, ref: Ref) -> None:
        uid = (self._shown or {}).pop(ref, "")
        await self._say("gone", GoneEvent(namespace=ref.namespace, name=ref.name, uid=uid))

    def _line(self, ref: Ref, one: KnownRollout) -> str:
        """Its line; empty where none can be made: one odd object takes none of the others away."""
        try:
            return one.line(may_act=ref.namespace in self._acted)
        except Exception as error:  # noqa: BLE001 - whatever somebody has put into it
            log.error("A rollout can't be shown", object=str(ref), error=type(error).__name__)  # noqa: TRY400 - its text may quote it
            return ""


class OneTeller(Teller):
    """Tells of one rollout, with its figures."""

    _may_see = False
    _may_act = False
    _shown: tuple[int, bool] | None = None
    """Which change of it the page shows, and whether with verbs; `None` for none."""
    _told_gone: GoneWhy | None = None
    """Why the page was last told that it is gone; `None` where the page shows it."""
    _followed: FollowedFigures | None = None
    _figures = 0

    async def _look_at_rights(self, known: KnownRollouts) -> None:
        del known
        self._may_see = await self._person.may(GET, self._which)
        self._may_act = self._may_see and await self._person.may(PATCH, self._which)

    async def _tell_news(self, known: KnownRollouts, stack: AsyncExitStack, woken: asyncio.Event) -> None:
        one = known.get(self._which) if self._may_see else None
        if one is None:
            await self._tell_gone(known)
            return
        if self._followed is None:
            self._followed = await stack.enter_async_context(self._board.feed.following(self._which, woken))
        self._told_gone = None
        if self._shown != (one.version, self._may_act):
            self._shown = one.version, self._may_act
            await self._say("detail", one.detail(may_act=self._may_act))
        if self._followed.version != self._figures and self._followed.shown is not None:
            self._figures = self._followed.version
            await self._say("figures", self._figures_of(one, self._followed))

    async def _tell_gone(self, known: KnownRollouts) -> None:
        # Who may not see it is told the same whether it is there or not.
        why: GoneWhy = "deleted" if self._may_see else "hidden"
        if self._told_gone == why or (known.heard is None and self._may_see):
            return
        self._told_gone, self._shown, self._figures = why, None, 0
        await self._say("gone", GoneEvent(namespace=self._which.namespace, name=self._which.name, uid="", why=why))

    def _figures_of(self, one: KnownRollout, followed: FollowedFigures) -> RolloutFigures:
        detailed = one.detail(may_act=self._may_act)
        settings = self._board.feed.settings
        return RolloutFigures(
            as_of=when(followed.at) or "",
            interval=settings.interval,
            window=settings.window,
            metrics=self._board.feed.prefix(self._which),
            figures=tuple(followed.shown or ()),
            percentage=track(detailed, followed.at),
        )


def _event(name: str, data: str) -> str:
    """An event; JSON has no line break in it, so it is one line."""
    return f"event: {name}\ndata: {data}\n\n"
