"""One client for every kind of Redis; which kind it is, the server says at the first use."""

import asyncio
import re
from collections import defaultdict
from contextlib import suppress
from typing import Any

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, SlotNotCoveredError

from mlrollout.ports import KeyRefusedError, TrafficError

from .address import Address, Tls

ANSWER_WITHIN = 0.25
"""Seconds for a connection to stand, and for each answer on it."""

MOST_AT_ONCE = 4
"""Calls, and so connections, per store and per node of a Cluster. Few, because with TLS each new connection
loads the system's authorities and holds up everything else for some 40 ms; four carry thousands of
calls a second."""

_OLDEST = 7


class Client:
    """Sends commands about one key at a time. Its methods raise what the client library raises."""

    def __init__(self, address: Address, tls: Tls) -> None:
        self._address = address
        self._options = _options(address, tls)
        self._client: Redis | RedisCluster = _single(address, self._options)
        self._known = False
        self._asking = asyncio.Lock()
        self._turns: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(MOST_AT_ONCE))

    async def execute(self, keys: tuple[str, str], *command: str | int) -> Any:  # noqa: ANN401 - the server's answer
        """The answer to a command that touches these two keys.

        Raises:
            KeyRefusedError: This is a Cluster, and it keeps the two keys apart.
        """
        if not self._known:
            await self._ask_kind()
        if isinstance(self._client, RedisCluster):
            _check_together(self._client, *keys)
        async with self._turn(keys[0]):
            return await self._client.execute_command(*command)

    async def drop_idle(self) -> None:
        """Close the connections that nobody uses: they may be as dead as the one that just failed."""
        if isinstance(self._client, Redis):  # a Cluster's client does it by itself
            with suppress(RedisError, OSError):  # dead ones may not close properly either
                await self._client.connection_pool.disconnect(inuse_connections=False)

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()
        pool = getattr(self._client, "connection_pool", None)
        if isinstance(pool, SentinelConnectionPool):
            await pool.sentinel_manager.aclose()

    def _turn(self, key: str) -> asyncio.Semaphore:
        """A turn at the node that has the key: a hung node holds up its own keys only."""
        node = None
        if isinstance(self._client, RedisCluster):
            with suppress(SlotNotCoveredError):  # by nobody, or not known yet: both for the library to see to
                node = self._client.get_node_from_key(key)
        return self._turns[node.name if node else ""]

    async def _ask_kind(self) -> None:
        async with self._asking:
            if self._known:
                return
            mode = self._check(await self._client.execute_command("HELLO"))
            if mode == b"cluster":
                await self._client.aclose()
                self._client = _cluster(self._address, self._options)
            self._known = True

    def _check(self, flat: Any) -> bytes:  # noqa: ANN401 - whatever the server answers
        """The mode of a server that can be used."""
        told = dict(zip(flat[::2], flat[1::2], strict=False)) if isinstance(flat, list) else {}
        mode: bytes = told.get(b"mode", b"")
        version = re.match(rb"[0-9]+", told.get(b"version", b""))
        if mode == b"sentinel":
            raise TrafficError(
                f"Redis at {self._address} is a Sentinel. Write the URL as redis+sentinel://host:26379/service/0."
            )
        if not version or int(version[0]) < _OLDEST:
            raise TrafficError(f"What answers at {self._address} is not Redis or Valkey {_OLDEST} or later. Use one.")
        return mode


def _options(address: Address, tls: Tls) -> dict[str, Any]:
    options: dict[str, Any] = {
        "username": address.username or None,
        "password": address.password or None,
        # Nothing is sent before the first command but the login: less to wait for, and less to permit.
        "protocol": 2,
        "driver_info": None,
        "socket_timeout": ANSWER_WITHIN,
        "socket_connect_timeout": ANSWER_WITHIN,
        "retry": Retry(NoBackoff(), 0),
    }
    if address.tls:
        files = {"ssl_ca_certs": tls.ca, "ssl_certfile": tls.certificate, "ssl_keyfile": tls.key}
        options |= {"ssl": True, **{name: str(file) for name, file in files.items() if file}}
    return options


def _single(address: Address, options: dict[str, Any]) -> Redis:
    if address.socket:
        return Redis(unix_socket_path=address.socket, db=address.database, **options)
    if not address.service:
        ((host, port),) = address.hosts
        return Redis(host=host, port=port, db=address.database, **options)
    # Sentinels seldom have users, but often the same password; the default user without one takes any.
    login = {"username": "default"} if address.password else {}
    sentinel = Sentinel(address.hosts, sentinel_kwargs=options | login)  # type: ignore[no-untyped-call]  # has no types
    client: Redis = sentinel.master_for(address.service, db=address.database, **options)
    return client


def _cluster(address: Address, options: dict[str, Any]) -> RedisCluster:
    ((host, port),) = address.hosts
    # A slot nobody serves is no reason to leave the others unserved.
    cluster = RedisCluster(host=host, port=port, require_full_coverage=False, **options)
    cluster.commands_parser = _OurCommands()  # type: ignore[assignment]  # its class is private to the library
    return cluster


class _OurCommands:
    """Which arguments are keys, of the one command where the library asks.

    It would load the server's table of all commands with each new view of the Cluster, so after every
    lost connection, and hold up everything else for 50 ms.
    """

    async def initialize(self, node: object = None) -> None:
        """There is nothing to load."""

    async def get_keys(self, *command: str) -> tuple[str, ...]:
        """Of `MGET`."""
        return command[1:]


def _check_together(cluster: RedisCluster, key: str, record: str) -> None:
    if cluster.keyslot(key) == cluster.keyslot(record):
        return
    head, colon, tail = key.replace("{", "").replace("}", "").partition(":")
    raise KeyRefusedError(
        f"The key {key} has no hash tag, so this Redis Cluster may keep it apart from its record. "
        f"Use a key with a part in braces, for example {{{head}}}{colon}{tail}."
    )
