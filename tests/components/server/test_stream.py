"""The event stream of OFREP: a client is told to evaluate anew whenever something has changed."""

import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

import pytest

from devstack.redis_server import RedisServer
from tests.components.assignment.place import Place, until
from tests.components.server.place import ADMIN_LINE, APP, APP_LINE, EVENTS, FLAGS, KIM, HttpServer, served, standing


@dataclass
class Stream:
    """What is heard on one."""

    response: http.client.HTTPResponse

    def event(self) -> dict[str, str]:
        """The next event; comments and settings are passed over."""
        found: dict[str, str] = {}
        for line in iter(self.response.readline, b""):
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if not name and "data" in found:
                return found
            found[name] = value
        raise AssertionError("the stream has ended")

    def ended(self) -> bool:
        """Wait for its end."""
        return bool(self.response.read() or True)


@contextmanager
def listening(server: HttpServer, path: str = EVENTS, token: str | None = APP, **headers: str) -> Iterator[Stream]:
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    if token:
        told["Authorization"] = f"Bearer {token}"
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)) as connection:
        connection.request("GET", path, headers=told)
        response = connection.getresponse()
        assert (response.status, response.headers["Content-Type"]) == (200, "text/event-stream")
        yield Stream(response)


def open_streams(server: HttpServer) -> float:
    text = server.ask("GET", "/metrics", token=None).body.decode()
    return float(next(line for line in text.splitlines() if line.startswith("mlrollout_server_streams ")).split()[1])


def test_a_stream_begins_with_an_event_for_what_changed_before_it(server: HttpServer) -> None:
    with listening(server) as stream:
        event = stream.event()

    assert json.loads(event["data"]) == {"type": "refetchEvaluation", "etag": event["id"]}


def test_every_change_is_told(server: HttpServer, place: Place) -> None:
    with listening(server) as stream:
        ids = [stream.event()["id"]]
        for percentage in (10, 30):
            place.put(percentage)
            ids.append(stream.event()["id"])
        place.put(0, latched=True)
        ids.append(stream.event()["id"])

    assert len(set(ids)) == 4
    assert server.flag()["variant"] == "control"


def test_who_comes_back_is_told_only_what_they_missed(server: HttpServer, place: Place) -> None:
    with listening(server) as stream:
        known = stream.event()["id"]
    with listening(server, Last_Event_ID=known) as stream:
        place.put(30)
        missed = stream.event()["id"]
        assert missed != known
    with listening(server, Last_Event_ID=known) as stream:
        assert stream.event()["id"] == missed


@pytest.mark.parametrize("known", ["", "nonsense", "x" * 5000])
def test_an_id_of_another_is_as_none(server: HttpServer, known: str) -> None:
    with listening(server, Last_Event_ID=known) as stream:
        assert stream.event()["id"]


def test_two_servers_call_the_same_by_the_same_name(server: HttpServer, place: Place) -> None:
    """So that a client that comes back to another server is told nothing that it knows."""
    twin = HttpServer(server.redis_url, {name: server.config[name] for name in ("rollouts",)}, server.tokens)
    with twin, listening(server) as one, listening(twin) as other:
        last = one.event()["id"]
        until(lambda: other.event()["id"] == last, "the same")


def test_what_all_flags_offer_lets_a_browser_listen_which_can_send_no_token(server: HttpServer) -> None:
    (offered,) = server.ask("POST", FLAGS, KIM).json["eventStreams"]

    with listening(server, offered["endpoint"]["requestUri"], token=None) as stream:
        assert stream.event()["id"]


@pytest.mark.parametrize(
    "ticket", ["", "?ticket=", "?ticket=1.x", "?ticket=99999.x", "?ticket=5.%ff", "?ticket=%C2%B2.x"]
)
def test_nobody_else_listens(server: HttpServer, ticket: str) -> None:
    assert server.ask("GET", EVENTS + ticket, token=None).status == 401


def test_users_behind_one_address_are_counted_one_by_one(redis_server: RedisServer) -> None:
    """As they all come back at once after a restart of the server."""
    users = [{"context": {"targetingKey": f"user-{number}"}} for number in range(30)]
    with served(redis_server.url, {"rate": 50}, [APP_LINE]) as server:
        offers = [server.ask("POST", FLAGS, user).json["eventStreams"][0]["endpoint"]["requestUri"] for user in users]
        for offer in offers:
            with listening(server, offer, token=None) as stream:
                assert stream.event()["id"]
        assert {server.ask("GET", f"{EVENTS}?ticket=1.x", token=None).status for _ in range(5)} == {401, 429}


def test_who_holds_a_ticket_that_is_worth_nothing_here_is_given_another(server: HttpServer) -> None:
    """A token was added, or another server answers: the client must not keep the address of a dead stream."""
    etag = server.ask("POST", FLAGS, KIM).headers["ETag"]
    config = {name: server.config[name] for name in ("rollouts",)}
    with HttpServer(server.redis_url, config, [*server.tokens, ADMIN_LINE + "  # added"]) as other:
        until(lambda: standing(other) == standing(server), "the same")
        found = other.ask("POST", FLAGS, KIM, If_None_Match=etag)
        assert found.status == 200
        (offered,) = found.json["eventStreams"]
        with listening(other, offered["endpoint"]["requestUri"], token=None) as stream:
            assert stream.event()["id"]


def test_a_reader_that_takes_nothing_holds_nobody_up(server: HttpServer, place: Place) -> None:
    request = f"GET {EVENTS} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {APP}\r\n\r\n".encode()
    with socket.socket() as deaf, listening(server) as stream:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        deaf.connect(("127.0.0.1", server.port))
        deaf.sendall(request)
        stream.event()
        for sequence in range(300):
            place.put(sequence % 2)
        last = place.record.sequence
        until(lambda: server.flag()["metadata"]["sequence"] == last, "the last change")
        assert stream.event()["id"]


def test_streams_that_ended_are_forgotten(server: HttpServer, place: Place) -> None:
    before = open_streams(server)
    with listening(server) as one, listening(server) as other:
        one.event()
        other.event()
        assert open_streams(server) >= before + 2

    def none_is_open() -> bool:
        place.put(10)  # a connection that is gone is noticed at the next thing to tell
        return open_streams(server) == 0

    until(none_is_open, "their end")


def test_streams_end_when_the_server_is_told_to(own_server: HttpServer) -> None:
    with listening(own_server) as stream:
        stream.event()
        own_server.child.stop(within=20)
        assert stream.ended()
    assert own_server.child.exit_code() == 0


def test_a_reader_that_takes_nothing_does_not_keep_the_server_from_ending(own_server: HttpServer) -> None:
    with listening(own_server):
        own_server.child.stop(within=20)
    assert own_server.child.exit_code() == 0
