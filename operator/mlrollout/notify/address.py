"""Where a receiver is reached: a URL, and the secret that signs what is sent there. Neither may be shown."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import yaml

from mlrollout import yaml_text

from .signature import key

_WEBHOOK = re.compile(r"https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?([/?][!-~]*)?", re.IGNORECASE)

_DEFAULT_PORTS = {"http": 80, "https": 443}
_FIRST = 2
"""Which of YAML's events begins what it holds: before it begin the stream and the document."""
MAX_SECRET = 16 * 1024
"""Bytes of a Secret that is read for an address."""


@dataclass(frozen=True, slots=True)
class ReceiverAddress:
    """Where a receiver is reached.

    Attributes:
        url: Of a webhook, or of a service as Apprise writes it. It may hold a password or a token anywhere.
        secret: What signs a webhook; empty for none.
        chosen_by_tenant: Whether an object names it, so that it must be one that the administrator allows.
    """

    url: str = field(repr=False)
    secret: str = field(default="", repr=False)
    chosen_by_tenant: bool = False

    @property
    def scheme(self) -> str:
        """The service, or `http` or `https`."""
        return self.url.partition(":")[0].lower()

    @property
    def origin(self) -> str:
        """Of a webhook scheme, host and port, of any other the scheme: what the administrator allows, and may be shown.

        A service may take its host from anywhere in the URL, so that none can be told from it.
        """
        if self.scheme not in _DEFAULT_PORTS:
            return self.scheme
        parts = urlsplit(self.url.lower())
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        port = "" if parts.port in (None, _DEFAULT_PORTS[self.scheme]) else f":{parts.port}"
        return f"{self.scheme}://{host}{port}"

    def __str__(self) -> str:
        return self.origin


def address(url: str, secret: str = "", *, chosen_by_tenant: bool = False) -> ReceiverAddress:
    """An address that may be tried.

    Raises:
        ValueError: It is none; the text does not repeat it.
    """
    url = url.strip()
    scheme, colon, rest = url.partition("://")
    usable = scheme.isascii() and scheme.replace("+", "").replace("-", "").isalnum() and rest and url.isprintable()
    if not colon or not usable:
        raise ValueError("the address is no URL such as https://host/path, slack://… or mailto://…")
    found = ReceiverAddress(url, secret, chosen_by_tenant)
    if found.scheme in _DEFAULT_PORTS:
        _check_webhook(url)
    elif secret:
        raise ValueError("only a webhook can be signed: take the secret away, or name an https:// address")
    if secret:
        key(secret)
    return found


def _check_webhook(url: str) -> None:
    """Take no URL that two programs could read in two ways: the host that is allowed is the one that is asked."""
    if not _WEBHOOK.fullmatch(url):
        raise ValueError("the address of a webhook is https://host[:port]/path, without user name and password")
    try:
        _ = urlsplit(url).port
    except ValueError:
        raise ValueError("the address of a webhook has a port that there is not") from None


def from_secret(text: str) -> ReceiverAddress:
    """The address in a Secret that an object names: a URL, or YAML with `url` and `secret`.

    Raises:
        ValueError: There is none in it; the text does not repeat what is.
    """
    if len(text) > MAX_SECRET:
        raise ValueError(f"it is longer than {MAX_SECRET} characters")
    text = text.strip()
    if "\n" not in text and "://" in text.partition(" ")[0]:
        return address(text, chosen_by_tenant=True)
    fields = _fields(text)
    url, secret = fields.get("url"), fields.get("secret", "")
    if not isinstance(url, str) or not isinstance(secret, str) or not fields.keys() <= {"url", "secret"}:
        raise ValueError("it is neither a URL nor YAML with url and, for a signed webhook, secret")
    return address(url, secret, chosen_by_tenant=True)


def _fields(text: str) -> Mapping[str, object]:
    """What stands in YAML; nothing where it is more than names and texts.

    A tenant writes it. What merges itself again and again (`<<: [*a, *a]`) takes eight times as long with every line,
    so nothing is made of YAML whose events tell of a name for a part, or of anything inside of anything.
    """
    try:
        for number, event in enumerate(yaml.parse(text, Loader=yaml.SafeLoader)):
            nested = isinstance(event, yaml.CollectionStartEvent) and number != _FIRST
            if nested or isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
                return {}
        found = yaml_text.load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, Mapping) else {}
