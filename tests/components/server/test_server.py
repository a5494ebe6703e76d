"""What stands around every route: who calls, from what page, how much, and how errors look."""

import http.client
import re
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import yaml

from devstack.redis_server import RedisServer
from tests.components.assignment.place import until
from tests.components.server.place import ADMIN, APP, APP_LINE, FLAG, FLAGS, KIM, NAME, ORIGIN, HttpServer, served

STRANGER = "https://evil.example.net"


# --- who calls ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"Bearer {APP}"},
        {"Authorization": f"bearer  {APP} "},
        {"X_API_Key": APP},
        {"Authorization": "Basic a2ltOmtpbQ==", "X_API_Key": APP},
    ],
)
def test_a_token_is_taken_from_either_header(server: HttpServer, headers: dict[str, str]) -> None:
    assert server.ask("POST", FLAG, KIM, token=None, **headers).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": APP},
        {"Authorization": "Bearer"},
        {"Authorization": f"Basic {APP}"},
        {"Authorization": f"Bearer {APP}x"},
        {"Authorization": f"Bearer {APP[:-1]}"},
        {"Authorization": "Bearer \xff\xfe"},
        {"Authorization": f"Bearer {APP}, {APP}"},
        {"X_API_Key": ""},
        {"Cookie": f"token={APP}"},
    ],
)
def test_nothing_else_is_a_token(server: HttpServer, headers: dict[str, str]) -> None:
    found = server.ask("POST", FLAG, KIM, token=None, **headers)

    assert found.status == 401
    assert found.headers["WWW-Authenticate"] == 'Bearer realm="mlrollout"'


def test_a_token_in_the_query_is_none(server: HttpServer) -> None:
    assert server.ask("POST", f"{FLAG}?token={APP}&access_token={APP}", KIM, token=None).status == 401


def test_who_is_refused_stands_in_the_audit_without_their_token(server: HttpServer) -> None:
    server.ask("POST", FLAG, KIM, token=ADMIN)
    server.ask("POST", FLAG, KIM, token="hunter2-hunter2")  # noqa: S106 - it is wrong

    until(lambda: {line["caller"] for line in server.logged("Refused")} >= {"ops", None}, "both lines")
    log = server.log.read_text()
    assert "hunter2" not in log
    assert ADMIN not in log


def test_without_tokens_the_own_machine_is_answered_under_its_own_names_only(redis_server: RedisServer) -> None:
    """A web page can have a name of its own point to loopback."""
    with served(redis_server.url) as server:
        for host in ("127.0.0.1", "localhost", "[::1]:80"):
            assert server.ask("POST", FLAG, KIM, token=None, Host=host).status == 200
        for host in ("evil.example.net", "127.0.0.1.example.net"):
            assert server.ask("POST", FLAG, KIM, token=None, Host=host).status == 401


