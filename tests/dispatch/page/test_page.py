"""The example's page in a real browser, on the service, the flag server and Redis as they run."""

import re
from collections.abc import Sequence
from typing import Any

import pytest
from mlrollout import Group

from tests.dispatch.page.conftest import Desks
from tests.dispatch.page.desk import Desk
from tests.dispatch.page.place import House
from tests.support.screen import AXE, Screen

CARD = re.compile(
    r"([123]) (?P<code>\S+) Score (?P<score>[01]\.\d\d) (?P<word>strong|fair|weak) .+ "
    r"Distance [01]\.\d\d Rotation [01]\.\d\d Time window [01]\.\d\d Preference [01]\.\d\d Voltage (Yes|No) "
    r"Assign (?P=code)"
)
OPTIMIZE = "POST api/ml-dispatch/optimize"
ASSIGN = "POST api/dispatches"


def told(desk: Desk) -> Sequence[re.Match[str]]:
    """The cards, as they are read."""
    texts = [" ".join(text.split()) for text in desk.cards.all_inner_texts()]
    found = [CARD.fullmatch(text) for text in texts]
    assert all(found), texts
    return [one for one in found if one]


# --- both groups -----------------------------------------------------------------------------------


def test_treatment_is_shown_three_cards_and_assigns_by_one_button(desk: Desks) -> None:
    one = desk().open()
    one.ml()
    one.shown.see("beta")
    cards = told(one)
    assert [card[1] for card in cards] == ["1", "2", "3"]
    for card in cards:
        score = float(card["score"])
        assert card["word"] == ("strong" if score >= 0.7 else "fair" if score >= 0.5 else "weak")
    one.shown.picture("ml")

    one.shown.press(f"Assign {cards[0]['code']}")
    one.assigned()
    [dispatch] = one.dispatches
    assert (dispatch["vehicle_code"], dispatch["assigned_by"]) == (cards[0]["code"], "ml_assisted")
    order = dispatch["order_id"]
    assert one.events == [
        {"name": "panel_shown", "order_id": order},
        {"name": "assigned", "order_id": order, "assigned_by": "ml_assisted"},
    ]
    one.shown.picture("assigned")


def test_what_is_shown_of_a_cost_is_one_minus_it(desk: Desks, house: House) -> None:
    one = desk().open()
    one.ml()
    order = house.service.orders(one.user)[0]["id"]
    asked = {"order_ids": [order], "mode": "recommend"}
    best = house.service.ask("POST", "/api/ml-dispatch/optimize", asked, one.user)[1]["results"][0]["top_3"][0]
    names, values = (one.cards.first.locator(what).all_inner_texts() for what in ("dt", "dd"))
    shown = dict(zip(names, values, strict=True))
    assert float(shown["Distance"]) == pytest.approx(1 - best["breakdown"]["distance"], abs=0.011)
    assert float(shown["Rotation"]) == pytest.approx(1 - best["breakdown"]["rotation"], abs=0.011)
    assert float(shown["Preference"]) == pytest.approx(best["breakdown"]["preference"], abs=0.011)


def test_control_gets_the_nearest_and_never_asks_the_model(desk: Desks) -> None:
    one = desk(Group.CONTROL).open()
    one.legacy()
    one.shown.picture("legacy")
    assert one.called(OPTIMIZE) == 0
    assert not [call for call in one.calls if "/panel-" in call]
    assert one.page.locator("[data-panel] .note").count() == 0

    one.rows.first.get_by_role("button").click()
    one.assigned()
    assert [dispatch["assigned_by"] for dispatch in one.dispatches] == ["legacy"]


def test_a_dispatch_is_cancelled_made_anew_rated_and_completed(desk: Desks) -> None:
    one = desk().open()
    one.ml()
    one.cards.first.get_by_role("button").click()
    one.assigned()
    one.shown.press("Cancel dispatch")
    one.ml()  # the order is open again
    assert one.dispatches == []

    one.cards.first.get_by_role("button").click()
    one.assigned()
    one.page.get_by_role("radio", name="4 of 5").check()
    one.page.get_by_label("Comment").fill("punctual")
    one.shown.press("Send rating")
    one.shown.see("4 of 5", within=".thanks")
    one.shown.press("Mark as completed")
    one.shown.see("is done")
    one.shown.picture("rated")
    [dispatch] = one.dispatches
    assert (dispatch["rating"], dispatch["status"]) == (4, "completed")


def test_a_double_click_assigns_once(desk: Desks) -> None:
    one = desk().open()
    one.ml()
    one.cards.first.get_by_role("button").dblclick()
    one.assigned()
    assert one.called(ASSIGN) == 1
    assert len(one.dispatches) == 1


