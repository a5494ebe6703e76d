"""From a breach to 0 in Redis where another duty fails: a frozen leader and a deletion, a password, a failover.

    deletion: the leader stands still, the object is deleted; seconds from the wish to zero
    breach:   likewise with `onDelete: Retain`, and the breach comes after the deletion; from its export to zero
    password: an object's own Redis has a new password when the breach comes; from the corrected Secret to zero
    failover: a replica that never heard of the rollback takes over; from then to zero

Guardrails look every 250 ms, Prometheus scrapes every second. Zero is seen by asking Redis every few milliseconds.

    python -m benchmarks.duties [--times 20] [--only deletion breach password failover]
"""

import argparse
import asyncio
import random
import statistics
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import redis

from devstack.operator_process import Operator
from devstack.redis_server import RedisServer
from devstack.stack import Stack
from tests.support.proxy import Proxy
from tests.support.target import target
from tests.whole.house import LONG, Exports, House

PASSWORDS = ("first", "second")


def until(holds: Callable[[], object], within: float = 120.0) -> float:
    """When something came to hold."""
    ends = time.monotonic() + within
    while not holds():
        if time.monotonic() > ends:
            raise TimeoutError("what the benchmark waits for did not happen")
        time.sleep(0.005)
    return time.monotonic()


@contextmanager
def houses() -> Iterator[Callable[[], House]]:
    """Makes houses on a stack of two operators."""
    with Stack() as stack, target("") as scraped:
        if stack.prometheus is None:
            raise RuntimeError("the benchmark starts its own Prometheus")
        stack.install()
        stack.start_operator()
        stack.start_operator("second")
        stack.prometheus.set_targets("app", [scraped.address])
        exports = Exports(scraped)
        yield lambda: House(stack, exports, f"b-{uuid.uuid4().hex[:8]}")


def _leader(stack: Stack) -> Operator:
    leases = stack.cluster.get("lease", "-A")["items"]
    holder = next(lease["spec"]["holderIdentity"] for lease in leases if "mlrollout" in lease["metadata"]["name"])
    return next(operator for operator in stack.operators if holder in operator.log.read_text())


def deletion(new: Callable[[], House], *, on_delete: str) -> float:
    house = new()
    house.apply(stages=LONG, onDelete=on_delete)
    house.until_percentage(10, within=60)
    house.until(lambda: house.condition("TrafficApplied").get("status") == "True", "a confirmation")
    leader = _leader(house.stack)
    leader.child.pause()
    try:
        time.sleep(random.uniform(0.0, 1.0))
        began = time.monotonic()
        house.kubectl("delete", "mlr", "ml-dispatch", "--wait=false")
        if on_delete == "Retain":
            time.sleep(random.uniform(0.5, 1.5))
            began = time.monotonic()
            house.errors(0.2)
        return until(lambda: house.percentage == "0") - began
    finally:
        leader.child.resume()
        house.close()


def falls(key: str, url: str, *, after: Callable[[], object]) -> float:
    """Seconds from what lets the operator act until a Redis that still holds 10 % is at zero."""
    with redis.Redis.from_url(url, decode_responses=True) as client:
        if client.get(key) != "10":
            raise RuntimeError(f"{key} was taken down before the operator could know how")
        after()
        began = time.monotonic()
        return until(lambda: client.get(key) == "0") - began


def password(new: Callable[[], House]) -> float:
    house = new()
    with RedisServer(password=PASSWORDS[0]) as server:
        house.apply(stages=LONG, traffic=house.own_redis(server.url))
        until(lambda: server.cli("get", house.key) == "10")
        server.cli("config", "set", "requirepass", PASSWORDS[1])
        server.password = PASSWORDS[1]
        server.cli("client", "kill", "type", "normal", "skipme", "yes")
        house.errors(0.2)
        time.sleep(random.uniform(4.0, 8.0))
        took = falls(house.key, server.url, after=lambda: house.own_redis(server.url))
        house.close()
    return took


class Switch:
    """The address of whichever of two servers is the primary."""

    def __init__(self, port: int) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._proxy = Proxy(port)
        asyncio.run_coroutine_threadsafe(self._proxy.__aenter__(), self._loop).result()
        self.url = f"redis://127.0.0.1:{self._proxy.port}/0"

    def to(self, port: int) -> None:
        """Send everybody to another server."""
        self._proxy.target = port
        self._loop.call_soon_threadsafe(self._proxy.cut)

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._proxy.__aexit__(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)


def failover(new: Callable[[], House]) -> float:
    house = new()
    with RedisServer() as primary, RedisServer(replica_of=primary, name="replica") as replica:
        switch = Switch(primary.port)
        house.apply(stages=LONG, traffic=house.own_redis(switch.url))
        until(lambda: replica.cli("get", house.key) == "10")
        house.until(lambda: house.condition("TrafficApplied").get("status") == "True", "a confirmation")
        replica.cli("replicaof", "no", "one")
        house.annotate("rollback", "for the benchmark")
        until(lambda: primary.cli("get", house.key) == "0")
        time.sleep(random.uniform(4.0, 8.0))
        took = falls(house.key, replica.url, after=lambda: switch.to(replica.port))
        house.close()
        switch.close()
    return took


CASES: dict[str, Callable[[Callable[[], House]], float]] = {
    "deletion": lambda new: deletion(new, on_delete="Zero"),
    "breach": lambda new: deletion(new, on_delete="Retain"),
    "password": password,
    "failover": failover,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--only", nargs="+", choices=CASES, default=list(CASES))
    arguments = parser.parse_args()
    print(f"{'case':>10} {'n':>4} {'min':>7} {'p50':>7} {'max':>7}   (ms)")
    with houses() as new:
        for name in arguments.only:
            found = [CASES[name](new) * 1000 for _ in range(arguments.times)]
            told = (min(found), statistics.median(found), max(found))
            print(f"{name:>10} {len(found):>4} " + " ".join(f"{one:>7.0f}" for one in told), flush=True)


if __name__ == "__main__":
    main()
