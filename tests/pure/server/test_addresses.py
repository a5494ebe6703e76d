"""Where a request comes from."""

from ipaddress import ip_network

import pytest
from aiohttp.test_utils import make_mocked_request
from mlrollout.listening.site import site
from mlrollout.server.http.addresses import Proxies

PROXIES = Proxies([ip_network("10.0.0.0/8"), ip_network("fd00::/8")])


def client(proxies: Proxies, remote: str, *forwarded: str) -> str:
    headers = [("X-Forwarded-For", one) for one in forwarded]
    request = make_mocked_request("GET", "/", headers=dict(headers[:1]))
    for name, value in headers[1:]:
        request = request.clone(headers=[*request.headers.items(), (name, value)])
    return proxies.client(request.clone(remote=remote))


def test_without_proxies_nobody_says_who_they_are() -> None:
    assert client(Proxies(), "1.2.3.4", "9.9.9.9") == "1.2.3.4"


def test_who_is_no_proxy_does_not_say_who_they_are_either() -> None:
    assert client(PROXIES, "1.2.3.4", "9.9.9.9") == "1.2.3.4"


def test_a_proxy_says_for_whom_it_asks() -> None:
    assert client(PROXIES, "10.0.0.1", "9.9.9.9") == "9.9.9.9"


@pytest.mark.parametrize(
    ("forwarded", "found"),
    [
        (["6.6.6.6, 9.9.9.9"], "9.9.9.9"),
        (["6.6.6.6", "9.9.9.9"], "9.9.9.9"),
        (["9.9.9.9:51234"], "9.9.9.9"),
        (["6.6.6.6:1, 9.9.9.9:51234, 10.0.0.2:80"], "9.9.9.9"),
        (["[2001:db8::1]:443"], "2001:db8::/64"),
        (["[2001:db8::1]"], "2001:db8::/64"),
        (["2001:db8::1"], "2001:db8::/64"),
        (["9.9.9.9:"], "10.0.0.1"),
        (["9.9.9.9:x"], "10.0.0.1"),
        (["[9.9.9.9"], "10.0.0.1"),
        (["[]:443"], "10.0.0.1"),
        ([":443"], "10.0.0.1"),
        (["9.9.9.9, 10.0.0.2"], "9.9.9.9"),
        (["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        (["9.9.9.9, nonsense"], "10.0.0.1"),
        (["9.9.9.9, nonsense, 10.0.0.2"], "10.0.0.2"),
        ([""], "10.0.0.1"),
        ([], "10.0.0.1"),
    ],
)
def test_only_what_proxies_added_counts(forwarded: list[str], found: str) -> None:
    assert client(PROXIES, "10.0.0.1", *forwarded) == found


def test_of_ipv6_a_customers_network_is_one() -> None:
    assert site("2001:db8:1:2:aaaa::1") == site("2001:db8:1:2:bbbb::9") != site("2001:db8:1:3::1")


@pytest.mark.parametrize(
    ("host", "found"),
    [("::ffff:1.2.3.4", "1.2.3.4"), ("1.2.3.4", "1.2.3.4"), ("None", "None"), ("fe80::1%eth0", "fe80::/64")],
)
def test_every_way_to_write_an_address_is_one(host: str, found: str) -> None:
    assert site(host) == found


def test_a_proxy_is_known_by_every_way_to_write_it() -> None:
    assert "::ffff:10.1.2.3" in PROXIES
    assert "fd00::1" in PROXIES
    assert "9.9.9.9" not in PROXIES
    assert "" not in PROXIES