def test_whoever_is_signed_out_meanwhile_is_asked_to_sign_in(desk: Desks) -> None:
    one = desk()
    one.page.context.clear_cookies()
    one.open()
    one.page.get_by_label("User id").wait_for()
    one.shown.picture("sign-in")
    one.page.get_by_label("User id").fill("no such id!")
    one.shown.press("Sign in")
    one.page.get_by_role("alert").wait_for()
    one.page.get_by_label("User id").fill(one.user)
    one.shown.press("Sign in")
    one.ml()  # of the order that was open


def test_the_next_user_gets_what_is_theirs(desk: Desks, house: House) -> None:
    one = desk(Group.CONTROL).open()
    one.legacy()
    for group, panel in ((Group.TREATMENT, one.ml), (Group.CONTROL, one.legacy)):
        one.shown.press("Sign out")
        one.page.get_by_label("User id").fill(house.user(group))
        with one.answered():
            one.shown.press("Sign in")
        one.shown.see("Open", within=".list h3")
        one.open()
        panel()


def test_it_speaks_korean(desk: Desks) -> None:
    one = desk().open()
    one.ml()
    one.shown.press("한국어")
    one.shown.see("추천 차량")
    assert one.shown.ask("document.documentElement.lang") == "ko"
    one.open(1)  # the reasons are the service's words
    one.page.locator(".card .reason", has_text=re.compile("[가-힣]")).first.wait_for()
    one.shown.picture("korean")


# --- the ML path fails ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "why", "reason"),
    [
        ("fail", "no recommendation just now", "refused"),
        ("hang", "took too long", "timeout"),
        ("wrong", "can't be used", "nonsense"),
    ],
)
def test_a_failing_ml_path_leaves_the_nearest_vehicles(
    desk: Desks, house: House, fault: str, why: str, reason: str
) -> None:
    one = desk()
    house.service.faults(ml=fault)
    one.open()
    one.legacy(why)
    one.shown.picture(f"ml-{fault}")
    assert [(event["name"], event["reason"]) for event in one.events] == [("fallback_shown", reason)]
    one.rows.first.get_by_role("button").click()
    one.assigned()
    assert [dispatch["assigned_by"] for dispatch in one.dispatches] == ["legacy"]


def test_a_slow_ml_path_is_waited_for_below_the_deadline(desk: Desks, house: House) -> None:
    one = desk(width=390, height=844)
    house.service.faults(ml="slow")
    one.open()
    one.page.locator(".card-bone").first.wait_for()
    assert one.shown.ask("getComputedStyle(document.querySelector('.card-bone')).animationName") == "none"
    one.shown.picture("waiting")
    one.ml()


def test_it_fails_while_the_page_is_open_and_comes_back(desk: Desks, house: House) -> None:
    one = desk().open(0)
    one.ml()
    house.service.faults(ml="fail")
    one.open(1).legacy("no recommendation just now")
    house.service.faults(ml="ok")
    one.open(2).ml()


def test_a_part_of_the_page_that_a_deploy_took_away_costs_the_panel_alone(desk: Desks, house: House) -> None:
    one = desk()
    [part] = house.service.page.glob("assets/panel-*.js")
    taken = part.rename(part.with_name("of-another-build.js"))
    try:
        one.open()
        one.legacy("no recommendation just now")
    finally:
        taken.rename(part)


def test_a_panel_that_can_not_be_drawn_costs_the_panel_alone(browser: Any, house: House) -> None:
    one = Desk(Screen(browser.new_context(locale="en-GB")), house.service, house.user(Group.TREATMENT)).sign_in()
    broken = "export default () => { throw new Error('broken on purpose'); };"
    one.page.route("**/panel-*.js", lambda route: route.fulfill(body=broken, content_type="text/javascript"))
    one.open()
    one.legacy("can't be shown")
    assert "broken on purpose" in str(one.shown.close())


# --- the assignment fails ---------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["fail", "hang"])
def test_an_assignment_that_fails_leaves_the_nearest_vehicles(desk: Desks, house: House, fault: str) -> None:
    one = desk().open()
    one.ml()
    house.service.faults(assign=fault)
    one.cards.first.get_by_role("button").click()
    one.legacy("was not assigned")
    one.shown.picture(f"assign-{fault}")
    house.service.faults(assign="ok")
    one.rows.last.get_by_role("button").click()
    one.assigned()
    assert [dispatch["assigned_by"] for dispatch in one.dispatches] == ["legacy"]


def test_a_vehicle_that_is_taken_meanwhile_is_told_and_another_chosen(desk: Desks, house: House) -> None:
    one = desk(Group.CONTROL).open()
    one.legacy()
    taken = one.rows.first.locator(".code").inner_text()
    assert take(house, taken)
    one.shown.press(f"Assign {taken}")
    one.shown.see("given to another order", within="[data-panel=legacy]")
    one.shown.until(f"!document.querySelector('.rows')?.innerText.includes('{taken}')")
    one.rows.first.get_by_role("button").click()
    one.assigned()


