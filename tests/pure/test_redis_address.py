"""What a Redis URL says, and what an error about one does not."""

import traceback
from dataclasses import replace
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlrollout.redis_common.address import Address, parse
from mlrollout.redis_common.failure import UnusableRedisError

REDIS = Address((("redis", 6379),))


def login(address: Address, password: str, username: str = "") -> Address:
    return replace(address, username=username, password=password)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://redis", REDIS),
        ("redis://redis:6380/", Address((("redis", 6380),))),
        (" redis://redis/3\n", replace(REDIS, database=3)),
        ("rediss://[::1]:7000/0", Address((("::1", 7000),), tls=True)),
        ("redis://:secret@redis", login(REDIS, "secret")),
        ("redis://me:p%40%2F%23@redis", login(REDIS, "p@/#", "me")),
        ("redis://me:p:q@redis", login(REDIS, "p:q", "me")),
        ("unix:///run/redis.sock", Address(socket="/run/redis.sock")),
        ("unix://me:pw@/run/redis.sock?db=2", login(Address(socket="/run/redis.sock", database=2), "pw", "me")),
        (
            "redis+sentinel://:pw@one,two:26380,[::1]/dispatch/1",
            login(Address((("one", 26379), ("two", 26380), ("::1", 26379)), service="dispatch", database=1), "pw"),
        ),
        ("rediss+sentinel://one/dispatch", Address((("one", 26379),), service="dispatch", tls=True)),
    ],
)
def test_what_a_url_says(url: str, address: Address) -> None:
    assert parse(url) == address


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "scheme"),
        ("hunter2", "scheme"),
        ("hunter2:6379", "scheme"),
        ("http://:hunter2@redis", "scheme"),
        ("redis://", "no host"),
        ("redis://:hunter2@:6379", "no host"),
        ("redis://me:hunter2/x@redis:6379/0", "can't be read"),
        ("redis://me:12/hunter2@redis:6379/0", "database number"),
        ("redis://me:12#hunter2@redis:6379/0", "a fragment"),
        ("redis://me:12?hunter2@redis:6379/0", "options"),
        ("redis://:hunter2@redis:port", "can't be read"),
        ("redis://:hunter2@redis:99999", "can't be read"),
        ("redis://:hunter2@[redis", "can't be read"),
        ("redis://:hunter2@redis/0?socket_timeout=60", "options"),
        ("rediss://:hunter2@redis/0?ssl_cert_reqs=none", "options"),
        ("redis://:hunter2@redis/zero", "database number"),
        ("unix://:hunter2@host/run/redis.sock", "name a socket"),
        ("unix://:hunter2@", "name a socket"),
        ("unix:///run/redis.sock?password=hunter2", "options"),
        ("redis+sentinel://:hunter2@one", "service"),
        ("redis+sentinel://:hunter2@one,/dispatch", "no host"),
        ("redis+sentinel://:hunter2@one/dispatch/0/1", "database number"),
    ],
)
def test_a_url_that_is_none_is_refused_without_quoting_it(url: str, reason: str) -> None:
    with pytest.raises(UnusableRedisError, match=reason) as raised:
        parse(url)
    told = "".join(traceback.format_exception(raised.value))
    assert "hunter2" not in told
    assert not url.strip() or url not in told


@given(username=st.text(max_size=8), password=st.text(min_size=1, max_size=12))
def test_any_password_survives_encoding(username: str, password: str) -> None:
    address = parse(f"redis://{quote(username, safe='')}:{quote(password, safe='')}@redis:6379/0")
    assert (address.username, address.password) == (username, password)
    assert str(address) == "redis:6379"


def test_an_address_shows_no_login() -> None:
    shown = login(REDIS, "hunter2", "someone")
    assert not [part for part in ("someone", "hunter2") if part in f"{shown} {shown!r}"]


def test_an_address_behind_sentinels_names_both() -> None:
    assert str(parse("redis+sentinel://one,two/dispatch")) == "dispatch (by the Sentinels one:26379, two:26379)"
