"""An address is read in one way by whoever allows it and whoever connects to it."""

import pytest
from mlrollout.allowed import matches
from mlrollout.notify.address import MAX_SECRET, address, from_secret

SIGNED = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://hooks.example.com/x/y?z=1", "https://hooks.example.com"),
        ("HTTPS://Hooks.Example.COM:443/x", "https://hooks.example.com"),
        ("http://hooks.example.com:8080", "http://hooks.example.com:8080"),
        ("http://[::1]:80/x", "http://[::1]"),
        ("slack://tokenA/tokenB/tokenC", "slack"),
        ("mailtos://user:password@example.com?smtp=other", "mailtos"),
    ],
)
def test_what_may_be_shown_of_an_address_is_what_is_allowed(url: str, origin: str) -> None:
    found = address(url)
    assert str(found) == found.origin == origin
    assert matches(origin, found.origin)


@pytest.mark.parametrize(
    "url",
    [
        "https://good.example.com@evil.example.com/",
        "https://good.example.com\\@evil.example.com/",
        "https://good.example.com\t.evil.example.com/",
        "https://good.example.com\n/",
        "https://good.example.com#@evil.example.com/",
        "https:///x",
        "https://",
        "//x",
        "x",
        "",
        "https://a:0x50/",
        "https://ünicode.example.com/",
    ],
)
def test_what_two_programs_could_read_in_two_ways_is_no_address(url: str) -> None:
    with pytest.raises(ValueError, match="address") as found:
        address(url)
    assert "evil" not in str(found.value)


def test_a_secret_holds_a_url_or_yaml() -> None:
    assert from_secret(" https://a.example.com/x\n").origin == "https://a.example.com"
    assert from_secret("https://a.example.com/x").chosen_by_tenant
    signed = from_secret(f"url: https://a.example.com/x\nsecret: {SIGNED}")
    assert (signed.url, signed.secret, signed.chosen_by_tenant) == ("https://a.example.com/x", SIGNED, True)
    assert from_secret("{url: 'slack://a/b/c'}").scheme == "slack"


MERGED = "a0: &a0 {url: x}\n" + "".join(
    f"a{one}: &a{one} {{<<: [{','.join([f'*a{one - 1}'] * 8)}]}}\n" for one in range(1, 200)
)
"""What takes eight times as long with every line."""


@pytest.mark.parametrize(
    "text",
    [
        MERGED,
        "&a {url: x}",
        "url: &a x",
        "url: x\nsecret: *a",
        "url: [x]",
        "[" * 5000 + "\n",
        "{" * 5000 + "\n",
        "url: " + "9" * 9000,
        "url: x\n---\nurl: y",
        "? {url: x}\n: y",
        "!!python/name:os.system x\n",
        "url: !!bool x",
        "url: !!int ''",
        "url: !!timestamp x",
        "url: 2026-02-30",
    ],
    ids=lambda text: text[:16],
)
def test_yaml_that_is_more_than_names_and_texts_is_not_made_into_anything(text: str) -> None:
    with pytest.raises(ValueError, match="neither a URL nor YAML"):
        from_secret(text)


@pytest.mark.parametrize("text", ["", "url: 5", "[1]", "url: x\nother: y", "a: [", "secret: x", "x" * (MAX_SECRET + 1)])
def test_what_else_a_secret_holds_is_not_repeated(text: str) -> None:
    with pytest.raises(ValueError, match=r"neither a URL nor YAML|longer than"):
        from_secret(text)