def take(house: House, code: str) -> bool:
    """Has somebody else take this vehicle, for whichever of their orders it can."""
    rival = house.user(Group.CONTROL)
    fleet = house.service.ask("GET", "/api/vehicles", user=rival)[1]["vehicles"]
    asked = {"vehicle_id": next(one["id"] for one in fleet if one["code"] == code), "assigned_by": "legacy"}
    orders = (order["id"] for order in house.service.orders(rival))
    return any(
        house.service.ask("POST", "/api/dispatches", {"order_id": order, **asked}, rival)[0] == 201 for order in orders
    )


def test_a_page_without_a_network_says_so_and_goes_on_when_it_is_back(desk: Desks) -> None:
    one = desk()
    one.page.context.set_offline(True)
    one.open()
    one.shown.see("could not be loaded")
    one.shown.picture("offline")
    one.page.context.set_offline(False)
    one.shown.press("Try again")
    one.legacy()


# --- a rollback -------------------------------------------------------------------------------------


def test_a_rollback_takes_the_panel_away_from_an_open_page_and_keeps_the_focus(desk: Desks, house: House) -> None:
    one = desk().open()
    one.ml()
    one.cards.nth(1).get_by_role("button").focus()
    house.roll_back()
    one.legacy("were switched off")
    assert one.shown.ask("document.activeElement.textContent") == "Nearest vehicles"
    one.shown.picture("rolled-back")
    one.open(1).legacy()
    assert one.called(OPTIMIZE) == 1


def test_a_rollback_moves_nobody_s_focus_who_is_elsewhere(desk: Desks, house: House) -> None:
    one = desk().open()
    one.ml()
    one.page.get_by_role("button", name="Sign out").focus()
    house.roll_back()
    one.legacy("were switched off")
    assert one.shown.ask("document.activeElement.textContent") == "Sign out"


def test_a_panel_appears_under_nobody_s_hands(desk: Desks, house: House) -> None:
    one = desk(Group.CONTROL).open()
    one.legacy()
    with one.answered():
        house.place.put(100)
    one.legacy()
    one.open_until_ml()


def test_a_flag_server_that_dies_takes_the_panel_away_until_it_is_back(desk: Desks, house: House) -> None:
    one = desk().open()
    one.ml()
    house.flags.kill()
    try:
        one.legacy("were switched off")
        one.open(1).legacy()
    finally:
        house.flags.start()
    one.open_until_ml()


def test_a_flag_server_that_hangs_takes_the_panel_away_though_its_stream_is_open(desk: Desks, house: House) -> None:
    one = desk()
    one.page.clock.install()
    with one.answered():
        one.page.reload()
    one.open()
    one.ml()
    house.flags.pause()
    try:
        one.page.clock.fast_forward("01:00")
        one.legacy("were switched off")
    finally:
        house.flags.resume()
    one.open_until_ml()


# --- for everybody ------------------------------------------------------------------------------------


@pytest.mark.skipif(not AXE.exists(), reason="needs the page's Node packages: make page-tools")
@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (390, "dark")])
def test_it_keeps_nobody_out(desk: Desks, house: House, width: int, theme: str) -> None:
    one = desk(width=width, theme=theme)
    assert one.shown.violations() == []
    one.open()
    one.ml()
    assert one.shown.violations() == []
    assert one.shown.too_wide == 0
    one.shown.picture(f"ml-{theme}-{width}", whole=True)
    house.roll_back()
    one.legacy("were switched off")
    assert one.shown.violations() == []
    one.rows.first.get_by_role("button").click()
    one.assigned()
    assert one.shown.violations() == []
    assert one.shown.too_wide == 0
    one.shown.picture(f"assigned-{theme}-{width}", whole=True)


def test_it_is_used_with_the_keyboard_alone(desk: Desks) -> None:
    one = desk()
    focused = "document.activeElement.textContent.trim()"
    one.page.locator(".brand").focus()
    while not one.shown.ask("document.activeElement.matches('.line')"):
        one.shown.type("Tab")
    one.shown.type("Enter")
    one.ml()
    while not str(one.shown.ask(focused)).startswith("Assign"):
        one.shown.type("Tab")
    one.shown.type("Enter")
    one.assigned()
    one.shown.until("document.activeElement.id === 'assigned'")
    one.shown.type("Tab", "Tab", "Tab", "Space", "ArrowRight", "ArrowRight", "Tab", "Tab", "Enter")
    one.shown.see("3 of 5", within=".thanks")
