"""Whatever stands under the keys, is pushed, or answers in Redis's place: it takes little memory of an application."""

import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

import pytest
from mlrollout import Group, Reason, Rollout
from mlrollout.domain.record import LONGEST, Record, encode
from mlrollout.redis_common.bounded import MOST

from devstack.redis_server import RedisServer
from tests.components.assignment.place import KEY, Place, placed, reaches, until

HELLO = b"*6\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n7.4.0\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n"
SUBSCRIBED = b"*3\r\n$9\r\nsubscribe\r\n$1\r\nx\r\n:1\r\n"


def padded(record: Record, characters: int) -> str:
    text = encode(record)
    return text + " " * (characters - len(text))


def test_a_record_is_as_long_as_it_may_be_and_no_longer(place: Place) -> None:
    place.put(100)
    with Rollout(KEY, redis=place.server.url) as rollout:
        reaches(rollout, 100)
        record = place.step(30)
        place.redis.mset({KEY: 30, f"{KEY}:record": padded(record, LONGEST)})
        place.push(padded(record, LONGEST))
        reaches(rollout, 30)

        place.redis.set(f"{KEY}:record", padded(record, LONGEST + 1))
        place.read_again()
        until(lambda: rollout.state.reason is Reason.UNREADABLE, "an unreadable record")
        assert rollout.group("kim") is Group.CONTROL


def test_a_push_that_is_too_long_is_read_and_not_taken(place: Place) -> None:
    place.put(30)
    with Rollout(KEY, redis=place.server.url, poll=5.0) as rollout:
        reaches(rollout, 30)
        before = place.reads()
        place.push(padded(replace(place.record, sequence=9, percentage=10), LONGEST + 1))
        until(lambda: place.reads() > before, "a read")
        assert rollout.percentage == 30


@pytest.mark.parametrize("cluster", [False, True], ids=["alone", "cluster"])
def test_a_push_larger_than_any_answer_costs_a_connection_and_no_more(
    *, cluster: bool, caplog: pytest.LogCaptureFixture
) -> None:
    key = "{ml_dispatch}:rollout_percentage"
    with RedisServer(cluster=cluster) as server, placed(server) as place:
        record = place.step(100)
        place.redis.mset({key: 100, f"{key}:record": encode(record)})
        with caplog.at_level(logging.WARNING, "mlrollout"), Rollout(key, redis=server.url, poll=0.2) as rollout:
            reaches(rollout, 100)
            place.redis.publish(f"{key}:changes", "x" * (MOST + 1))
            until(lambda: "answers with more than a key and its record can be" in caplog.text, "the warning")
            place.redis.mset({key: 30, f"{key}:record": encode(place.step(30))})
            reaches(rollout, 30)


@contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """A server that says it is Redis, and answers everything else with this, again and again."""

    def serve(client: socket.socket) -> None:
        with client, suppress(OSError):
            while command := client.recv(65536):
                client.sendall(HELLO if b"HELLO" in command else SUBSCRIBED if b"SUBSCRIBE" in command else answer)

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=serve, args=server.accept()[:1], daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=accept, daemon=True).start()
        yield f"redis://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"$500000000\r\n" + b"x" * 65536, "more than a key and its record"),
        (b"*500000000\r\n" + b":1\r\n" * (MOST // 64 + 1), "more than a key and its record"),
        (b"+" + b"x" * (MOST + 65536), "more than a key and its record"),
        (b"*1\r\n" * 5000, "no answer of Redis"),
        (b"$abc\r\n", "no answer of Redis"),
        (b"HTTP/1.1 200 OK\r\n\r\n", "no answer of Redis"),
    ],
    ids=lambda one: repr(one[:20]),
)
def test_what_is_no_answer_is_control_and_told(answer: bytes, said: str, caplog: pytest.LogCaptureFixture) -> None:
    with (
        caplog.at_level(logging.WARNING, "mlrollout"),
        answering(answer) as url,
        Rollout(KEY, redis=url) as rollout,
    ):
        until(lambda: said in caplog.text, "the warning")
        assert rollout.group("kim") is Group.CONTROL
