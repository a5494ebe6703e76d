"""Tickets to be told of changes."""

import pytest
from mlrollout.server.ticket import Tickets

DAY = 86_400


class Clock:
    def __init__(self) -> None:
        self.now = 20_000.0 * DAY

    def __call__(self) -> float:
        return self.now


def test_a_ticket_holds_until_the_day_after_the_next_begins() -> None:
    clock = Clock()
    tickets = Tickets(b"key", clock)
    ticket = tickets.now()
    clock.now += 2 * DAY - 1
    assert tickets.valid(ticket)
    clock.now += 1
    assert not tickets.valid(ticket)


def test_a_ticket_is_the_same_all_day() -> None:
    clock = Clock()
    tickets = Tickets(b"key", clock)
    first = tickets.now()
    clock.now += DAY - 1
    assert tickets.now() == first
    clock.now += 1
    assert tickets.now() != first


def test_servers_with_the_same_key_know_each_others() -> None:
    clock = Clock()
    assert Tickets(b"key", clock).valid(Tickets(b"key", clock).now())
    assert not Tickets(b"another", clock).valid(Tickets(b"key", clock).now())


@pytest.mark.parametrize(
    "ticket", ["", ".", "20002", "20002.", "20002.x", "-1.x", "9" * 5000 + ".x", "٢.x", "²", "20002.\ud800", "a.b"]
)
def test_nothing_else_is_a_ticket(ticket: str) -> None:
    assert not Tickets(b"key", Clock()).valid(ticket)


def test_a_day_that_was_changed_is_no_ticket() -> None:
    tickets = Tickets(b"key", Clock())
    day, _, signature = tickets.now().partition(".")
    assert not tickets.valid(f"{int(day) + 1}.{signature}")
