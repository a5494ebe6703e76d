"""Tickets to be told of changes."""

import pytest
from mlrollout.server.ofrep.ticket import Tickets

DAY = 86_400


class Clock:
    def __init__(self) -> None:
        self.now = 20_000.0 * DAY

    def __call__(self) -> float:
        return self.now


def test_a_ticket_holds_until_the_day_after_the_next_begins() -> None:
    clock = Clock()
    tickets = Tickets(b"key", clock)
    ticket = tickets.now("kim")
    clock.now += 2 * DAY - 1
    assert tickets.holder(ticket)
    clock.now += 1
    assert tickets.holder(ticket) is None


def test_a_ticket_is_the_same_all_day() -> None:
    clock = Clock()
    tickets = Tickets(b"key", clock)
    first = tickets.now("kim")
    clock.now += DAY - 1
    assert tickets.now("kim") == first
    clock.now += 1
    assert tickets.now("kim") != first


def test_servers_with_the_same_key_know_each_others() -> None:
    clock = Clock()
    assert Tickets(b"key", clock).holder(Tickets(b"key", clock).now("kim"))
    assert Tickets(b"another", clock).holder(Tickets(b"key", clock).now("kim")) is None


def test_who_signs_has_a_name_that_is_not_the_key() -> None:
    assert Tickets(b"key").signer == Tickets(b"key").signer != Tickets(b"another").signer
    assert "key" not in Tickets(b"key").signer


@pytest.mark.parametrize(
    "ticket", ["", ".", "20002", "20002.", "20002.x", "-1.x", "9" * 5000 + ".x", "٢.x", "²", "20002.\ud800", "a.b"]
)
def test_nothing_else_is_a_ticket(ticket: str) -> None:
    assert Tickets(b"key", Clock()).holder(ticket) is None


def test_nothing_of_a_ticket_can_be_changed() -> None:
    tickets = Tickets(b"key", Clock())
    day, whose, signature = tickets.now("kim").split(".")
    _, other, _ = tickets.now("lee").split(".")
    for changed in (f"{int(day) + 1}.{whose}.{signature}", f"{day}.{other}.{signature}", f"{day}.{signature}"):
        assert tickets.holder(changed) is None


def test_a_ticket_says_who_holds_it_by_a_name_that_tells_nothing_of_them() -> None:
    tickets = Tickets(b"key", Clock())
    kim, lee = tickets.now("kim"), tickets.now("lee")

    assert tickets.holder(kim) == tickets.holder(kim) != tickets.holder(lee)
    assert "kim" not in kim


def test_any_name_has_a_ticket() -> None:
    tickets = Tickets(b"key", Clock())

    assert tickets.holder(tickets.now("\ud800.\0"))
