"""OpenFeature's own OFREP clients for JavaScript: for servers, and for browsers."""

import json
import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from devstack.redis_server import RedisServer
from tests.components.assignment.place import KEY, Place, until
from tests.components.server.clients import SOURCES, Script, running
from tests.components.server.place import APP, APP_LINE, FLAGS, KIM, NAME, HttpServer, everybody, served, standing

KIM_S = {"targetingKey": "kim", "tier": "gold"}
CHANGED = "PROVIDER_CONFIGURATION_CHANGED"


def in_a_browser(
    folder: Path, server: HttpServer, *, token: str | None = APP, context: object = None, **options: object
) -> AbstractContextManager[Script]:
    told = {"url": server.url, "token": token, "flag": NAME, "context": context or KIM_S, "options": options}
    return running("web.mjs", folder, told, "--experimental-eventsource")


def test_the_lock_names_versions_and_hashes_and_no_registry() -> None:
    text = (SOURCES / "package-lock.json").read_text()
    packages: Mapping[str, Mapping[str, Any]] = json.loads(text)["packages"]

    assert "resolved" not in text
    assert "://" not in text
    assert all("version" in one and "integrity" in one for name, one in packages.items() if name)


# --- for browsers ------------------------------------------------------------------------------


def test_a_browser_evaluates_from_what_it_fetched(tmp_path: Path, server: HttpServer, place: Place) -> None:
    with in_a_browser(tmp_path, server) as page:
        ready = page.hear_event("ready")

    assert (ready["value"], ready["variant"], ready["reason"]) == (True, "treatment", "SPLIT")
    assert ready["metadata"]["attempt"] == place.record.attempt


def test_a_rollback_is_pushed_to_a_browser(tmp_path: Path, server: HttpServer, place: Place) -> None:
    with in_a_browser(tmp_path, server) as page:
        page.hear_event("ready")
        # Listening begins with one event, and nothing has changed.
        page.hear(lambda told: told.get("status") == 304)
        place.put(0, latched=True)
        changed = page.hear_event(CHANGED)

    assert NAME in changed["changed"]
    assert (changed["value"], changed["variant"], changed["reason"]) == (False, "control", "DISABLED")


def test_a_browser_that_only_polls_fetches_what_changed_and_nothing_else(
    tmp_path: Path, server: HttpServer, place: Place
) -> None:
    with in_a_browser(tmp_path, server, pollInterval=50, changeDetection="polling") as page:
        page.hear_event("ready")
        for _ in range(3):
            told = page.hear(lambda told: "status" in told)
            assert told == {"status": 304, "conditional": True}
        place.put(0, latched=True)
        assert page.hear_event(CHANGED)["value"] is False


def test_another_user_gets_their_own_answer(tmp_path: Path, server: HttpServer, place: Place) -> None:
    place.put(50)
    until(lambda: standing(server)[1] == 50, "50 %")
    group = {user_id: server.flag(user_id)["variant"] for user_id in map(str, range(30))}
    with in_a_browser(tmp_path, server) as page:
        page.hear_event("ready")
        for user_id, variant in group.items():
            page.tell({"targetingKey": user_id})
            assert page.hear_event("context")["variant"] == variant


def test_a_browser_listens_again_after_the_server_was_away(
    tmp_path: Path, redis_server: RedisServer, place: Place
) -> None:
    with served(redis_server.url, tokens=[APP_LINE]) as server:
        attempt = everybody(place)
        until(lambda: standing(server) == (attempt, 100), "treatment")
        with in_a_browser(tmp_path, server) as page:
            page.hear_event("ready")
            page.hear(lambda told: told.get("status") == 304)
            server.child.stop()
            page.hear_event("PROVIDER_STALE")
            place.put(0, latched=True)  # while nobody listens
            server.start()
            assert page.hear_event(CHANGED)["variant"] == "control"


def test_a_browser_without_a_user_is_told_why(tmp_path: Path, server: HttpServer) -> None:
    with in_a_browser(tmp_path, server, context={"tier": "gold"}) as page:
        assert page.hear(lambda told: told.get("status"))["status"] == 400
        assert page.hear_event("failed")["message"]


