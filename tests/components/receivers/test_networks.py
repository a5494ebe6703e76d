"""Where an address that an object names may lead to."""

import pytest
from mlrollout.adapters.receivers.networks import networks


@pytest.mark.parametrize("host", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_the_public_internet_is_allowed(host: str) -> None:
    assert networks(()).problem(host) == ""


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.9.9.9",
        "0.0.0.0",  # noqa: S104 - it is refused
        "10.96.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "100.64.0.1",
        "169.254.169.254",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fd00::1",
        "fec0::1",
        "64:ff9b:1::a00:1",
        "168.63.129.16",
        "::ffff:168.63.129.16",
        "64:ff9b::a83f:8110",
        "ff02::1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:7f00:1::",
        "2001:0:4136:e378:8000:63bf:f5ff:fffe",
        "hooks.example.com",
        "",
    ],
)
def test_nothing_else_is(host: str) -> None:
    assert networks(()).problem(host)


def test_what_an_administrator_allows_is_allowed_and_nothing_beside_it() -> None:
    found = networks(("10.20.0.0/16", "fd00::/64"))
    assert found.problem("10.20.3.4") == found.problem("::ffff:10.20.3.4") == found.problem("fd00::9") == ""
    assert found.problem("10.21.0.1")
    assert found.problem("fd01::1")


def test_a_range_is_a_range() -> None:
    with pytest.raises(ValueError, match="host bits set"):
        networks(("10.20.0.1/16",))
