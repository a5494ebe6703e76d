"""What one stranger may hold: connections, streams, and the time and memory that they take."""

import socket
import subprocess
from contextlib import ExitStack, closing, suppress

import pytest

from devstack.redis_server import RedisServer
from tests.components.assignment.place import placed, until
from tests.components.server.place import APP_LINE, FLAGS, KIM, HttpServer, everybody
from tests.components.server.strangers import connect, sample, strict
from tests.components.server.test_stream import listening, open_streams


def ended(connection: socket.socket) -> bytes:
    """What arrives until the server hangs up."""
    try:
        return b"".join(iter(lambda: connection.recv(65536), b""))
    except ConnectionError:
        return b""


# --- connections ---------------------------------------------------------------------------------


def test_a_head_without_end_is_cut_off(redis_server: RedisServer) -> None:
    with strict(redis_server) as server, ExitStack() as stack:
        for _ in range(40):
            connection = stack.enter_context(closing(connect(server)))
            connection.sendall(b"GET /livez HTTP/1.1\r\nHost: a\r\n")
            with suppress(ConnectionError):
                for number in range(60):
                    connection.sendall(b"X-%d: " % number + b"x" * 8000 + b"\r\n")
            heard = ended(connection)
            assert not heard or b"431" in heard
        assert sample(server, 'mlrollout_server_closed_total{why="large head"}') == 40
        assert server.log.read_text().count("large head") == 1


@pytest.mark.parametrize("begins", ["GET /", "GET /livez HTTP/1.1\r\nX-API-Key: ", "\x00"])
def test_nothing_is_kept_of_what_comes_behind_what_can_not_be_read(redis_server: RedisServer, begins: str) -> None:
    with strict(redis_server) as server:
        before = memory(server)
        for _ in range(3):
            with ExitStack() as stack:
                for _ in range(200):
                    connection = stack.enter_context(closing(connect(server)))
                    with suppress(ConnectionError):
                        connection.sendall(begins.encode("latin-1") + b"x" * 700_000)
        assert server.ask("GET", "/livez", token=None).status == 200

        assert memory(server) - before < 200  # of 420 that were sent; a few of 200 at a time may be under way


def memory(server: HttpServer) -> int:
    """What the server's process holds, in MB."""
    command = ["ps", "-o", "rss=", "-p", str(server.child.pid)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout) // 1000


def test_a_head_that_does_not_arrive_is_not_waited_for(redis_server: RedisServer) -> None:
    """Neither the first, nor one behind a request that was answered, however often a byte of it comes."""
    request = b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"
    with strict(redis_server) as server, ExitStack() as stack:
        silent, slow, behind = [stack.enter_context(closing(connect(server))) for _ in range(3)]
        behind.sendall(request)
        assert b"200" in behind.recv(65536)
        slow.sendall(b"GET /livez HTTP/1.1\r\n")
        behind.sendall(b"GET /")

        def drip() -> bool:
            for connection in (slow, behind):
                with suppress(ConnectionError):
                    connection.sendall(b"X")
            return sample(server, 'mlrollout_server_closed_total{why="slow head"}') == 3

        until(drip, "the end of all three")
        assert ended(silent) == b""
        assert server.ask("GET", "/livez", token=None).status == 200


def test_who_takes_no_answer_is_cut_off(redis_server: RedisServer) -> None:
    with strict(redis_server) as server, socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        deaf.connect(("127.0.0.1", server.port))
        deaf.settimeout(0.2)
        request = b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"

        def pour() -> bool:
            with suppress(OSError):
                deaf.send(request * 10)
            return sample(server, 'mlrollout_server_closed_total{why="slow answer"}') == 1

        until(pour, "its end")


def test_one_address_takes_not_all_connections(redis_server: RedisServer) -> None:
    with strict(redis_server, limits={"connections_per_address": 20}) as server, ExitStack() as stack:
        idle = [stack.enter_context(closing(connect(server))) for _ in range(60)]
        other = stack.enter_context(closing(connect(server, "127.0.0.2")))
        other.sendall(b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n")

        assert b"200 OK" in other.recv(65536)
        assert ended(idle[0]) == b""
        assert server.ask("GET", "/livez", token=None).status == 200
        assert sample(server, "mlrollout_server_connections") <= 21


def test_there_are_as_many_connections_as_the_configuration_says(redis_server: RedisServer) -> None:
    with strict(redis_server, limits={"connections": 20}) as server, ExitStack() as stack:
        idle = [stack.enter_context(closing(connect(server))) for _ in range(60)]

        assert server.ask("GET", "/livez", token=None).status == 200
        assert sample(server, "mlrollout_server_connections") <= 20
        assert ended(idle[0]) == b""


class FewFiles(HttpServer):
    """A server that may open few files."""

    def command(self) -> list[str]:
        return ["sh", "-c", 'ulimit -n 340 && exec "$@"', "sh", *super().command()]


def test_without_descriptors_the_server_keeps_redis_and_its_temper(redis_server: RedisServer) -> None:
    """A crowd must neither cost the connection that brings rollbacks, nor fill the disk with complaints."""
    config = {"limits": {"connections_per_address": 5000}}
    with FewFiles(redis_server.url, config, [APP_LINE]) as server, placed(redis_server) as place, ExitStack() as stack:
        attempt = everybody(place)
        until(lambda: server.flag()["metadata"].get("attempt") == attempt, "treatment")
        for _ in range(600):
            connection = stack.enter_context(closing(socket.socket()))
            connection.setblocking(False)  # noqa: FBT003 - the standard library's
            connection.connect_ex(("127.0.0.1", server.port))
        place.put(0, latched=True)

        def rolled_back() -> bool:
            with suppress(ConnectionError):  # the crowd may push out a request that has not arrived yet
                return server.flag()["value"] is False
            return False

        until(rolled_back, "the rollback")
        assert sample(server, "mlrollout_server_connections") <= 340 - 256
        log = server.log.read_text()
        assert "There are descriptors for fewer connections" in log
        assert "Traceback" not in log
        assert len(log) < 5000


def test_with_next_to_no_descriptors_it_says_so(redis_server: RedisServer) -> None:
    class Fewest(FewFiles):
        def command(self) -> list[str]:
            return ["sh", "-c", 'ulimit -n 128 && exec "$@"', "sh", *HttpServer.command(self)]

    with pytest.raises(Exception, match="raise the limit"), Fewest(redis_server.url, {}, [APP_LINE]):
        pass


# --- streams -------------------------------------------------------------------------------------


def test_one_ticket_does_not_take_all_streams(server: HttpServer) -> None:
    (offered,) = server.ask("POST", FLAGS, KIM).json["eventStreams"]
    path = offered["endpoint"]["requestUri"]
    with ExitStack() as stack, listening(server) as other:
        other.event()
        mine = [stack.enter_context(listening(server, path, token=None)) for _ in range(12)]
        newest = mine[-1]
        newest.event()

        assert mine[0].ended()
        assert open_streams(server) <= 9


def test_everybody_has_a_ticket_of_their_own_that_names_nobody(server: HttpServer) -> None:
    def ticket(user_id: str) -> str:
        (offered,) = server.ask("POST", FLAGS, {"context": {"targetingKey": user_id}}).json["eventStreams"]
        return str(offered["endpoint"]["requestUri"])

    assert ticket("kim-kim") == ticket("kim-kim") != ticket("lee")
    assert "kim" not in ticket("kim-kim")
