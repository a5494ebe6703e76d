"""Who may be connected."""

import asyncio
from dataclasses import dataclass, field
from ipaddress import ip_network

import pytest
from mlrollout.listening.door import Door, hush
from mlrollout.listening.metrics import ConnectionMetrics
from mlrollout.server.http.addresses import Proxies
from prometheus_client import CollectorRegistry


@dataclass(eq=False)
class Guest:
    idle: bool = True
    ended: list[str] = field(default_factory=list)

    def end(self, why: str) -> None:
        self.ended.append(why)


def door(most: int, per_address: int) -> Door:
    return Door(
        most, per_address, ConnectionMetrics("server", CollectorRegistry()), Proxies([ip_network("10.0.0.0/8")])
    )


def test_of_those_that_ask_for_nothing_the_oldest_makes_room() -> None:
    inside = door(3, 3)
    busy, idle, later, newest = Guest(idle=False), Guest(), Guest(), Guest()
    assert all(inside.enter(one, f"1.1.1.{number}") for number, one in enumerate((busy, idle, later, newest)))

    assert [one.ended for one in (busy, idle, later, newest)] == [[], ["idle"], [], []]


def test_where_everybody_is_busy_nobody_comes_in() -> None:
    inside = door(1, 1)
    busy, late = Guest(idle=False), Guest()
    assert inside.enter(busy, "1.1.1.1")
    assert not inside.enter(late, "2.2.2.2")
    inside.leave(late)
    assert not inside.enter(late, "2.2.2.2")
    inside.leave(busy)
    assert inside.enter(late, "2.2.2.2")


def test_one_address_can_not_take_all_and_pushes_out_its_own() -> None:
    inside = door(10, 2)
    other, mine, busy = Guest(), Guest(), Guest(idle=False)
    inside.enter(other, "2.2.2.2")
    inside.enter(mine, "1.1.1.1")
    inside.enter(busy, "1.1.1.1")

    assert inside.enter(Guest(idle=False), "1.1.1.1")
    assert not inside.enter(Guest(), "1.1.1.1")
    assert (other.ended, mine.ended) == ([], ["idle"])


def test_a_proxy_stands_for_many() -> None:
    inside = door(10, 1)

    assert all(inside.enter(Guest(idle=False), "10.0.0.1") for _ in range(10))
    assert not inside.enter(Guest(), "10.0.0.1")


def test_descriptors_that_ran_out_are_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    loop = asyncio.new_event_loop()
    try:
        hush(loop)
        for _ in range(1000):
            loop.call_exception_handler(
                {"message": "out of system resource", "exception": OSError(24, "Too many open files"), "socket": None}
            )
    finally:
        loop.close()

    told = capsys.readouterr()
    assert (told.out + told.err).count("raise the limit of open files") == 1
