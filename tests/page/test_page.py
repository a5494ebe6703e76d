"""What the page does with what it is told: in a real browser, with the server's stand-in."""

from typing import Any

import pytest

from tests.page.samples import HTML, detail, figures, guardrail, line, now, step
from tests.page.stand_in import GOOD, StandIn
from tests.support.browser import Screens
from tests.support.screen import AXE

ONE = "#/dispatch/ml-dispatch"
FOCUSED = "document.activeElement"

pytestmark = pytest.mark.xdist_group("page")  # one browser for all

needs_axe = pytest.mark.skipif(not AXE.exists(), reason="needs the page's Node packages: make page-tools")


# --- many ----------------------------------------------------------------------------------------


def test_of_a_thousand_rollouts_those_in_sight_are_drawn(screen: Screens, stand_in: StandIn) -> None:
    shown = screen().open(stand_in.url)
    shown.see("1000 rollouts")
    assert shown.ask("document.querySelectorAll('[data-row]').length") < 60
    assert shown.ask("document.querySelector('[role=table]').getAttribute('aria-rowcount')") == "1001"

    shown.ask("scrollTo(0, document.body.scrollHeight)")
    shown.until("document.querySelector('[aria-rowindex=\"1001\"]') !== null")
    assert shown.ask("document.querySelectorAll('[data-row]').length") < 60


def test_they_are_searched_and_told_apart(screen: Screens, stand_in: StandIn) -> None:
    shown = screen().open(stand_in.url)
    shown.see("1000 rollouts")
    shown.type("/")
    shown.page.keyboard.type("dispatch-0097")
    shown.see("1 of 1000 rollouts")
    shown.page.get_by_label("Search", exact=True).fill("")
    shown.press("Needs attention")
    shown.see("11 of 1000 rollouts")
    shown.page.get_by_label("Namespace").select_option("team-4")
    shown.see("2 of 1000 rollouts")


def test_what_changes_is_shown_and_what_goes_is_gone(screen: Screens, stand_in: StandIn) -> None:
    shown = screen().open(stand_in.url)
    shown.see("1000 rollouts")
    stand_in.say("rollout", line(1, name="ml-dispatch-0001", phase="ManualRollback", tone="bad", percentage=0))
    shown.see("Rolled back by a person")
    stand_in.say("gone", {"namespace": "team-1", "name": "ml-dispatch-0001", "uid": "uid-1", "why": "deleted"})
    shown.see("999 rollouts")


# --- whether it is how things are -----------------------------------------------------------------


def test_what_is_old_is_never_shown_as_live(screen: Screens, stand_in: StandIn) -> None:
    shown = screen().open(f"{stand_in.url}{ONE}")
    shown.see("Live", within=".live")
    stand_in.away = True
    stand_in.cut()
    shown.see("Not live: what you see is as of")
    shown.until("getComputedStyle(document.querySelector('.state')).filter === 'grayscale(1)'")
    assert shown.page.locator(".live.on").count() == 0
    assert shown.page.title().startswith("…")

    stand_in.away = False
    stand_in.detail = detail(percentage=10)
    shown.see("Live", within=".live.on")
    shown.see("10 %", within=".summary")
    shown.lose(".stale-banner")


def test_a_server_that_does_not_hear_the_cluster_is_no_source_of_news(screen: Screens, stand_in: StandIn) -> None:
    shown = screen().open(stand_in.url)
    shown.see("Live", within=".live.on")
    stand_in.say("alive", {"now": now(), "asOf": now(3600), "source": "stale", "why": "the watch ended"})
    shown.see("the watch ended")
    shown.see("1 h", within=".stale-banner")


def test_a_rollout_that_is_deleted_while_open_says_so_and_can_be_acted_on_no_more(
    screen: Screens, stand_in: StandIn
) -> None:
    shown = screen().open(f"{stand_in.url}{ONE}")
    shown.see("Roll back")
    stand_in.say("gone", _gone("deleted"), of_one=True)
    shown.see("This rollout was deleted")
    assert shown.page.get_by_role("button", name="Roll back").count() == 0
    shown.see("error-rate")


def test_of_a_rollout_that_one_may_see_no_more_nothing_is_shown(screen: Screens, stand_in: StandIn) -> None:
    shown = screen().open(f"{stand_in.url}{ONE}")
    shown.see("error-rate")
    stand_in.say("gone", _gone("hidden"), of_one=True)
    shown.see("You may not see this rollout any more")
    text = shown.page.locator("#content").inner_text()
    assert not [one for one in ("Roll back", "error-rate", "ranker-1", "30 %") if one in text]


