"""How to connect to a server, and what kind of server it says it is."""

import re
from collections.abc import Sequence
from typing import Any

from .address import Address, Tls
from .failure import UnusableRedisError

_OLDEST = 7


def options(address: Address, tls: Tls, *, answer_within: float, retry: object) -> dict[str, Any]:
    """What the client library is given for every connection.

    Args:
        address: How to log in.
        tls: Files for an address with TLS.
        answer_within: Seconds for a connection to stand, and for each answer on it.
        retry: No retries, in the library's words for the kind of client that is made.
    """
    found: dict[str, Any] = {
        "username": address.username or None,
        "password": address.password or None,
        # Nothing is sent before the first command but the login: less to wait for, and less to permit.
        "protocol": 2,
        "driver_info": None,
        "socket_timeout": answer_within,
        "socket_connect_timeout": answer_within,
        "retry": retry,
    }
    if address.tls:
        files = {"ssl_ca_certs": tls.ca, "ssl_certfile": tls.certificate, "ssl_keyfile": tls.key}
        found |= {"ssl": True, **{name: str(file) for name, file in files.items() if file}}
    return found


def sentinel_options(address: Address, connection_options: dict[str, Any]) -> dict[str, Any]:
    """What the library is given for connections to the Sentinels of a server.

    They seldom have users, but often the same password; the default user without one takes any.
    """
    return connection_options | ({"username": "default"} if address.password else {})


def is_cluster(hello: Any, address: Address) -> bool:  # noqa: ANN401 - whatever the server answers
    """Whether a server belongs to a Redis Cluster, by its answer to `HELLO`.

    Raises:
        UnusableRedisError: It is a Sentinel, too old, or no Redis at all.
    """
    said = dict(zip(hello[::2], hello[1::2], strict=False)) if isinstance(hello, Sequence) else {}
    version = re.match(rb"[0-9]+", said.get(b"version", b""))
    if said.get(b"mode") == b"sentinel":
        raise UnusableRedisError(
            f"Redis at {address} is a Sentinel. Write the URL as redis+sentinel://host:26379/service/0."
        )
    if not version or int(version[0]) < _OLDEST:
        raise UnusableRedisError(f"What answers at {address} is not Redis or Valkey {_OLDEST} or later. Use one.")
    return bool(said.get(b"mode") == b"cluster")
