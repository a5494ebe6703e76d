"""One client for every kind of Redis; which kind it is, the server says at the first use."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, SlotNotCoveredError

from mlrollout.ports import KeyRefusedError
from mlrollout.redis_common.address import Address, Tls
from mlrollout.redis_common.names import slot_problem
from mlrollout.redis_common.server import is_cluster, options, sentinel_options

from .bounded import NoAnswerError, are_texts, bound
from .login import LoginOfFile

ANSWER_WITHIN = 0.25
"""Seconds for a connection to stand, and for each answer on it."""

MOST_AT_ONCE = 4
"""Calls, and so connections, per store and per node of a Cluster. Few, because with TLS each new connection
loads the system's authorities and holds up everything else for some 40 ms; four carry thousands of
calls a second."""

KeyAndRecord = tuple[str, str]
"""A key and that of its record."""
Texts = tuple[bytes | None, bytes | None]
"""What stands under the two; `None` where nothing does, or no text."""


class RedisClient:
    """Sends commands about one key at a time. Its methods raise what the client library raises."""

    def __init__(self, address: Address, tls: Tls, login: LoginOfFile | None) -> None:
        self._address = address
        self._options = options(address, tls, answer_within=ANSWER_WITHIN, retry=Retry(NoBackoff(), 0))
        if login is not None:
            self._options |= {"username": None, "password": None, "credential_provider": login}
        self._client: Redis | RedisCluster = _single(address, self._options)
        self._known = False
        self._asking = asyncio.Lock()
        self._turns: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(MOST_AT_ONCE))

    async def execute(self, key: str, *command: str | bytes | int) -> Any:  # noqa: ANN401 - the server's answer
        """The answer to a command that touches a key and its record.

        Raises:
            KeyRefusedError: This is a Cluster, and it keeps the two keys apart.
        """
        if not self._known:
            await self._ask_kind()
        if isinstance(self._client, RedisCluster) and (why := slot_problem(key)):
            raise KeyRefusedError(why)
        async with self._turn(key):
            return await self._client.execute_command(*command)

    async def groups(self, keys: Iterable[str]) -> Sequence[Sequence[str]]:
        """Keys by the node that has them: all together but in a Cluster. Keys that can't be served stand alone."""
        if not self._known:
            await self._ask_kind()
        if not isinstance(self._client, RedisCluster):
            return [list(keys)]
        groups: defaultdict[str, list[str]] = defaultdict(list)
        for key in keys:
            groups[key if slot_problem(key) else self._node(key)].append(key)
        return list(groups.values())

    async def read(self, pairs: Sequence[KeyAndRecord]) -> Sequence[Texts]:
        """What stands under pairs of keys of one node, by one request.

        Raises:
            KeyRefusedError: This is a Cluster, and it keeps the two keys apart.
        """
        first = pairs[0][0]
        client: Any = self._client
        if not isinstance(client, RedisCluster):
            async with self._turn(first):
                texts = await client.execute_command("MGET", *(key for pair in pairs for key in pair))
            if not are_texts(texts, 2 * len(pairs)):
                raise NoAnswerError
            return list(zip(texts[::2], texts[1::2], strict=True))
        if why := slot_problem(first):
            raise KeyRefusedError(why)
        async with self._turn(first):
            pipeline: Any = client.pipeline()
            for pair in pairs:
                pipeline.execute_command("MGET", *pair)
            found = await pipeline.execute()
            if not all(are_texts(one, 2) for one in found):
                raise NoAnswerError
            return [(key, record) for key, record in found]

    def ask_another_sentinel(self) -> None:
        """Have the next connection begin with another Sentinel: the library asks one after the other, from the first.

        Where several in a row are silent, a call ends before the first that would have answered.
        """
        pool = getattr(self._client, "connection_pool", None)
        if isinstance(pool, SentinelConnectionPool):
            sentinels = pool.sentinel_manager.sentinels
            sentinels.append(sentinels.pop(0))

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
        return self._turns[self._node(key)]

    def _node(self, key: str) -> str:
        """The name of the node that has the key; empty where there is but one, or none is known."""
        node = None
        if isinstance(self._client, RedisCluster):
            with suppress(SlotNotCoveredError):  # by nobody, or not known yet: both for the library to see to
                node = self._client.get_node_from_key(key)
        return node.name if node else ""

    async def _ask_kind(self) -> None:
        async with self._asking:
            if self._known:
                return
            if is_cluster(await self._client.execute_command("HELLO"), self._address):
                await self._client.aclose()
                self._client = _cluster(self._address, self._options)
            self._known = True


def _single(address: Address, told: dict[str, Any]) -> Redis:
    client = _unbounded(address, told)
    bound(client)
    return client


def _unbounded(address: Address, told: dict[str, Any]) -> Redis:
    if address.socket:
        return Redis(unix_socket_path=address.socket, db=address.database, **told)
    if not address.service:
        ((host, port),) = address.hosts
        return Redis(host=host, port=port, db=address.database, **told)
    sentinel = Sentinel(address.hosts, sentinel_kwargs=_of_sentinels(address, told))  # type: ignore[no-untyped-call]  # has no types
    for one in sentinel.sentinels:
        bound(one)
    client: Redis = sentinel.master_for(address.service, db=address.database, **told)
    return client


def _of_sentinels(address: Address, told: dict[str, Any]) -> dict[str, Any]:
    login = told.get("credential_provider")
    return sentinel_options(address, told) if login is None else told | {"credential_provider": login.of_sentinels()}


def _cluster(address: Address, told: dict[str, Any]) -> RedisCluster:
    ((host, port),) = address.hosts
    # A slot nobody serves is no reason to leave the others unserved.
    cluster = RedisCluster(host=host, port=port, require_full_coverage=False, **told)
    bound(cluster)
    cluster.commands_parser = _OurCommands()  # type: ignore[assignment]  # its class is private to the library
    return cluster


class _OurCommands:
    """Which arguments are keys, of the commands where the library asks.

    It would load the server's table of all commands with each new view of the Cluster, so after every
    lost connection, and hold up everything else for 50 ms.
    """

    async def initialize(self, node: object = None) -> None:
        """There is nothing to load."""

    async def get_keys(self, *command: str) -> tuple[str, ...]:
        """Of `MGET` all; of `GET` and `SET` the first."""
        return command[1:] if command[0] == "MGET" else command[1:2]
