"""What anybody can send who reaches the port: the server goes on, answers in one form, and repeats nothing of it."""

import re
import resource
import time
from contextlib import closing

import pytest

from devstack.redis_server import RedisServer
from tests.components.server.place import APP, APP_LINE, EVENTS, FLAG, FLAGS, KIM, HttpServer, served
from tests.components.server.strangers import connect, sample, strict

SECRET = "hunter2-hunter2-hunter2"  # noqa: S105 - it is wrong
API = "/api/ml-dispatch/ab-test"


def answer_to(server: HttpServer, head: str, body: bytes = b"") -> tuple[int, str, str]:
    """Status, head and body of the answer to these very bytes."""
    with closing(connect(server)) as connection:
        connection.sendall(head.encode("latin-1") + b"\r\n" + body)
        heard = connection.makefile("rb")
        told = b"".join(iter(heard.readline, b"\r\n")).decode("latin-1")
        status, length = re.match(r"HTTP/1\.[01] (\d\d\d) ", told), re.search(r"Content-Length: (\d+)", told)
        assert status, told
        assert length, told
        return int(status[1]), told, heard.read(int(length[1])).decode()


# --- what can't be read --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "head",
    [
        f"GET /livez HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {SECRET}\r\r\n\r\n",
        f"GET /livez HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {SECRET}\x00\r\n",
        f"GET /livez HTTP/1.1\r\nHost: a\r\nX-API-Key {SECRET}\r\n",
        f"GET /livez HTTP/1.1\r\nX-API-Key: {SECRET}\r\n",
        f"GET /livez?ticket={SECRET} HTTP/9.9\r\nHost: a\r\n",
        f"GET /livez HTTP/1.1\r\nHost: a\r\nX-API-Key: {SECRET}\r\nContent-Length: 1\r\nContent-Length: 2\r\n",
        f"GET http://[{SECRET} HTTP/1.1\r\nHost: a\r\n",
        f"CONNECT {SECRET} HTTP/1.1\r\nHost: a\r\n",
        f"GET /livez HTTP/1.1\r\nHost: a\r\nX-API-Key: {SECRET}{'x' * 9000}\r\n",
        "GET /livez HTTP/1.1\r\nHost: a\r\n" + "".join(f"X-{n}: {SECRET}\r\n" for n in range(100)),
        f"\x16\x03\x01{SECRET}\r\n",
    ],
)
def test_what_can_not_be_read_is_a_problem_and_stands_nowhere(server: HttpServer, head: str) -> None:
    status, told, body = answer_to(server, head)

    assert status in {400, 404, 431}
    assert "Content-Type: application/problem+json" in told
    assert "Server: mlrollout" in told
    assert SECRET not in told + body
    assert not re.search("aiohttp|python", told + body, re.IGNORECASE)
    assert server.flag()["value"] is True
    log = server.log.read_text()
    assert SECRET not in log
    assert "Traceback" not in log


@pytest.mark.parametrize(
    "framing",
    [
        ("Transfer-Encoding: chunked\r\n", b"zz\r\n"),
        ("Transfer-Encoding: chunked\r\n", b"5\r\n{\r\n0\r\n\r\n"),
        ("Transfer-Encoding: chunked\r\n", b"1\r\n{\r\n0\r\nX: " + b"y" * 9000 + b"\r\n\r\n"),
    ],
)
def test_a_body_that_is_not_framed_as_its_head_says_is_the_callers_fault(
    server: HttpServer, framing: tuple[str, bytes]
) -> None:
    head = f"POST {FLAG} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {APP}\r\nContent-Type: application/json\r\n"
    with closing(connect(server)) as connection:
        connection.sendall((head + framing[0] + "\r\n").encode() + framing[1])
        told = connection.recv(65536)

    assert re.match(rb"HTTP/1\.[01] 4\d\d ", told)
    assert server.logged("A request failed") == []
    assert server.flag()["value"] is True


@pytest.mark.parametrize("packed", ["br", "gzip", "zstd", "deflate", "made-up", "gzip, br", "\xff"])
@pytest.mark.parametrize("path", [FLAG, f"{API}/satisfaction"])
def test_a_packed_body_is_refused_in_the_routes_own_form(server: HttpServer, packed: str, path: str) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
    status, told, body = answer_to(server, f"{head}X-API-Key: {APP}\r\nContent-Encoding: {packed}\r\n", b"{}")

    form = "application/json" if path == FLAG else "application/problem+json"
    assert (status, f"Content-Type: {form}" in told) == ((415, True) if path == FLAG else (403, True))
    assert ("errorCode" in body) == (path == FLAG)


@pytest.mark.parametrize("expects", ["the impossible", "\xff", "100-continue, more"])
def test_what_is_expected_besides_is_passed_over(server: HttpServer, expects: str) -> None:
    """aiohttp would refuse it in its own words, before anybody is counted."""
    status, told, _ = answer_to(server, f"GET {API}/stats HTTP/1.1\r\nHost: a\r\nExpect: {expects}\r\n")

    assert status == 401
    assert "application/problem+json" in told


@pytest.mark.parametrize(
    "header", ["X-API-Key: \xff", "X-API-Key: \xed\xa0\x80", "Authorization: Bearer \xff.\xff.\xff"]
)
@pytest.mark.parametrize("path", [f"{API}/assignment?user_id=kim", f"{API}/stats", EVENTS])
def test_a_token_that_is_no_text_is_nobodys(server: HttpServer, header: str, path: str) -> None:
    status, told, _ = answer_to(server, f"GET {path} HTTP/1.1\r\nHost: a\r\n{header}\r\n")

    assert status == 401
    assert "WWW-Authenticate" in told
    assert server.logged("A request failed") == []


