"""Where a Redis is, and how to log in: what a Redis URL says.

It is read more strictly than the client library would. A `/` or `#` that was left unencoded in a
password shifts the rest of the URL, and a piece of the password would then be taken for the host
and stand in every error; and options in the URL could switch off certificates or time-outs.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from .failure import UnusableRedisError

_REDIS_PORT = 6379
_SENTINEL_PORT = 26379


@dataclass(frozen=True, slots=True)
class Tls:
    """PEM files for `rediss` URLs. New files under the same names are read by new stores only.

    Attributes:
        ca: Authorities to trust besides the system's.
        certificate: The client's certificate, where the server asks for one.
        key: The key of that certificate.
    """

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    def __post_init__(self) -> None:
        """Refuse files that are not there, which connections would report as a Redis out of reach."""
        for file in (self.ca, self.certificate, self.key):
            if file is not None and not isinstance(file, Path):
                raise TypeError(f"A TLS file for Redis must be a Path, and not of type {type(file).__name__}: Path(…)")
            if file and not file.is_file():
                raise UnusableRedisError(
                    f"The TLS file {file} for Redis does not exist. Mount it, or correct the path."
                )


NO_FILES = Tls()
"""The system's authorities, and no certificate."""


@dataclass(frozen=True, slots=True)
class Address:
    """A Redis, or the Sentinels that know where it is.

    Attributes:
        hosts: Names and ports; several only for Sentinels.
        socket: The path of a Unix socket, in place of hosts.
        service: What the Sentinels call it; empty where there are none.
        database: Its number.
        tls: Whether to speak TLS, with the Sentinels too.
        username: Empty for Redis' `default` user.
        password: Empty for none.
    """

    hosts: tuple[tuple[str, int], ...] = ()
    socket: str = ""
    service: str = ""
    database: int = 0
    tls: bool = False
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    def __str__(self) -> str:
        """The name that errors give it: without anything to log in with."""
        places = self.socket or ", ".join(f"{host}:{port}" for host, port in self.hosts)
        return f"{self.service} (by the Sentinels {places})" if self.service else places


def parse(url: str) -> Address:
    """The address in a URL of the schemes `redis`, `rediss`, `unix`, `redis+sentinel` or `rediss+sentinel`.

    Raises:
        UnusableRedisError: It is not such a URL; the text says what is wrong and holds nothing of it.
    """
    try:
        parts = urlsplit(url.strip())
        return _READERS[parts.scheme](parts)
    except KeyError:
        reason = "its scheme is none of redis, rediss, unix, redis+sentinel and rediss+sentinel"
    except ValueError as error:
        # Of our own errors only: those of the standard library quote the URL.
        reason = str(error) if isinstance(error, _UrlError) else "its host or port can't be read"
    raise UnusableRedisError(
        f"The Redis URL can't be used: {reason}. Write it like rediss://user:password@host:6379/0, "
        "with every / # ? @ : % of the password percent-encoded."
    )


class _UrlError(ValueError):
    """What is wrong with a URL, in words that hold nothing of it."""


def _server(parts: SplitResult) -> Address:
    _check_no_rest(parts.query, parts.fragment)
    username, password, hosts = _login(parts.netloc)
    return Address(
        hosts=(_host(hosts, _REDIS_PORT),),
        database=_database(parts.path.removeprefix("/")),
        tls=parts.scheme == "rediss",
        username=username,
        password=password,
    )


def _sentinels(parts: SplitResult) -> Address:
    _check_no_rest(parts.query, parts.fragment)
    username, password, hosts = _login(parts.netloc)
    service, _, database = parts.path.removeprefix("/").partition("/")
    if not service:
        raise _UrlError("it does not name the Sentinels' service, as in redis+sentinel://host:26379/service/0")
    return Address(
        hosts=tuple(_host(host, _SENTINEL_PORT) for host in hosts.split(",")),
        service=unquote(service),
        database=_database(database),
        tls=parts.scheme == "rediss+sentinel",
        username=username,
        password=password,
    )


def _socket(parts: SplitResult) -> Address:
    username, password, host = _login(parts.netloc)
    option, _, database = parts.query.partition("=")
    _check_no_rest(option if option != "db" else "", parts.fragment)
    if host or not parts.path:
        raise _UrlError("it does not name a socket, as in unix:///run/redis.sock?db=0")
    return Address(socket=unquote(parts.path), database=_database(database), username=username, password=password)


_READERS = {
    "redis": _server,
    "rediss": _server,
    "unix": _socket,
    "redis+sentinel": _sentinels,
    "rediss+sentinel": _sentinels,
}


def _login(netloc: str) -> tuple[str, str, str]:
    """User name, password, and the hosts that follow them."""
    login, _, rest = netloc.rpartition("@")
    username, _, password = login.partition(":")
    return unquote(username), unquote(password), rest


def _host(text: str, default_port: int) -> tuple[str, int]:
    parts = urlsplit(f"//{text}")
    if not parts.hostname:
        raise _UrlError("it names no host")
    return parts.hostname, parts.port or default_port


def _database(text: str) -> int:
    if not re.fullmatch(r"[0-9]{0,4}", text):
        raise _UrlError("it ends in something other than a database number")
    return int(text or 0)


def _check_no_rest(query: str, fragment: str) -> None:
    if query or fragment:
        raise _UrlError("it has options or a fragment, and takes neither")