# --- pages of other hosts ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": STRANGER},
        {"Origin": "null"},
        {"Origin": ORIGIN + ":8443"},
        {"Origin": ORIGIN + ".evil.example.net"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
def test_a_page_of_another_host_changes_nothing(server: HttpServer, headers: dict[str, str]) -> None:
    found = server.ask("POST", FLAG, KIM, **headers)

    assert found.status == 403
    assert "Access-Control-Allow-Origin" not in found.headers


def test_a_page_of_the_server_itself_may_call_it(server: HttpServer) -> None:
    own = server.ask("POST", FLAG, KIM, Origin=server.url, Sec_Fetch_Site="same-origin")

    assert own.status == 200


def test_a_listed_origin_may_call_and_read_the_answer(server: HttpServer) -> None:
    found = server.ask("POST", FLAGS, KIM, Origin=ORIGIN, Sec_Fetch_Site="cross-site")

    assert found.status == 200
    assert found.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "ETag" in found.headers["Access-Control-Expose-Headers"]
    assert found.headers["Vary"] == "Origin"


def test_a_listed_origin_may_read_errors_too(server: HttpServer) -> None:
    found = server.ask("POST", FLAGS, {}, Origin=ORIGIN)

    assert (found.status, found.headers["Access-Control-Allow-Origin"]) == (400, ORIGIN)


def test_a_browser_that_asks_first_is_told_what_a_listed_origin_may(server: HttpServer) -> None:
    found = server.ask("OPTIONS", FLAGS, token=None, Origin=ORIGIN, Access_Control_Request_Method="POST")

    assert found.status == 204
    assert found.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "If-None-Match" in found.headers["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in found.headers


def test_a_browser_that_asks_first_is_told_nothing_for_another_origin(server: HttpServer) -> None:
    found = server.ask("OPTIONS", FLAGS, token=None, Origin=STRANGER, Access_Control_Request_Method="POST")

    assert found.status == 405
    assert not [name for name in found.headers if name.startswith("Access-Control")]


# --- how much ----------------------------------------------------------------------------------


def test_who_asks_too_much_is_told_when_to_come_back(redis_server: RedisServer) -> None:
    with served(redis_server.url, {"rate": 5}, [APP_LINE]) as server:
        found = next(answer for _ in range(100) if (answer := server.ask("POST", FLAG, KIM)).status != 200)

        assert found.status == 429
        assert found.headers["Retry-After"] == "1"
        assert found.json["errorCode"] == "GENERAL"
        # Neither probes nor other callers suffer.
        assert server.ask("GET", "/livez", token=None).status == 200
        assert server.ask("POST", FLAG, KIM, token=None).status == 401


def raw(server: HttpServer, text: bytes) -> bytes:
    """What is answered to these very bytes, until the server hangs up."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(text)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.parametrize(
    "text",
    [
        b"nonsense\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 10_000 + b"\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: a\r\n" + b"".join(b"X%d: a\r\n" % n for n in range(500)) + b"\r\n",
        b"GET /" + b"a" * 10_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"\x16\x03\x01\x02\x00",
    ],
)
def test_what_is_no_request_or_too_large_a_head_is_refused_and_survived(server: HttpServer, text: bytes) -> None:
    answer = raw(server, text)

    assert answer == b"" or re.match(rb"HTTP/1.[01] 4\d\d ", answer)
    assert b"Traceback" not in answer
    assert server.flag()["value"] is True


def test_a_body_that_ends_early_harms_nobody(server: HttpServer) -> None:
    head = f"POST {FLAG} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {APP}\r\nContent-Length: 100\r\n\r\n"
    raw(server, head.encode() + b'{"context"')

    assert server.flag()["value"] is True
    assert server.logged("A request failed") == []


# --- what goes wrong ---------------------------------------------------------------------------


def test_an_unknown_route_is_a_problem_document(server: HttpServer) -> None:
    found = server.ask("GET", "/nothing")

    assert found.headers["Content-Type"] == "application/problem+json"
    assert found.json == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "There is nothing at /nothing. docs/server.md lists what there is.",
    }


def test_a_wrong_method_is_a_problem_document_that_names_the_right_ones(server: HttpServer) -> None:
    found = server.ask("POST", "/livez", {})

    assert (found.status, found.json["status"]) == (405, 405)
    assert found.headers["Allow"] == "GET,HEAD"


@pytest.mark.parametrize("path", ["/ofrep/v1/configuration", "/ofrep/v1/evaluate/flags/", "/ofrep/"])
def test_what_ofrep_has_not_is_told_as_ofrep_tells(server: HttpServer, path: str) -> None:
    found = server.ask("POST", path, KIM)

    assert found.status == 404
    assert found.json["errorCode"] == "GENERAL"


def test_an_answer_says_nothing_of_what_the_server_is_made_of(server: HttpServer) -> None:
    assert server.ask("GET", "/nothing").headers["Server"] == "mlrollout"


# --- how it is doing ---------------------------------------------------------------------------


def test_its_metrics_count_requests_by_route_and_never_by_what_a_stranger_makes_up(server: HttpServer) -> None:
    server.ask("POST", FLAG, KIM)
    server.ask("POST", f"{FLAGS}/made-up", KIM)
    server.ask("GET", "/made-up")
    server.ask("MADEUP", "/made-up")
    text = server.ask("GET", "/metrics", token=None).body.decode()

    route = r'route="/ofrep/v1/evaluate/flags/{key}"'
    assert re.search(rf'mlrollout_server_requests_total{{method="POST",{route},status="200"}} \d', text)
    assert re.search(rf"mlrollout_server_request_seconds_count{{{route}}} \d", text)
    assert 'mlrollout_server_requests_total{method="none",route="none",status="404"}' in text
    assert "made-up" not in text.lower()
    assert "MADEUP" not in text


def test_it_is_ready_without_a_redis_once_it_has_tried_and_says_so(tmp_path: Path) -> None:
    with served("redis://127.0.0.1:1") as server:
        found = server.ask("GET", "/readyz", token=None)

    assert found.status == 200
    assert found.body.decode() == f"Redis has not been read yet for {NAME}: control for everybody"


def test_it_stops_when_told_to(own_server: HttpServer) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", own_server.port, timeout=20)) as idle:
        idle.request("GET", "/livez")
        idle.getresponse().read()
        own_server.child.stop(within=20)

    assert own_server.child.exit_code() == 0


def test_a_redis_with_an_authority_of_its_own() -> None:
    with RedisServer(tls=True) as own, served(own.url, {"redis_tls": {"ca": str(own.ca_file)}}, [APP_LINE]) as server:
        assert server.ask("GET", "/readyz", token=None).body == b"ok"
        assert server.flag()["metadata"]["rollout_reason"] == "Absent"


# --- its start ---------------------------------------------------------------------------------


def start(folder: Path, *, redis: str = "redis://127.0.0.1:1", **told: object) -> subprocess.CompletedProcess[str]:
    file = folder / "server.yaml"
    file.write_text(yaml.safe_dump({"rollouts": [{"name": "a", "key": "a"}], "listen": "127.0.0.1:0", **told}))
    return subprocess.run(
        [sys.executable, "-m", "mlrollout", "server", "--config", str(file)],
        env={"PYTHONPATH": ":".join(sys.path), "MLROLLOUT_REDIS_URL": redis},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_port_in_use_is_told(tmp_path: Path, taken: int) -> None:
    ran = start(tmp_path, listen=f"127.0.0.1:{taken}")

    told = f"can't listen on 127.0.0.1:{taken} (Address already in use): choose another address with listen in"
    assert told in ran.stderr
    assert ran.returncode == 2


def test_no_redis_is_told(tmp_path: Path) -> None:
    ran = start(tmp_path, redis="")

    assert ran.stderr == (
        "mlrollout server: the server needs Redis: set MLROLLOUT_REDIS_URL, or MLROLLOUT_REDIS_URL_FILE\n"
    )
    assert ran.returncode == 2


def test_a_redis_url_that_is_none_is_told_and_not_repeated(tmp_path: Path) -> None:
    ran = start(tmp_path, redis="redis://:hun/hunter2@redis")

    assert "MLROLLOUT_REDIS_URL, or what MLROLLOUT_REDIS_URL_FILE names" in ran.stderr
    assert "hunter2" not in ran.stderr
    assert ran.returncode == 2


def test_a_file_for_tls_that_is_not_there_is_told(tmp_path: Path) -> None:
    ran = start(tmp_path, redis_tls={"ca": str(tmp_path / "missing")})

    assert "redis_tls: The TLS file" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert ran.returncode == 2


def test_others_are_not_answered_without_tokens(tmp_path: Path) -> None:
    ran = start(tmp_path, listen="0.0.0.0:0")

    assert "nothing says who may: set tokens in the configuration" in ran.stderr
    assert ran.returncode == 2


def test_a_setting_that_does_not_exist_is_told(tmp_path: Path) -> None:
    ran = start(tmp_path, prometeus="http://prometheus")

    assert "prometeus is no setting" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert ran.returncode == 2