def _gone(why: str) -> dict[str, str]:
    return {"namespace": "dispatch", "name": "ml-dispatch", "uid": "", "why": why}


# --- strangers ------------------------------------------------------------------------------------


def test_html_of_strangers_never_runs(screen: Screens, stand_in: StandIn) -> None:
    said: Any = {"name": HTML, "message": HTML, "waitingFor": HTML, "phase": HTML, "stage": HTML, "revision": HTML}
    stand_in.lines = [line(1, **said)]
    stand_in.detail = detail(
        **said | {"name": "ml-dispatch"},
        waiting=HTML,
        todo=HTML,
        traffic=HTML,
        contested=HTML,
        guardrails=[guardrail(HTML, HTML, message=HTML, verdict=HTML)],
        history=[step(1, 60, HTML, 0, 10, HTML, by=HTML)],
        stages=[{**detail()["stages"][0], "name": HTML}],
    )
    told = figures()
    told["figures"][0] |= {"title": {"en": HTML, "ko": HTML}, "unit": HTML, "error": HTML}
    told["percentage"]["events"][0] |= {"reason": HTML, "by": HTML, "message": HTML}
    stand_in.figures = told
    shown = screen().open(stand_in.url)
    shown.see(HTML)
    shown.open(f"{stand_in.url}{ONE}")
    shown.see(HTML, within=".history")
    shown.see(HTML, within=".figures")

    assert shown.ask("window.ran === undefined && document.querySelectorAll('#page img, #page script').length === 0")


def test_ten_thousand_points_are_drawn(screen: Screens, stand_in: StandIn) -> None:
    stand_in.figures = figures(10_000)
    shown = screen().open(f"{stand_in.url}{ONE}")
    shown.until("document.querySelectorAll('.card canvas').length === 5")


# --- who looks, and what they do -----------------------------------------------------------------


def test_a_token_that_expires_costs_neither_the_place_nor_what_was_written(screen: Screens, stand_in: StandIn) -> None:
    shown = screen().open(f"{stand_in.url}{ONE}")
    shown.press("Roll back")
    shown.page.get_by_label("Reason").fill("complaints of drivers")
    stand_in.signed_in = False
    shown.page.get_by_role("dialog").get_by_role("button", name="Roll back").click()
    shown.see("Your session has ended")
    shown.page.get_by_label("Token of the cluster").fill("bad")
    shown.press("Sign in")
    shown.see("does not know this token")
    shown.page.get_by_label("Token of the cluster").fill(GOOD)
    shown.press("Sign in")
    shown.lose(".sign-in")

    assert shown.page.get_by_label("Reason").input_value() == "complaints of drivers"
    assert shown.page.url.endswith(ONE)
    shown.page.get_by_role("dialog").get_by_role("button", name="Roll back").click()
    shown.see("rolled back", within=".acts")
    assert stand_in.acts == [{"verb": "rollback", "reason": "complaints of drivers"}]


def test_a_rollback_takes_a_keyboard_and_no_more(screen: Screens, stand_in: StandIn) -> None:
    shown = screen().open(f"{stand_in.url}{ONE}")
    shown.see("Roll back")
    for _ in range(20):
        shown.type("Tab")
        if "rollback" in shown.ask(f"{FOCUSED}.className"):
            break
    shown.type("Enter")
    shown.until(f"{FOCUSED}.id === 'act-reason'")
    shown.type("Escape")
    shown.until(f"{FOCUSED}.className.includes('rollback')")
    shown.type("Enter")
    shown.until(f"{FOCUSED}.id === 'act-reason'")
    shown.type(*"slow", "Enter")
    shown.until(f"{FOCUSED}.textContent.includes('rolled back')")
    assert stand_in.acts == [{"verb": "rollback", "reason": "slow"}]


def test_a_refusal_is_told_where_one_looks(screen: Screens, stand_in: StandIn) -> None:
    stand_in.answer = (409, {"title": "Conflict", "detail": "It is rolled back already, by another tab."})
    shown = screen(360, 780).open(f"{stand_in.url}{ONE}")
    shown.press("Roll back")
    shown.page.get_by_label("Reason").fill("again")
    shown.page.get_by_role("dialog").get_by_role("button", name="Roll back").click()
    shown.see("It is rolled back already, by another tab.", within="dialog")


