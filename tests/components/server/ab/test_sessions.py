"""Users' own sessions: a JWT signed by whoever logs users in."""

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jwt
import pytest
from mlrollout.server.auth.sessions import Sessions
from mlrollout.server.config import Algorithm, SessionSettings
from mlrollout.startup.settings import SettingsError

from devstack.commands import run
from devstack.redis_server import RedisServer
from tests.components.assignment.place import KEY, placed, until
from tests.components.server.ab.calls import ALL_LINES, NAME, Api
from tests.components.server.place import FLAG, served

SECRET = "s" * 32
ISSUER, AUDIENCE = "https://login.example.com", "mlrollout"


@pytest.fixture(scope="module")
def api(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    key = tmp_path_factory.mktemp("keys") / "session.key"
    key.write_text(f"{SECRET}\n")
    sessions = {"algorithm": "HS256", "key": str(key), "issuer": ISSUER, "audience": AUDIENCE}
    config = {"rollouts": [{"name": NAME, "key": KEY}], "sessions": sessions}
    with served(redis_server.url, config, ALL_LINES) as running, placed(redis_server) as place:
        place.put(100)
        found = Api(running)
        until(lambda: found.assigned("kim")["ml_enabled"], "treatment")
        yield found


def session(secret: str = SECRET, algorithm: str = "HS256", **claims: Any) -> str:
    """A good one, but for the claims that are given; `None` leaves one out."""
    told = {"sub": "kim", "exp": time.time() + 600, "iss": ISSUER, "aud": AUDIENCE, **claims}
    return jwt.encode({name: value for name, value in told.items() if value is not None}, secret, algorithm)


def unsigned(header: dict[str, str]) -> str:
    parts = [header, {"sub": "kim", "exp": time.time() + 600, "iss": ISSUER, "aud": AUDIENCE}]
    texts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return f"{texts[0]}.{texts[1]}."


def test_a_user_asks_for_themselves_without_naming_themselves(api: Api) -> None:
    answer = api.get("ab-test/assignment", token=session())

    assert (answer.status, answer.json["ml_enabled"]) == (200, True)


def test_a_user_may_name_themselves_and_nobody_else(api: Api) -> None:
    assert api.get("ab-test/assignment?user_id=kim", token=session()).status == 200
    assert api.get("ab-test/assignment?user_id=lee", token=session()).status == 403


def test_a_user_rates_nothing_by_their_session_alone_and_for_nobody_else(api: Api) -> None:
    rating = {"dispatch_id": "session", "rating": 5}

    for body in (rating, {**rating, "user_id": "kim"}, {**rating, "user_id": "lee"}, {**rating, "ticket": session()}):
        assert api.post("ab-test/satisfaction", body, token=session()).status == 403


def test_whose_id_is_too_long_is_nobody_whatever_they_ask(api: Api) -> None:
    """As in every client: an application that asks one way and its page that asks another agree."""
    for user_id in ("x" * 1500, "é" * 600):
        token = session(sub=user_id)
        assert api.get("ab-test/assignment", token=token).json["reason"] == "NoUser"
        answer = api.server.ask("POST", FLAG, {"context": {"targetingKey": user_id}}, token=token)
        assert (answer.status, answer.json["errorCode"]) == (400, "INVALID_CONTEXT")
        assert api.get(f"ab-test/assignment?user_id={quote(user_id)}").json["reason"] == "NoUser"


def test_a_user_may_ask_by_openfeature_as_well(api: Api) -> None:
    def asked(user_id: str) -> int:
        return api.server.ask("POST", FLAG, {"context": {"targetingKey": user_id}}, token=session()).status

    assert (asked("kim"), asked("lee")) == (200, 403)


@pytest.mark.parametrize("path", ["ab-test/stats", "monitoring/metrics"])
def test_a_user_sees_nothing_of_the_rollout(api: Api, path: str) -> None:
    assert api.get(path, token=session()).status == 403


@pytest.mark.parametrize(("path", "body"), [("ab-test/rollout", {"percentage": 0}), ("ab-test/rollback", {})])
def test_a_user_moves_nothing(api: Api, path: str, body: object) -> None:
    assert api.post(path, body, token=session()).status == 403


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": 1},
        {"exp": None},
        {"exp": "soon"},
        {"sub": None},
        {"sub": ""},
        {"iss": "https://evil.example"},
        {"iss": None},
        {"aud": "shop"},
        {"aud": None},
        {"nbf": time.time() + 3600},
        {"sub": "\ud800"},
        {"sub": 7},
    ],
)
def test_a_session_that_is_not_good_is_refused(api: Api, claims: dict[str, Any]) -> None:
    answer = api.get("ab-test/assignment", token=session(**claims))

    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_sessions_that_are_not_good_are_counted_and_told(redis_server: RedisServer, tmp_path: Path) -> None:
    key = tmp_path / "session.key"
    key.write_text(SECRET)
    config = {
        "rollouts": [{"name": NAME, "key": KEY}],
        "sessions": {"algorithm": "HS256", "key": str(key)},
        "rate": 200,
    }
    with served(redis_server.url, config, ALL_LINES) as running:
        found = Api(running)
        tokens = [session(**claims, iss=None, aud=None) for claims in ({"exp": 1}, {"sub": "\ud800"})]
        statuses = [found.get("ab-test/assignment", token=token).status for _ in range(8) for token in tokens]
        assert set(statuses) == {401, 429}
        told = running.logged("Refused")
        assert {line["status"] for line in told} == {401}
        assert len(told) >= 4


