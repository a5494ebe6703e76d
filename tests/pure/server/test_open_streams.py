"""Which event streams may be open."""

from typing import Any, cast

from mlrollout.server.http.open_streams import MOST_PER_TICKET, Stream, Streams


class Life:
    """Remembers that it was ended."""

    ended = False

    def reschedule(self, when: float | None) -> None:
        assert when == 0
        self.ended = True


def opened(streams: Streams, number: int, *, holder: str = "", address: str = "a") -> list[Life]:
    lives = [Life() for _ in range(number)]
    for life in lives:
        streams.add(Stream(holder, address, cast("Any", life)))
    return lives


def alive(lives: list[Life]) -> list[bool]:
    return [not life.ended for life in lives]


def test_of_one_ticket_the_oldest_goes_first() -> None:
    streams = Streams(100, 100)
    others = opened(streams, 3, holder="lee")
    mine = opened(streams, MOST_PER_TICKET + 2, holder="kim")

    assert alive(mine) == [False] * 2 + [True] * MOST_PER_TICKET
    assert alive(others) == [True] * 3
    assert len(streams) == MOST_PER_TICKET + 3


def test_a_token_may_be_shared_by_many_processes() -> None:
    streams = Streams(100, 100)

    assert all(alive(opened(streams, MOST_PER_TICKET * 2)))


def test_of_one_address_the_oldest_goes_first() -> None:
    streams = Streams(100, 2)
    others = opened(streams, 2, address="b")

    assert alive(opened(streams, 3, address="a")) == [False, True, True]
    assert all(alive(others))


def test_a_crowd_from_one_address_pushes_out_its_own() -> None:
    streams = Streams(4, 3)
    quiet = opened(streams, 1, address="b")
    crowd = opened(streams, 3, address="a")
    opened(streams, 1, address="c")

    assert all(alive(quiet))
    assert alive(crowd) == [False, True, True]
    assert len(streams) == 4


def test_one_that_ended_makes_room() -> None:
    streams = Streams(1, 1)
    life = Life()
    stream = Stream("", "a", cast("Any", life))
    streams.add(stream)
    streams.discard(stream)
    streams.discard(stream)

    assert alive([life, *opened(streams, 1)]) == [True, True]