def test_who_signs_in_after_another_sees_nothing_of_theirs(screen: Screens, stand_in: StandIn) -> None:
    shown = screen().open(stand_in.url)
    shown.see("1000 rollouts")
    shown.press("Sign out")
    shown.see("Sign in to see rollouts")
    assert shown.ask("document.querySelectorAll('[data-row]').length") == 0


def test_a_tab_in_which_another_is_signed_in_by_now_becomes_theirs(screen: Screens, stand_in: StandIn) -> None:
    shown = screen().open(f"{stand_in.url}{ONE}")
    shown.press("Roll back")
    shown.page.get_by_label("Reason").fill("complaints of drivers")
    stand_in.user, stand_in.detail = "lee", detail(revision="lees-ranker")
    stand_in.cut()
    shown.see("lee", within=".user")
    shown.see("lees-ranker")
    assert shown.page.get_by_role("dialog").count() == 0
    assert "ranker-1 " not in shown.page.locator(".summary").inner_text()


# --- everybody ------------------------------------------------------------------------------------


@needs_axe
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nobody_is_kept_out(screen: Screens, stand_in: StandIn, theme: str) -> None:
    shown = screen(theme=theme).open(stand_in.url)
    shown.see("1000 rollouts")
    assert shown.violations() == []
    shown.open(f"{stand_in.url}{ONE}")
    shown.see("Guardrails")
    shown.until("document.querySelectorAll('.card canvas').length === 5")
    assert shown.violations() == []
    shown.press("Demote")
    shown.picture(f"demote-{theme}")
    assert shown.violations() == []
    shown.type("Escape")
    stand_in.away = True
    stand_in.cut()
    shown.see("Not live")
    shown.picture(f"cut-{theme}")
    assert shown.violations() == []


@needs_axe
def test_nobody_is_kept_out_at_the_door_or_on_a_phone(screen: Screens, stand_in: StandIn) -> None:
    shown = screen(360, 780, language="ko-KR").open(f"{stand_in.url}{ONE}")
    shown.see("가드레일")
    assert shown.violations() == []
    stand_in.signed_in = False
    shown.page.reload()
    shown.see("롤아웃을 보려면 로그인하세요")
    shown.picture("sign-in")
    assert shown.violations() == []


@pytest.mark.parametrize("width", [360, 1280, 3840])
def test_it_fits_every_screen_theme_and_language(screen: Screens, stand_in: StandIn, width: int) -> None:
    for theme, language in (("light", "en-GB"), ("dark", "en-GB"), ("light", "ko-KR"), ("dark", "ko-KR")):
        shown = screen(width, width * 9 // 16 if width > 400 else 780, theme=theme, language=language)
        shown.open(stand_in.url)
        shown.until("document.querySelectorAll('[data-row]').length > 5")
        assert shown.too_wide == 0
        shown.picture(f"{width}-{theme}-{language[:2]}-list")
        shown.open(f"{stand_in.url}{ONE}")
        shown.until("document.querySelectorAll('.card canvas').length === 5")
        assert shown.too_wide == 0
        assert shown.ask("document.documentElement.lang") == language[:2]
        shown.picture(f"{width}-{theme}-{language[:2]}-one", whole=True)


def test_what_one_chose_is_kept(screen: Screens, stand_in: StandIn) -> None:
    shown = screen().open(stand_in.url)
    shown.see("1000 rollouts")
    shown.page.get_by_label("Language").select_option("ko")
    shown.see("롤아웃 1000개")
    dark = "getComputedStyle(document.body).backgroundColor === 'rgb(16, 20, 27)'"
    shown.page.get_by_label("테마").select_option("dark")
    shown.until(dark)
    shown.page.reload()
    shown.see("롤아웃 1000개")

    assert shown.ask(dark)


def test_the_pictures_of_the_readme_show_a_day_at_work(screen: Screens, stand_in: StandIn) -> None:
    names = ("ml-dispatch", "eta", "pricing", "fraud-score", "driver-matching", "demand-forecast", "search-ranking")
    states = (1, 8, 97, 3, 0, 29, 2)
    places = ("dispatch", "dispatch", "orders", "payments", "dispatch", "planning", "shop")
    stand_in.lines = [
        line(state or 10, name=name, namespace=place, uid=name)
        for name, state, place in zip(names, states, places, strict=True)
    ]
    shown = screen(1280, 620).open(stand_in.url)
    shown.see("7 rollouts")
    shown.picture("dashboard-all")
    shown = screen(1280, 1010, theme="dark").open(f"{stand_in.url}{ONE}")
    shown.until("document.querySelectorAll('.card canvas').length === 5")
    shown.picture("dashboard-one")
