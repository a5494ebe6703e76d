"""The dashboard's streams, with a cluster and people of the test's own: whom it tells what, and when it stops."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer
from hatchling.builders.wheel import WheelBuilder
from mlrollout.ports import ConflictError, DeniedError, GoneError, ObjectsError, Ref
from mlrollout.server.app import make
from mlrollout.server.auth.guard import Headers
from mlrollout.server.config import Config, DashboardSettings
from mlrollout.server.dashboard import acts, feed, figures, known, pages, routes, stream, watch
from mlrollout.server.dashboard.board import Board
from mlrollout.server.dashboard.exchange import SessionAnswer
from mlrollout.server.dashboard.feed import FigureFeed
from mlrollout.server.dashboard.people import Person, not_signed_in
from mlrollout.server.dashboard.watch import SharedWatch
from mlrollout.server.http.problem import HttpProblem
from mlrollout.server.ofrep.ticket import Tickets
from structlog.testing import capture_logs

from tests.components.server.dashboards import PATH, Counted, Heard, InMemory, so

Client = TestClient[web.Request, web.Application]


class Everybody:
    """Everybody is signed in, until the test says otherwise, and may do what `may` says."""

    def __init__(self) -> None:
        self.signed_in = True
        self.may: Callable[[str, Ref], bool] = lambda _verb, _ref: True
        self.asked = 0

    async def person(self, request: web.Request) -> Person:
        if not self.signed_in:
            raise not_signed_in("The session has ended.", "token")

        async def may(verb: str, ref: Ref) -> bool:
            self.asked += 1
            return self.may(verb, ref)

        answer = SessionAnswer(
            user="kim", groups=(), mode="cluster", context=None, csrf="x", expires_at=None, namespaces=None
        )
        return Person("kim", may, answer, request.headers.get("X-Holder", "kim"))

    def add(self, app: web.Application) -> None:
        """Nobody signs in."""


@dataclass
class Place:
    """A dashboard, and what it stands on."""

    client: Client
    cluster: InMemory
    people: Everybody
    prometheus: Counted
    watch: SharedWatch

    @asynccontextmanager
    async def listening(self, rollout: str = "", holder: str = "kim") -> AsyncIterator["Heard"]:
        path = f"{PATH}?rollout={rollout}" if rollout else PATH
        async with self.client.get(path, headers={"X-Holder": holder}) as response:
            assert response.status == 200
            yield Heard(response)


BUSINESS = {
    "key": "empty_run",
    "title": {"en": "Empty-run distance", "ko": "공차 거리"},
    "query": "sum by (group) (rate(${metrics}_empty_metres_total[$window]))",
    "target": {"op": "<=", "value": -20, "relative": True},
}


@pytest.fixture
async def place(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    for name, seconds in (("ALIVE_EVERY", 0.05), ("CHECK_EVERY", 0.1)):
        monkeypatch.setattr(stream, name, seconds)
    monkeypatch.setattr(watch, "AT_LEAST", 0.02)
    cluster, people, prometheus = InMemory(), Everybody(), Counted()
    settings = DashboardSettings.model_validate({"business": [BUSINESS]})
    shared = SharedWatch(cluster)
    asked = FigureFeed(prometheus, settings, lambda ref: ref.name.replace("-", "_"))
    config = Config.model_validate({"rollouts": [{"name": "a", "key": "a"}], "rate": 100_000})
    app = make(config, {}, [], Tickets(b"x" * 32))
    routes.add(app, Board(cluster, shared, asked, people))
    app.on_shutdown.append(lambda _: shared.close())
    async with TestClient(TestServer(app)) as client:
        yield Place(client, cluster, people, prometheus, shared)


async def test_all_is_told_first_and_then_what_changes(place: Place) -> None:
    place.cluster.put("one")
    async with place.listening() as page:
        assert [one["name"] for one in (await page.until("rollouts"))["rollouts"]] == ["one"]
        place.cluster.put("two")
        assert (await page.until("rollout"))["name"] == "two"
        place.cluster.put("one", "rolled back by a breach")
        changed = await page.until("rollout")
        assert (changed["name"], changed["rolledBack"], changed["can"]) == ("one", True, [])
        place.cluster.remove("two")
        assert (await page.until("gone"))["uid"] == "uid-two"


async def test_what_happens_while_nothing_is_followed_is_told_once_it_is_again(place: Place) -> None:
    place.cluster.put("one")
    place.cluster.put("two")
    async with place.listening() as page:
        await page.until("rollouts")
        place.cluster.end_watches("ERROR")
        del place.cluster.objects[Ref("dispatch", "two")]
        place.cluster.put("three")
        names = {(await page.until("gone"))["name"]}
        assert names == {"two"}
        assert (await page.until("rollout"))["name"] == "three"
        assert place.cluster.lists == 2


async def test_a_watch_that_ends_goes_on_without_another_list(place: Place) -> None:
    place.cluster.put("one")
    async with place.listening() as page:
        await page.until("rollouts")
        for _ in range(3):
            before = place.cluster.watches
            place.cluster.end_watches()
            while place.cluster.watches == before:
                await page.until("alive", lambda one: one["source"] == "live")
        place.cluster.put("two")
        await page.until("rollout", lambda one: one["name"] == "two")
    assert place.cluster.lists == 1


async def test_what_can_not_be_read_makes_what_is_shown_old_and_is_tried_again(place: Place) -> None:
    place.cluster.put("one")
    async with place.listening() as page:
        await page.until("rollouts")
        place.cluster.end_watches("MODIFIED")
        assert "can't be read" in (await page.until("alive", lambda one: one["source"] == "stale"))["why"]
        await page.until("alive", lambda one: one["source"] == "live")


async def test_a_page_that_opens_while_the_cluster_is_away_shows_nothing_and_says_why(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "READY_WITHIN", 0.1)
    place.cluster.broken = "the API server is away"
    place.cluster.put("one")
    async with place.listening() as page:
        old = await page.until("alive", lambda one: "away" in one["why"])
        assert (old["asOf"], old["source"]) == (None, "stale")
        place.cluster.broken = ""
        assert [one["name"] for one in (await page.until("rollouts"))["rollouts"]] == ["one"]


async def test_an_operator_that_falls_silent_is_told_although_nothing_is_written(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "LOOK_AGAIN", 0.02)
    place.cluster.put("one", "advancing")
    place.cluster.objects[Ref("dispatch", "one")]["metadata"]["managedFields"] = [
        {"subresource": "status", "time": "2026-11-23T09:29:30Z"}
    ]
    async with place.listening() as page:
        assert (await page.until("rollouts"))["rollouts"][0]["tone"] == "well"
        place.cluster.now += 1000
        assert "may guard it no more" in (await page.until("rollout"))["message"]


async def test_whose_session_ends_while_the_page_is_open_is_told_so_and_no_more(place: Place) -> None:
    place.cluster.put("one")
    async with place.listening() as page:
        await page.until("rollouts")
        place.people.signed_in = False
        assert await page.until("end") == {"why": "signed-out"}
        assert await page.ended()


async def test_a_right_that_is_taken_away_takes_the_objects_from_the_page_and_one_that_is_given_brings_them(
    place: Place,
) -> None:
    place.cluster.put("one")
    place.cluster.put("two", namespace="other")
    async with place.listening() as page:
        assert len((await page.until("rollouts"))["rollouts"]) == 2
        place.people.may = lambda verb, ref: ref.namespace == "other" and verb == "list"
        left = (await page.until("rollouts"))["rollouts"]
        assert [(one["namespace"], one["can"]) for one in left] == [("other", [])]
        place.people.may = lambda _verb, ref: ref.namespace == "other"
        assert (await page.until("rollouts"))["rollouts"][0]["can"] == ["rollback"]


async def test_a_right_that_is_taken_away_is_told_although_half_of_what_somebody_may_can_not_be_found_out_then(
    place: Place,
) -> None:
    half = 0

    def half_an_answer(verb: str, ref: Ref) -> bool:
        nonlocal half
        if verb == "patch":
            half += 1
            raise HttpProblem(503, "the API server is away")
        return ref.namespace == "other"

    place.people.may = lambda verb, _ref: verb == "list"
    place.cluster.put("one")
    place.cluster.put("two", namespace="other")
    async with place.listening() as page:
        assert len((await page.until("rollouts"))["rollouts"]) == 2
        place.people.may = half_an_answer
        await so(lambda: half)
        place.people.may = lambda verb, ref: verb == "list" and ref.namespace == "other"
        assert [one["name"] for one in (await page.until("rollouts"))["rollouts"]] == ["two"]


async def test_a_right_that_is_taken_away_is_told_although_it_is_found_with_a_namespace_that_is_new(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.cluster.put("one")
    place.cluster.put("two", namespace="other")
    async with place.listening() as page:
        assert len((await page.until("rollouts"))["rollouts"]) == 2
        monkeypatch.setattr(stream, "CHECK_EVERY", 3600.0)
        place.people.asked = 0
        await so(lambda: place.people.asked)  # that one was the last by the clock
        await page.until("alive")
        place.people.may = lambda _verb, ref: ref.namespace in {"other", "new"}
        place.cluster.put("three", namespace="new")
        left = (await page.until("rollouts"))["rollouts"]
        assert [one["name"] for one in left] == ["two", "three"]


async def test_while_nobody_can_say_what_somebody_may_see_nothing_is_shown_and_nothing_is_said_to_be_gone(
    place: Place,
) -> None:
    def nobody_knows(_verb: str, _ref: Ref) -> bool:
        raise HttpProblem(503, "the API server is away")

    place.cluster.put("one")
    place.people.may = nobody_knows
    async with place.listening() as all_, place.listening("dispatch/one") as one:
        for page in (all_, one):
            for _ in range(4):
                assert (await page.next())[0] == "alive"
        place.people.may = lambda _verb, _ref: True
        assert len((await all_.until("rollouts"))["rollouts"]) == 1
        assert (await one.until("detail"))["name"] == "one"
        place.people.may = nobody_knows
        place.cluster.put("two", namespace="other")
        place.people.may = lambda _verb, _ref: True
        assert (await all_.until("rollout"))["name"] == "two"


async def test_who_may_see_a_rollout_no_more_is_told_so_and_nothing_of_whether_it_is_there(place: Place) -> None:
    place.cluster.put("one")
    async with place.listening("dispatch/one") as page:
        await page.until("detail")
        place.people.may = lambda _verb, _ref: False
        hidden = {"namespace": "dispatch", "name": "one", "uid": "", "why": "hidden"}
        assert await page.until("gone") == hidden
        async with place.listening("dispatch/one") as stranger, place.listening("dispatch/none") as nothing:
            assert await stranger.until("gone") == hidden
            assert await nothing.until("gone") == hidden | {"name": "none"}
        place.people.may = lambda _verb, _ref: True
        assert (await page.until("detail"))["name"] == "one"
        place.cluster.remove("one")
        assert (await page.until("gone"))["why"] == "deleted"
        place.people.may = lambda _verb, _ref: False
        assert await page.until("gone") == hidden


async def test_the_servers_clock_is_told_however_long_ago_the_cluster_was_heard(place: Place) -> None:
    place.cluster.put("one")
    async with place.listening() as page:
        heard = (await page.until("alive", lambda one: one["source"] == "live"))["asOf"]
        place.cluster.now += 12.25
        told = await page.until("alive", lambda one: one["now"] != heard)
        assert (told["asOf"], told["now"]) == ("2026-11-23T09:30:00.000Z", "2026-11-23T09:30:12.250Z")


async def test_an_object_in_a_namespace_that_is_new_is_asked_about_before_it_is_told(place: Place) -> None:
    place.cluster.put("one")
    place.people.may = lambda _verb, ref: ref.namespace in {"dispatch", "mine"}
    async with place.listening() as page:
        await page.until("rollouts")
        place.cluster.put("hidden", namespace="secret")
        place.cluster.put("two", namespace="mine")
        assert (await page.until("rollout"))["name"] == "two"


async def test_one_odd_object_takes_none_of_the_others_away(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def odd(of: Callable[..., Any]) -> Callable[..., Any]:
        def made(found: Any, *others: Any) -> Any:
            if found["metadata"]["name"] == "odd":
                raise OverflowError("s3cret")
            return of(found, *others)

        return made

    place.cluster.put("one")
    place.cluster.put("odd")
    for name in ("glance", "line"):
        with monkeypatch.context() as patch:
            patch.setattr(known, name, odd(getattr(known, name)))
            async with place.listening(holder=name) as page:
                told = await page.until("rollouts")
                assert [one["name"] for one in told["rollouts"]] == ["one"]
                place.cluster.put("odd")
                place.cluster.put("two")
                assert (await page.until("rollout"))["name"] == "two"
        place.cluster.remove("two")
        await so(lambda: Ref("dispatch", "two") not in place.watch.known)
        place.cluster.put("odd")


async def test_a_fault_ends_a_stream_and_writes_no_second_answer_into_it(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise OverflowError("s3cret")

    monkeypatch.setattr(known, "detail", broken)
    place.cluster.put("ml-dispatch")
    async with place.listening("dispatch/ml-dispatch") as page:
        said = await asyncio.wait_for(page.response.read(), 10)
    assert said.startswith(b"retry: ")
    assert b"HTTP/1.1" not in said


async def test_one_rollout_comes_with_its_figures_and_no_data_is_no_zero(place: Place) -> None:
    place.cluster.put("ml-dispatch")
    async with place.listening("dispatch/ml-dispatch") as page:
        assert (await page.until("detail"))["percentage"] == 30
        told = await page.until("figures")
    assert [one["key"] for one in told["figures"]][:5] == [
        "success_rate",
        "average_score",
        "response_time",
        "error_rate",
        "satisfaction",
    ]
    assert told["figures"][5]["title"] == {"en": "Empty-run distance", "ko": "공차 거리"}
    for figure in told["figures"]:
        for group in figure["groups"].values():
            assert (group["value"], group["samples"], group["ok"]) == (None, None, None)
            assert {value for _, value in group["points"]} == {None}
    assert told["metrics"] == "ml_dispatch"
    assert told["percentage"]["points"][-1][1] == 30
    assert "ml_dispatch_empty_metres_total[300s]" in place.prometheus.queries[-1]


async def test_a_sample_that_nothing_can_be_made_of_ends_no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "AT_LEAST", 0.01)
    settings = DashboardSettings.model_validate({"business": [BUSINESS]}).model_copy(update={"interval": 0.0})
    broken, five = True, figures.five

    def sometimes(*given: Any) -> Any:
        if broken:
            raise ZeroDivisionError
        return five(*given)

    monkeypatch.setattr(figures, "five", sometimes)
    asked = FigureFeed(Counted(), settings, lambda ref: ref.name)
    async with asked.following(Ref("dispatch", "a"), asyncio.Event()) as followed:
        await so(lambda: followed.version > 1)
        assert {one.error is None for one in followed.shown or ()} == {False}
        assert "ZeroDivisionError" in str((followed.shown or ())[0].error)
        broken = False
        await so(lambda: all(one.error is None for one in followed.shown or ()))


async def test_fifty_pages_of_one_rollout_ask_prometheus_once(place: Place) -> None:
    place.cluster.put("ml-dispatch")

    async def look(number: int) -> None:
        async with place.listening("dispatch/ml-dispatch", holder=str(number)) as page:
            await page.until("figures")
            await everybody.wait()

    everybody = asyncio.Barrier(50)
    await asyncio.gather(*map(look, range(50)))
    assert (place.cluster.lists, place.cluster.watches) == (1, 1)
    assert len(place.prometheus.queries) == 2  # of the five, and of the one that the configuration adds


async def test_where_nobody_watches_nothing_is_asked_after_a_while(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "LINGER", 0.01)
    place.cluster.put("one")
    async with place.listening() as page:
        await page.until("rollouts")
    await so(lambda: not place.watch.known.live)
    place.cluster.put("two")
    async with place.listening() as page:
        told = await page.until("rollouts", lambda one: len(one["rollouts"]) == 2)
        assert told["asOf"]
    assert place.cluster.lists == 2


async def test_a_page_too_many_has_to_go_and_is_told_to_come_back_later(place: Place) -> None:
    place.cluster.put("one")
    async with place.listening() as first:
        await first.until("rollouts")
        others = [place.client.get(PATH) for _ in range(8)]
        responses = [await one for one in others]
        assert await first.until("end") == {"why": "crowded"}
        for response in responses:
            response.close()


async def test_pages_are_let_go_where_the_server_ends(place: Place) -> None:
    place.cluster.put("one")
    async with place.listening() as page:
        await page.until("rollouts")
        await place.watch.close()
        assert await page.ended()


# --- acts --------------------------------------------------------------------------------------


async def _pause(place: Place) -> tuple[int, Any]:
    return await _act(place, "pause")


async def _act(place: Place, verb: str, **more: object) -> tuple[int, Any]:
    path = "/dashboard/api/rollouts/dispatch/ml-dispatch/acts"
    async with place.client.post(path, json={"verb": verb, **more}, headers={"X-CSRF-Token": "x"}) as answer:
        return answer.status, await answer.json()


async def _seen(place: Place) -> Any:
    """How it stands, as a page is told."""
    async with place.listening("dispatch/ml-dispatch") as page:
        return (await page.until("detail"))["situation"]


@pytest.mark.parametrize(
    ("state", "answered", "message"),
    [
        ("rolled back by a person", True, "it is rolled back already, and stays so"),
        ("rolled back, not confirmed", False, "traffic goes to 0 %, and stays there until a retry or a new revision"),
    ],
)
async def test_a_rollback_is_called_done_once_redis_is_known_to_hold_it(
    place: Place, monkeypatch: pytest.MonkeyPatch, state: str, message: str, *, answered: bool
) -> None:
    monkeypatch.setattr(acts, "ANSWERED_WITHIN", 0.05)
    place.cluster.put("ml-dispatch", state)
    assert await _act(place, "rollback") == (200, {"accepted": True, "answered": answered, "message": message})


@pytest.mark.parametrize(
    ("reason", "message", "accepted"),
    [
        ("Paused", "the rollout is paused: lunch", True),
        ("VerbRefused", "pause (lunch) is refused: not now", False),
    ],
)
async def test_what_the_operator_answers_is_the_answer(
    place: Place, reason: str, message: str, *, accepted: bool
) -> None:
    place.cluster.put("ml-dispatch")
    place.cluster.answers = {"reason": reason, "message": message, "serial": 1000}
    status, answer = await _pause(place)
    assert status == 200
    assert answer == {"accepted": accepted, "answered": True, "message": message}


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (DeniedError("kim may not pause"), 403),
        (GoneError("gone"), 404),
        (ObjectsError("the API server is away"), 503),
        (ConflictError("changed"), 503),
    ],
)
async def test_why_nothing_could_be_asked_for_is_told(place: Place, error: ObjectsError, status: int) -> None:
    place.cluster.put("ml-dispatch")
    place.cluster.fails = error
    told = await _pause(place)
    assert told[0] == status
    assert status == 404 or str(error) in told[1]["detail"] or "too often" in told[1]["detail"]


async def test_whether_anything_was_asked_for_is_told_apart_from_what_nobody_knows(place: Place) -> None:
    place.cluster.put("ml-dispatch")
    place.cluster.fails = ObjectsError("it answered too late")
    assert "asked" not in (await _pause(place))[1]
    place.cluster.fails = ConflictError("changed")
    assert [(await _act(place, verb))[1]["asked"] for verb in ("pause", "rollback")] == [False, False]
    place.cluster.asked.clear()
    place.cluster.unread = ObjectsError("the API server is away")
    status, answer = await _pause(place)
    assert (status, answer["asked"], place.cluster.asked) == (503, False, [])
    assert "is away" in answer["detail"]


async def test_a_cluster_that_does_not_answer_is_waited_for_no_longer_than_the_page_waits(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: object, **__: object) -> None:
        await asyncio.Event().wait()

    place.cluster.put("ml-dispatch")
    monkeypatch.setattr(acts, "ASKED_WITHIN", 0.05)
    monkeypatch.setattr(place.cluster, "ask", never)
    with capture_logs() as lines:
        status, answer = await _act(place, "rollback")
    assert (status, "asked" in answer) == (503, False)
    assert "has not answered within" in answer["detail"]
    assert [(one["event"], one["verb"]) for one in lines] == [("Could not ask for a verb", "rollback")]


async def test_a_promotion_that_was_done_although_no_answer_came_is_not_done_again(place: Place) -> None:
    place.cluster.put("ml-dispatch", "advancing")
    seen = await _seen(place)
    place.cluster.fails = ObjectsError("it answered too late")
    assert (await _act(place, "promote", seen=seen))[0] == 503
    assert place.cluster.asked == ["promote"]

    place.cluster.fails = None
    place.cluster.put("ml-dispatch", "second stage")
    status, answer = await _act(place, "promote", seen=seen)
    assert (status, place.cluster.asked) == (409, ["promote"])
    assert "It has moved on since you looked at it: StageAdvanced (stage expansion at 30 %)." in answer["detail"]

    assert (await _act(place, "promote", seen=await _seen(place)))[0] == 200


@pytest.mark.parametrize("verb", ["promote", "approve", "retry", "resume", "demote"])
async def test_what_depends_on_how_it_stands_is_not_asked_for_by_a_page_that_does_not_say_what_it_saw(
    place: Place, verb: str
) -> None:
    place.cluster.put("ml-dispatch")
    status, answer = await _act(place, verb)
    assert (status, place.cluster.asked) == (422, [])
    assert "load the page anew" in answer["detail"]


@pytest.mark.parametrize(
    "act", [{"verb": "rollback"}, {"verb": "pause"}, {"verb": "demote", "percentage": 10}], ids=lambda one: one["verb"]
)
async def test_what_lowers_is_asked_for_whatever_has_happened_since(
    place: Place, monkeypatch: pytest.MonkeyPatch, act: dict[str, Any]
) -> None:
    monkeypatch.setattr(acts, "ANSWERED_WITHIN", 0.05)
    place.cluster.put("ml-dispatch", "advancing")
    seen = await _seen(place)
    place.cluster.put("ml-dispatch", "second stage")
    assert (await _act(place, **act, seen=seen))[0] == 200
    another = seen | {"uid": "another"}
    assert (await _act(place, **act, seen=another))[0] == (200 if act["verb"] == "rollback" else 409)


# --- the page ----------------------------------------------------------------------------------


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[Callable[..., Awaitable[ClientResponse]]]:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html>" + "x" * 1000)
    (tmp_path / "assets" / "a-1.js").write_text("1" * 1000)
    (tmp_path / "secret.key").write_text("none of the page's")
    app = web.Application()
    pages.add(app, pages.read(tmp_path))
    app.on_response_prepare.append(pages.secure)
    app.on_response_prepare.append(Headers(frozenset({"https://listed.example.com"})))
    async with TestClient(TestServer(app)) as client:

        async def get(path: str, **headers: str) -> ClientResponse:
            return await client.get(path, headers={"Accept-Encoding": "identity", **headers}, auto_decompress=False)

        yield get


async def test_the_page_is_served_from_memory_packed_where_that_is_understood(
    page: Callable[..., Awaitable[ClientResponse]],
) -> None:
    plain = await page("/dashboard/")
    packed = await page("/dashboard/assets/a-1.js", **{"Accept-Encoding": "br, gzip"})
    again = await page("/dashboard/", **{"If-None-Match": plain.headers["ETag"]})

    assert (plain.content_type, plain.headers["Cache-Control"]) == ("text/html", "no-cache")
    assert "script-src 'self';" in plain.headers["Content-Security-Policy"]
    assert "unsafe" not in plain.headers["Content-Security-Policy"]
    assert len(await packed.read()) < 100
    assert packed.headers["Cache-Control"].endswith("immutable")
    assert again.status == 304


async def test_a_cache_keeps_the_packed_file_and_the_plain_one_apart(
    page: Callable[..., Awaitable[ClientResponse]],
) -> None:
    plain, packed = await page("/dashboard/"), await page("/dashboard/", **{"Accept-Encoding": "gzip"})
    tags = [one.headers["ETag"] for one in (plain, packed)]
    again = [await page("/dashboard/", **{"Accept-Encoding": "gzip", "If-None-Match": tag}) for tag in tags]

    assert tags[0] != tags[1]
    assert [one.status for one in again] == [200, 304]
    for one in (plain, packed, again[1]):
        assert one.headers.getall("Vary") == ["Accept-Encoding, Origin"]


@pytest.mark.parametrize(
    ("accepted", "packs"),
    [
        ("gzip", True),
        ("GZIP;q=0.001", True),
        ("br;q=1, *", True),
        ("", False),
        ("br", False),
        ("gzip;q=0", False),
        ("br, gzip ; q=0.000", False),
        ("*;q=0", False),
        ("gzip;q=0, *", False),
    ],
)
def test_a_file_is_packed_for_whoever_takes_it_so(accepted: str, *, packs: bool) -> None:
    assert pages.takes_gzip(accepted) is packs


@pytest.mark.parametrize(
    "name", ["secret.key", "../pages.py", "%2e%2e/pages.py", "assets", "assets/", "assets//a-1.js"]
)
def test_what_is_none_of_the_pages_files_is_not_there(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.key").write_text("x")
    assert name not in pages.read(tmp_path)


def test_a_page_that_was_not_built_is_none(tmp_path: Path) -> None:
    assert pages.read(tmp_path / "none") == {}


def test_the_wheel_and_so_the_image_carry_the_page_that_is_committed() -> None:
    root = Path(__file__).parents[3]
    carried = {one.distribution_path for one in WheelBuilder(str(root)).recurse_included_files()}

    assert pages.INDEX in pages.read()
    assert {f"mlrollout/server/dashboard/page/{name}" for name in pages.read()} <= carried
