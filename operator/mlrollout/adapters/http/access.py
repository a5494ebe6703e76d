"""What a server is shown by whoever asks it: a token, a password, a certificate, further headers.

It stands in a folder of files, as Kubernetes mounts a Secret (`prometheus_access.py`), or in a Secret that an object
names (`access_of_secret.py`), and is read again while the process runs: tokens and certificates are renewed more often
than operators are restarted.
"""

import base64
import os
import re
import ssl
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from tempfile import NamedTemporaryFile

FILES = ("token", "username", "password", "headers", "ca", "certificate", "key")
LONGEST = 16 * 1024
"""Bytes of what is sent with each request: more, no server takes."""
AGAIN = 5.0
"""Seconds between two looks at where it stands."""

_OURS = frozenset({"host", "connection", "content-length", "content-type", "transfer-encoding", "accept-encoding"})
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\x20-\x7e]*)")


class UnusableAccessError(ValueError):
    """What is in the files can't be used; the text says which and what to do, and holds nothing of them."""


@dataclass(frozen=True, slots=True)
class Access:
    """What a request is sent with.

    Attributes:
        headers: Its headers, credentials among them.
        tls: How to speak TLS; `None` as ever.
    """

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    tls: ssl.SSLContext | None = None


OPEN = Access()
"""Nothing at all."""


def nothing() -> Access:
    """For a server that asks for nothing."""
    return OPEN


def access_of(where: str, contents: Mapping[str, bytes]) -> Access:
    """What is shown by these, of which each may be left out.

    `token` is sent as a bearer token; `username` and `password` are those of basic authentication; `headers` are lines
    of the form `Name: value`. `ca` are authorities to trust besides the system's, `certificate` and `key` are shown to
    a server that asks for them; all of these are PEM.

    Args:
        where: Where they stand, for people.
        contents: By their names, which are `FILES`; what has another is none of these.

    Raises:
        UnusableAccessError: They can't be used.
    """
    for one, other in (("username", "password"), ("certificate", "key")):
        if (one in contents) != (other in contents):
            raise UnusableAccessError(f"{where} has one of {one} and {other}, which go together: add the other")
    if "token" in contents and "username" in contents:
        raise UnusableAccessError(f"{where} has a token and a username: a request can show one, so leave the other out")
    for name in ("token", "username", "password", "headers"):
        if len(contents.get(name, b"")) > LONGEST:
            raise UnusableAccessError(f"{where}/{name} is longer than {LONGEST} bytes, which no server takes")
    headers = _headers(where, contents)
    if "token" in contents:
        headers["Authorization"] = f"Bearer {_line(where, 'token', contents['token'])}"
    elif "username" in contents:
        pair = ":".join(_line(where, name, contents[name]) for name in ("username", "password"))
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    return Access(headers, _tls(where, contents))


def _headers(where: str, contents: Mapping[str, bytes]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in _text(where, "headers", contents.get("headers", b"")).splitlines():
        header = _HEADER.fullmatch(line.strip())
        if header is None and line.strip():
            raise UnusableAccessError(f"{where}/headers has a line that is no header: write `Name: value`")
        if header is not None:
            if header[1].lower() in _OURS:
                raise UnusableAccessError(f"{where}/headers sets {header[1]}, which each request sets by itself")
            found[header[1]] = header[2]
    return found


def _line(where: str, name: str, content: bytes) -> str:
    text = _text(where, name, content).strip()
    if not text or not text.isprintable():
        raise UnusableAccessError(f"{where}/{name} holds no single line of text: put it there, and nothing else")
    return text


def _text(where: str, name: str, content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise UnusableAccessError(f"{where}/{name} is no text in UTF-8") from None


def _tls(where: str, contents: Mapping[str, bytes]) -> ssl.SSLContext | None:
    if not {"ca", "certificate"} & contents.keys():
        return None
    context = ssl.create_default_context()
    try:
        if "ca" in contents:
            context.load_verify_locations(cadata=_text(where, "ca", contents["ca"]))
    except ssl.SSLError:
        raise UnusableAccessError(f"{where}/ca holds no certificates in PEM") from None
    try:
        if "certificate" in contents:
            with _file(contents["certificate"]) as certificate, _file(contents["key"]) as key:
                context.load_cert_chain(certificate, key, password=_no_password)
    except (ssl.SSLError, OSError):
        raise UnusableAccessError(
            f"{where}/certificate and {where}/key are no certificate and its key in PEM, without a password"
        ) from None
    return context


@contextmanager
def _file(content: bytes) -> Iterator[str]:
    """A file for what reads from nothing else: in memory where there is such a thing, as a pod has none to write to."""
    if sys.platform == "linux":
        with os.fdopen(os.memfd_create("pem"), "wb") as held:
            held.write(content)
            held.flush()
            yield f"/proc/self/fd/{held.fileno()}"
    else:
        with NamedTemporaryFile() as held:
            held.write(content)
            held.flush()
            yield held.name


def _no_password() -> str:
    """A key with a password would have the process ask its terminal for it."""
    return ""
