"""What a Prometheus is shown by whoever asks it: a token, a password, a certificate, further headers.

It stands in a folder of files, as Kubernetes mounts a Secret, or in a Secret that an object names
(`prometheus_of_secret.py`), and is read again while the process runs: tokens and certificates are renewed more often
than operators are restarted.
"""

import base64
import os
import re
import ssl
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import NamedTemporaryFile

import structlog

log = structlog.get_logger(__name__)

FILES = ("token", "username", "password", "headers", "ca", "certificate", "key")
VARIABLE = "MLROLLOUT_PROMETHEUS_AUTH"
"""Names the folder, for every program that asks a Prometheus of its own choice."""
AGAIN = 5.0
"""Seconds between two looks at the files."""

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
    """For a Prometheus that asks for nothing."""
    return OPEN


def by_environment() -> Callable[[], Access]:
    """What the folder shows that the environment names; nothing where it names none.

    For a Prometheus that whoever runs the process has chosen, and no other.

    Raises:
        UnusableAccessError: What is in it can't be used.
    """
    folder = os.environ.get(VARIABLE)
    if not folder:
        return nothing
    try:
        return AccessFolder(Path(folder)).current
    except UnusableAccessError as error:
        raise UnusableAccessError(f"{VARIABLE}: {error}") from None


class AccessFolder:
    """The files of one folder, see `access_of`.

    Args:
        folder: Where they are.
        now: A clock for durations.

    Raises:
        UnusableAccessError: They can't be used.
    """

    def __init__(self, folder: Path, now: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._now = now
        self._contents = _contents(folder)
        self._access = access_of(str(folder), self._contents)
        self._looked = now()
        self._refused: Mapping[str, bytes] = {}

    def current(self) -> Access:
        """What the files say now; where they can't be used just now, what they said before."""
        if self._now() - self._looked < AGAIN:
            return self._access
        self._looked = self._now()
        try:
            contents = _contents(self._folder)
            if contents not in (self._contents, self._refused):
                self._refused = contents
                self._access, self._contents = access_of(str(self._folder), contents), contents
                log.info("Read what Prometheus is shown again", folder=str(self._folder))
        except UnusableAccessError as error:
            log.warning("What Prometheus is shown can't be used; going on with what it was before", error=str(error))
        return self._access


def _contents(folder: Path) -> Mapping[str, bytes]:
    if not folder.is_dir():
        raise UnusableAccessError(f"{folder} is no folder: mount the Secret there")
    try:
        return {name: (folder / name).read_bytes() for name in FILES if (folder / name).exists()}
    except OSError as error:
        raise UnusableAccessError(f"{folder} can't be read ({error.strerror}): see its rights") from None


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
