"""A client of the library for whatever kind of Redis a URL names."""

from typing import Any

from redis import Redis, RedisCluster
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel

from mlrollout.redis_common.address import Address, Tls
from mlrollout.redis_common.bounded import begin_bounded, go_on_bounded
from mlrollout.redis_common.failure import UnusableRedisError
from mlrollout.redis_common.names import slot_problem
from mlrollout.redis_common.server import is_cluster, options, sentinel_options

ANSWER_WITHIN = 1.0
"""Seconds to connect, and to wait for each answer."""


def connect(address: Address, tls: Tls, key: str) -> Redis | RedisCluster:
    """A connected client for one key.

    Raises:
        UnusableRedisError: What answers can't serve the key.
        Exception: What the client library raises where it can't connect.
    """
    connection_options = options(address, tls, answer_within=ANSWER_WITHIN, retry=Retry(NoBackoff(), 0))
    client = _single(address, connection_options | {"redis_connect_func": begin_bounded})
    try:
        hello = client.execute_command("HELLO")  # type: ignore[no-untyped-call]  # the library left it so
        if not is_cluster(hello, address):
            return client
    except BaseException:
        client.close()
        raise
    client.close()
    if why := slot_problem(key):
        raise UnusableRedisError(why)
    ((host, port),) = address.hosts
    connection_options["redis_connect_func"] = go_on_bounded
    return RedisCluster(host=host, port=port, require_full_coverage=False, **connection_options)


def _single(address: Address, connection_options: dict[str, Any]) -> Redis:
    if address.socket:
        return Redis(unix_socket_path=address.socket, db=address.database, **connection_options)
    if not address.service:
        ((host, port),) = address.hosts
        return Redis(host=host, port=port, db=address.database, **connection_options)
    sentinel = Sentinel(address.hosts, sentinel_kwargs=sentinel_options(address, connection_options))  # type: ignore[no-untyped-call]  # has no types
    client: Redis = sentinel.master_for(address.service, db=address.database, **connection_options)  # type: ignore[no-untyped-call]  # likewise
    return client