def test_a_browser_without_a_token_is_told_so(tmp_path: Path, server: HttpServer) -> None:
    with in_a_browser(tmp_path, server, token=None) as page:
        assert page.hear(lambda told: told.get("status"))["status"] == 401
        assert page.hear_event("failed")["code"] == "PROVIDER_FATAL"


def options_of_the_docs() -> dict[str, object]:
    """What docs/server.md gives the provider for a browser."""
    page = Path(__file__).parents[3].joinpath("docs", "server.md").read_text()
    mode, ttl = re.findall(r"cacheMode: '([a-z-]+)', cacheTTL: (\d+)", page)[0]
    return {"cacheMode": mode, "cacheTTL": int(ttl)}


def visit(folder: Path, server: HttpServer, **options: object) -> dict[str, Any]:
    """What a page sees first that keeps flags in the browser's storage, from one visit to the next."""
    told = {"url": server.url, "token": APP, "flag": NAME, "context": KIM_S, "options": options}
    storage = ["--experimental-webstorage", f"--localstorage-file={folder / 'storage'}"]
    with running("visit.mjs", folder, told, *storage) as page:
        return page.hear_event("first")


def test_the_visit_after_a_rollback_begins_with_control(tmp_path: Path, server: HttpServer, place: Place) -> None:
    documented = options_of_the_docs()
    assert visit(tmp_path, server, **documented)["value"] is True
    place.put(0, latched=True)
    until(lambda: server.flag()["value"] is False, "the rollback")

    # It was kept: by its default the provider would answer from there.
    assert visit(tmp_path, server)["value"] is True
    assert visit(tmp_path, server, **documented)["value"] is False


def test_an_answer_is_not_to_be_kept(server: HttpServer) -> None:
    assert server.ask("POST", FLAGS, KIM).headers["Cache-Control"] == "no-store"


# --- for servers -------------------------------------------------------------------------------


def asked(script: Script, kind: str, flag: str, context: Mapping[str, object], *, by_default: object) -> dict[str, Any]:
    script.tell({"kind": kind, "flag": flag, "byDefault": by_default, "context": context})
    return script.hear(lambda told: "value" in told)


def test_a_server_evaluates_each_time(tmp_path: Path, server: HttpServer, place: Place) -> None:
    with running("server.mjs", tmp_path, {"url": server.url, "token": APP}) as script:
        script.hear_event("ready")
        found = asked(script, "boolean", NAME, KIM_S, by_default=False)
        assert (found["value"], found["variant"], found["reason"]) == (True, "treatment", "SPLIT")

        place.put(0, latched=True)
        until(lambda: asked(script, "boolean", NAME, KIM_S, by_default=True)["value"] is False, "the rollback")


@pytest.mark.parametrize(
    ("flag", "context", "code"),
    [
        ("nope", KIM_S, "FLAG_NOT_FOUND"),
        (NAME, {}, "TARGETING_KEY_MISSING"),
        (NAME, {"targetingKey": 7.5}, "INVALID_CONTEXT"),
        (NAME, {"targetingKey": "\ud800"}, "INVALID_CONTEXT"),
        ("ranking/v2", KIM_S, "TYPE_MISMATCH"),
    ],
)
def test_a_server_falls_back_to_the_default_and_knows_why(
    tmp_path: Path, server: HttpServer, flag: str, context: Mapping[str, object], code: str
) -> None:
    with running("server.mjs", tmp_path, {"url": server.url, "token": APP}) as script:
        found = asked(script, "boolean", flag, context, by_default=False)

    assert (found["value"], found["reason"], found["errorCode"]) == (False, "ERROR", code)


def test_a_server_takes_every_type(tmp_path: Path, redis_server: RedisServer) -> None:
    values = {
        "string": ("old", "new"),
        "number": (0.0, 0.5),
        "object": ({"top": 1}, {"top": 3}),
        "boolean": (True, False),
    }
    rollouts = [
        {"name": kind, "key": KEY + kind, "values": {"control": control, "treatment": treatment}}
        for kind, (control, treatment) in values.items()
    ]
    with (
        served(redis_server.url, {"rollouts": rollouts}, [APP_LINE]) as server,
        running("server.mjs", tmp_path, {"url": server.url, "token": APP}) as script,
    ):
        for kind, (control, treatment) in values.items():
            assert asked(script, kind, kind, KIM_S, by_default=treatment)["value"] == control
