"""Sessions of the dashboard on a server in the cluster: how they begin and end, with a cluster of the test's own."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from aiohttp import ClientResponse, CookieJar, web
from aiohttp.test_utils import TestClient, TestServer
from mlrollout.adapters.kubernetes import KubernetesReviews, User
from mlrollout.ports import ObjectsError, Ref
from mlrollout.server.app import make
from mlrollout.server.auth import answer_cache, cluster, guard
from mlrollout.server.auth.cluster import Cluster
from mlrollout.server.config import Config, DashboardSettings
from mlrollout.server.dashboard import routes, stream
from mlrollout.server.dashboard.board import Board
from mlrollout.server.dashboard.cookie import COOKIE
from mlrollout.server.dashboard.feed import FigureFeed
from mlrollout.server.dashboard.seal import Seal
from mlrollout.server.dashboard.sign_in import SESSION, ClusterPeople
from mlrollout.server.dashboard.watch import SharedWatch
from mlrollout.server.http.addresses import Proxies
from mlrollout.server.metrics import METRICS
from mlrollout.server.ofrep.ticket import Tickets
from structlog.testing import capture_logs

from tests.components.server.dashboards import PATH, Counted, Heard, InMemory, so

SECRET = b"x" * 32


@dataclass
class Reviews:
    """An API server that knows these tokens, and lets everybody do everything."""

    tokens: set[str] = field(default_factory=lambda: {"kims"})
    asked: int = 0
    away: bool = False

    async def user(self, token: str) -> User | None:
        self.asked += 1
        if self.away:
            raise ObjectsError("the API server is away")
        return User("kim") if token in self.tokens else None

    async def may(self, user: User, verb: str, ref: Ref) -> bool:
        del user, verb, ref
        return True


@dataclass
class Browser:
    """A browser at the dashboard."""

    client: TestClient[web.Request, web.Application]
    csrf: str = ""
    told: str = ""

    async def sign_in(self, token: str = "kims") -> int:  # noqa: S107 - of the cluster in memory
        async with self.client.post(SESSION, json={"token": token}) as answer:
            self.csrf = (await answer.json()).get("csrf", "")
            return answer.status

    async def sign_out(self, **headers: str) -> int:
        async with self.client.delete(SESSION, headers={"X-CSRF-Token": self.csrf, **headers}) as answer:
            self.told = await answer.text()
            return answer.status

    def listen(self, **headers: str) -> Any:
        return self.client.get(PATH, headers=headers)

    def cookie(self) -> str:
        (found,) = [one for one in self.client.session.cookie_jar if one.key == COOKIE]
        return found.value


@dataclass
class Place:
    """A dashboard, and what it stands on."""

    browser: Browser
    reviews: Reviews
    objects: InMemory


@pytest.fixture
async def place(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    for name, seconds in (("ALIVE_EVERY", 0.05), ("CHECK_EVERY", 0.1)):
        monkeypatch.setattr(stream, name, seconds)
    monkeypatch.setattr(guard, "MOST_LOGGED", 1 / 3600)
    monkeypatch.setattr(cluster, "UNKNOWN_PER_SECOND", 1 / 3600)
    reviews, objects = Reviews(), InMemory()
    known = Cluster(cast("KubernetesReviews", reviews))
    known._answers = answer_cache.AnswerCache(remembered=0.0)
    served = {"rollouts": [{"name": "a", "key": "a"}], "rate": 100_000, "proxies": ["127.0.0.1/32"]}
    config = Config.model_validate(served)
    settings = DashboardSettings.model_validate({"proxy": {"user": "X-Remote-User"}})
    people = ClusterPeople(known, settings, Seal(SECRET), Proxies(config.proxies))
    shared = SharedWatch(objects)
    app = make(config, {}, [], Tickets(b"x" * 32))
    routes.add(app, Board(objects, shared, FigureFeed(Counted(), settings, lambda _ref: ""), people))
    app.on_shutdown.append(lambda _: shared.close())
    async with TestClient(TestServer(app), cookie_jar=CookieJar(unsafe=True)) as client:
        yield Place(Browser(client), reviews, objects)


async def status(answer: ClientResponse) -> int:
    async with answer:
        return answer.status


async def test_signing_out_ends_the_session_in_every_tab_and_in_a_copy_of_its_cookie(place: Place) -> None:
    browser = place.browser
    assert await browser.sign_in() == 200
    kept = browser.cookie()
    copies = [f"{COOKIE}={kept}", f"{COOKIE}={kept[:9]}!{kept[9:]}"]  # the same bytes, written otherwise
    for copy in copies:
        assert await status(await browser.client.get(SESSION, headers={"Cookie": copy})) == 200
    async with browser.listen() as tab:
        page = Heard(tab)
        await page.until("alive")
        assert await browser.sign_out() == 204
        assert await page.until("end") == {"why": "signed-out"}
    for copy in copies:
        assert await status(await browser.client.get(SESSION, headers={"Cookie": copy})) == 401


async def test_signing_out_ends_no_other_session_of_the_same_token(place: Place) -> None:
    browser, other = place.browser, Seal(SECRET).close("kims")
    assert await browser.sign_in() == 200
    assert await browser.sign_out() == 204
    assert await status(await browser.client.get(SESSION, headers={"Cookie": f"{COOKIE}={other}"})) == 200


@pytest.mark.parametrize(
    ("shown", "by"),
    [({"X-Remote-User": "kim"}, "X-Remote-User"), ({"Authorization": "Bearer kims"}, "Authorization")],
)
async def test_nobody_signs_out_here_whom_a_proxy_signs_in(place: Place, shown: dict[str, str], by: str) -> None:
    browser = place.browser
    assert await browser.sign_in() == 200  # once, by the page: the proxy's word counts more
    async with browser.client.get(SESSION, headers=shown) as answer:
        told = await answer.json()
    assert told["canSignOut"] is False
    browser.csrf = told["csrf"]
    with capture_logs() as lines:
        assert await browser.sign_out(**shown) == 409
    assert by in browser.told
    assert "Signed out" not in [line["event"] for line in lines]
    assert await status(await browser.client.get(SESSION, headers=shown)) == 200


async def test_a_page_of_a_session_that_another_has_taken_the_place_of_is_told_nothing(place: Place) -> None:
    client = place.browser.client
    place.reviews.tokens.add("lees")
    kims, lees = ({"Cookie": f"{COOKIE}={Seal(SECRET).close(token)}"} for token in ("kims", "lees"))
    async with client.get(SESSION, headers=kims) as answer:
        tag = (await answer.json())["tag"]
    for path in (f"{PATH}?session={tag}", f"{PATH}?rollout=a/b&session={tag}"):
        assert await status(await client.get(path, headers=kims)) == 200
        assert await status(await client.get(path, headers=lees)) == 409
    assert await status(await client.get(PATH, headers=lees)) == 200


async def test_who_signed_in_by_the_page_may_sign_out_there(place: Place) -> None:
    assert await place.browser.sign_in() == 200
    async with place.browser.client.get(SESSION) as answer:
        assert (await answer.json())["canSignOut"] is True


@pytest.mark.parametrize("by_proxy", [False, True])
async def test_an_open_session_is_reviewed_however_many_strangers_come_from_its_address(
    place: Place, *, by_proxy: bool
) -> None:
    browser, shown = place.browser, {}
    if by_proxy:
        shown["Authorization"] = "Bearer kims"
    else:
        assert await browser.sign_in() == 200
    async with browser.listen(**shown) as tab:
        page = Heard(tab)
        await page.until("alive")
        assert await browser.sign_in("strangers") == 429
        before = place.reviews.asked
        await so(lambda: place.reviews.asked > before + 2)
        place.reviews.tokens.clear()
        assert await page.until("end") == {"why": "signed-out"}


async def test_a_stream_ends_where_it_can_not_be_found_out_for_long_whether_its_session_is_still_good(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    await place.browser.sign_in()
    async with place.browser.listen() as tab:
        page = Heard(tab)
        await page.until("alive")
        place.reviews.away = True
        before = place.reviews.asked
        await so(lambda: place.reviews.asked > before + 2)
        await page.until("alive")
        monkeypatch.setattr(stream, "SURE_FOR", 0.2)
        assert "end" not in await page.rest()  # nobody has signed out: the page comes back by itself
    assert await status(await place.browser.listen()) == 503


async def test_a_sign_in_that_fails_is_told_as_every_refusal_is_and_no_more_often(place: Place) -> None:
    with capture_logs() as lines:
        for _ in range(3):
            assert await place.browser.sign_in("ä") == 401
    told = [(line["event"], line["path"], line["status"]) for line in lines]
    assert told == [("Refused", SESSION, 401)]
    assert place.browser.client.app[METRICS].untold._value.get() == 2