@pytest.mark.parametrize(
    "token",
    [
        session("another secret of thirty-two bytes"),
        session("s" * 64, algorithm="HS512"),
        session(SECRET * 2, algorithm="HS384"),
        unsigned({"alg": "none", "typ": "JWT"}),
        unsigned({"alg": "HS256"}),
        session()[:-4],
        "a.b.c",
    ],
    ids=["another secret", "HS512", "HS384", "none", "no signature", "half a signature", "no token"],
)
def test_a_session_that_nobody_signed_with_the_key_is_refused(api: Api, token: str) -> None:
    assert api.get("ab-test/assignment", token=token).status == 401


def test_no_session_is_in_the_log(api: Api) -> None:
    token = session()
    api.get("ab-test/stats", token=token)

    assert api.server.logged("Refused")[-1]["caller"] == "user kim"
    assert token not in api.server.log.read_text()


# --- keys --------------------------------------------------------------------------------------


def keys(folder: Path, *kind: str) -> tuple[Path, Path]:
    """The files of a new private key and of its public one."""
    private, public = folder / "private.pem", folder / "public.pem"
    run(["openssl", "genpkey", *kind, "-out", str(private)])
    run(["openssl", "pkey", "-in", str(private), "-pubout", "-out", str(public)])
    return private, public


RSA = ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
EC = ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")


@pytest.mark.parametrize("secret", ["", "short", "-----BEGIN PUBLIC KEY-----" + "A" * 64])
def test_a_secret_that_is_none_is_refused_without_its_text(tmp_path: Path, secret: str) -> None:
    file = tmp_path / "key"
    file.write_text(secret)

    with pytest.raises(SettingsError, match=r"sessions\.key .* is no secret for HS256") as refused:
        Sessions(SessionSettings(algorithm=Algorithm.HS256, key=file))
    assert not secret or secret not in str(refused.value)


def test_a_key_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"sessions\.key .* can't be read"):
        Sessions(SessionSettings(algorithm=Algorithm.HS256, key=tmp_path / "nothing"))


@pytest.mark.parametrize(("algorithm", "kind"), [("RS256", RSA), ("ES256", EC)])
def test_sessions_are_signed_by_a_private_key_that_the_server_never_sees(
    redis_server: RedisServer, tmp_path: Path, algorithm: str, kind: tuple[str, ...]
) -> None:
    private, public = keys(tmp_path, *kind)
    sessions = {"algorithm": algorithm, "key": str(public)}
    with served(redis_server.url, {"rollouts": [{"name": NAME, "key": KEY}], "sessions": sessions}) as running:
        api = Api(running)
        good = session(private.read_text(), algorithm, iss=None, aud=None)
        other = session(keys(tmp_path, *kind)[0].read_text(), algorithm, iss=None, aud=None)
        # The public key is everybody's, so it must not do as a secret.
        confused = unsigned({"alg": "HS256"})

        assert api.get("ab-test/assignment", token=good).status == 200
        assert [api.get("ab-test/assignment", token=token).status for token in (other, confused)] == [401, 401]


def test_a_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    private, public = keys(tmp_path, *EC)

    with pytest.raises(SettingsError, match="is no key for RS256"):
        Sessions(SessionSettings(algorithm=Algorithm.RS256, key=public))
    with pytest.raises(SettingsError, match="is a private key"):
        Sessions(SessionSettings(algorithm=Algorithm.ES256, key=private))