@pytest.mark.parametrize("host", ["[", "a:b:c", "]:::", "\xff", "a b", "", "%zz", "@", "localhost:99999999"])
def test_without_tokens_a_host_that_is_none_is_not_this_machine(redis_server: RedisServer, host: str) -> None:
    with served(redis_server.url) as own:
        status, told, _ = answer_to(own, f"GET {API}/assignment HTTP/1.1\r\nHost: {host}\r\nX-Requested-With: t\r\n")

        assert status in {400, 401}
        assert "application/problem+json" in told
        assert own.logged("A request failed") == []


# --- limits, and the log -------------------------------------------------------------------------


def test_strangers_and_pages_of_other_hosts_are_counted_and_told(redis_server: RedisServer) -> None:
    with strict(redis_server, rate=100) as server:
        for headers in ({"X_API_Key": "\xff"}, {"Origin": "https://evil.example.net"}, {"X_API_Key": "a.b.c"}):
            statuses = [server.ask("POST", FLAG, KIM, token=None, **headers).status for _ in range(12)]
            assert statuses[0] in {401, 403, 429}
            assert 429 in statuses
        # Who is known does not suffer.
        assert server.ask("POST", FLAG, KIM).status == 200
        told = server.logged("Refused")
        assert {line["status"] for line in told} <= {401, 403}
        assert told[0]["remote"] == "127.0.0.1"


def test_a_flood_of_refusals_does_not_fill_the_log(redis_server: RedisServer) -> None:
    with strict(redis_server, rate=100_000) as server, closing(connect(server)) as connection:
        began = time.monotonic()
        request = f"GET {API}/stats HTTP/1.1\r\nHost: a\r\nX-API-Key: no\r\n\r\n".encode()
        for _ in range(50):
            connection.sendall(request * 20)
            heard = b""
            while heard.count(b"HTTP/1.1 401") < 20:
                heard += connection.recv(65536)
        untold = sample(server, "mlrollout_server_untold_total")
        lines = len(server.logged("Refused"))

        assert lines + untold == 1000
        assert lines <= 50 * (time.monotonic() - began + 1)


def test_a_path_without_end_is_not_repeated(server: HttpServer) -> None:
    server.ask("GET", f"{API}/stats?{'q' * 4000}", token="nobody")  # noqa: S106 - it is wrong
    found = server.ask("GET", f"/{'p' * 4000}", token=None)

    assert len(found.body) < 1000
    assert max(len(line) for line in server.log.read_text().splitlines()) < 1500


class InText(HttpServer):
    """A server that writes its log for people."""

    def command(self) -> list[str]:
        return [*super().command(), "--text"]


@pytest.mark.parametrize("path", ["%0a", "%0d%0a", "%e2%80%a8", "%c2%85", "%1b%5b2J", "%ff"])
def test_no_path_forges_a_line_of_the_log_or_stands_in_it(redis_server: RedisServer, path: str) -> None:
    """Whoever pastes a token into a path has it in no log either."""
    with InText(redis_server.url, {}, [APP_LINE]) as server:
        paths = [f"/api/{path}{SECRET}/ab-test/stats", f"{FLAGS}/{path}{SECRET}", f"/{path}{SECRET}", f"{API}/stats"]
        statuses = [server.ask("GET" if "api" in one else "POST", one, token=None).status for one in paths]
        refused = [line for line in server.log.read_text().splitlines() if "Refused" in line]

        assert statuses == [401, 401, 404, 401]
        assert SECRET not in server.log.read_text()
        assert "/api/{rollout}/ab-test/stats" in refused[0]
        assert "/ofrep/v1/evaluate/flags/{key}" in refused[1]
        assert f"{API}/stats" in refused[2]
        assert all(line.isprintable() for line in server.log.read_text().split("\n"))


# --- pages ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [f"{API}/assignment?user_id=kim", EVENTS])
def test_without_tokens_no_page_can_have_its_visitor_counted(redis_server: RedisServer, path: str) -> None:
    """What an image or a form sends (`no-cors`) has no header of its own, and may not say where it is from."""
    with served(redis_server.url) as own:
        asked = own.ask("GET", path, token=None)
        assert asked.status == 403
        assert "X-Requested-With" in asked.json["detail" if path != EVENTS else "errorDetails"]
        if path != EVENTS:
            assert own.ask("GET", path, token=None, X_Requested_With="curl").status == 200
        for page in ({"Origin": "https://evil.example.net"}, {"Sec_Fetch_Site": "cross-site"}):
            assert own.ask("GET", path, token=None, X_Requested_With="x", **page).status == 403


@pytest.mark.parametrize("page", [{"Origin": "https://evil.example.net"}, {"Sec_Fetch_Site": "same-site"}])
def test_a_page_of_another_host_reads_nothing_either_even_with_a_token(
    server: HttpServer, page: dict[str, str]
) -> None:
    assert server.ask("GET", EVENTS, **page).status == 403
    assert server.ask("GET", "/openapi.json", token=None, **page).status == 200


# --- proxies -------------------------------------------------------------------------------------


def test_behind_a_proxy_each_client_is_counted_by_itself(redis_server: RedisServer) -> None:
    with strict(redis_server, rate=50, proxies=["127.0.0.0/8"]) as server:

        def asked(client: str) -> int:
            return server.ask("POST", FLAG, KIM, token=None, X_Forwarded_For=client).status

        assert 429 in [asked("9.9.9.1") for _ in range(6)]
        assert asked("9.9.9.2") == 401
        assert {line["remote"] for line in server.logged("Refused")} == {"9.9.9.1", "9.9.9.2"}


def test_descriptors_are_there_for_the_tests() -> None:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)

    assert soft > 700
