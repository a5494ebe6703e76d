"""How long from a rollback written to Redis until the last of many application processes answers control.

Side by side in one run: the SDK, a bare socket that does nothing but wait for the message (the floor), and
processes that poll. Time begins right before the operator's own script is sent. A process says when it
learned of zero by the clock that all processes on a machine share, so that telling costs no time.

    python -m benchmarks.push [--processes 32] [--rounds 200]
"""

import argparse
import asyncio
import random
import statistics
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from subprocess import DEVNULL, PIPE, Popen

from mlrollout.adapters.redis import RedisTrafficStore
from mlrollout.domain.record import Record
from mlrollout.domain.traffic import Lower, Raise, SavedRecord

from devstack.redis_server import RedisServer

KEY = "push:percentage"

SDK = f"""
import sys, time
from mlrollout import Rollout
rollout = Rollout({KEY!r}, redis=sys.argv[1])
assert rollout.wait_ready(60)
def told(state):
    if state.record is not None and state.record.latched and rollout.group("kim") == "control":
        print(time.monotonic_ns(), flush=True)
rollout.on_change(told)
print("ready", flush=True)
sys.stdin.read()
"""

BARE = f"""
import socket, sys, time
from urllib.parse import urlsplit
connection = socket.create_connection(("127.0.0.1", urlsplit(sys.argv[1]).port))
connection.sendall(b"SUBSCRIBE {KEY}:changes\\r\\n")
connection.recv(65536)
print("ready", flush=True)
while message := connection.recv(65536):
    if b'"latched":true' in message:
        print(time.monotonic_ns(), flush=True)
"""

POLLING = f"""
import sys, time, random
import redis
client = redis.Redis.from_url(sys.argv[1])
before = client.get({KEY!r})
print("ready", flush=True)
while True:
    time.sleep(random.uniform(0.95, 1.05))
    now = client.get({KEY!r})
    if now == b"0" and before != b"0":
        print(time.monotonic_ns(), flush=True)
    before = now
"""


@contextmanager
def listening(program: str, count: int, url: str) -> Iterator[list["Popen[str]"]]:
    """That many processes, all ready."""
    processes = [
        Popen([sys.executable, "-c", program, url], stdin=PIPE, stdout=PIPE, stderr=DEVNULL, text=True)
        for _ in range(count)
    ]
    try:
        for process in processes:
            _line(process)
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def _line(process: "Popen[str]") -> str:
    if process.stdout is None:
        raise RuntimeError("its output is read here")
    return process.stdout.readline()


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[RedisTrafficStore]:
    """The operator's way into Redis."""
    store = RedisTrafficStore.from_url(url)
    try:
        yield store
    finally:
        await store.close()


async def measure(server: RedisServer, program: str, processes: int, rounds: int, settle: float) -> list[list[float]]:
    """Milliseconds from the write until each process knew of zero, by round."""
    found = []
    record = Record(1, latched=False, sequence=0, percentage=0, owner="uid")
    server.cli("flushall")
    async with opened(server.url) as store:
        await store.write(KEY, Lower(record))
        with listening(program, processes, server.url) as clients:
            for attempt in range(2, rounds + 2):
                fresh = replace(record, attempt=attempt)
                full = replace(fresh, sequence=1, percentage=100)
                latched = replace(full, sequence=2, percentage=0, latched=True)
                await store.write(KEY, Lower(fresh))
                await store.write(KEY, Raise(SavedRecord(full), expect=fresh))
                await asyncio.sleep(settle * random.uniform(1.0, 1.5))
                began = time.monotonic_ns()
                await store.write(KEY, Lower(latched))
                await asyncio.sleep(settle)  # nobody is disturbed by our reading
                found.append([(int(_line(client)) - began) / 1e6 for client in clients])
    return found


STALE = f"""
import sys, time
from mlrollout import Rollout
rollout = Rollout({KEY!r}, redis=sys.argv[1])
while rollout.group("kim") == "control":
    time.sleep(0.005)
print("ready", flush=True)
while rollout.group("kim") == "treatment":
    time.sleep(0.005)
print(time.monotonic_ns(), flush=True)
sys.stdin.read()
"""


async def stale(server: RedisServer) -> list[float]:
    """Seconds from a Redis that hangs until a process answers control, with the defaults."""
    server.cli("flushall")
    async with opened(server.url) as store:
        record = Record(1, latched=False, sequence=0, percentage=0, owner="uid")
        await store.write(KEY, Lower(record))
        await store.write(KEY, Raise(SavedRecord(replace(record, sequence=1, percentage=100)), expect=record))
        with listening(STALE, 8, server.url) as clients:
            began = time.monotonic_ns()
            server.pause()
            try:
                return [(int(_line(client)) - began) / 1e9 for client in clients]
            finally:
                server.resume()


def show(name: str, found: list[list[float]]) -> None:
    """One row: the last process of each round."""
    last = sorted(max(one) for one in found)
    typical = statistics.median(value for one in found for value in one)
    p95 = last[int(len(last) * 0.95)]
    print(
        f"{name:>10} {len(found):>7} {typical:>9.2f} {statistics.median(last):>9.2f} {p95:>9.2f} {last[-1]:>9.2f}",
        flush=True,
    )


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=200)
    arguments = parser.parse_args()
    print(f"{arguments.processes} processes; ms from the write until a process, and until the last, answers control")
    print(f"{'':>10} {'rounds':>7} {'typical':>9} {'last p50':>9} {'last p95':>9} {'last max':>9}")
    with RedisServer() as server:
        for name, program in (("bare", BARE), ("SDK", SDK), ("bare", BARE), ("SDK", SDK)):
            show(name, await measure(server, program, arguments.processes, arguments.rounds // 2, 0.1))
        show("poll 1 s", await measure(server, POLLING, arguments.processes, 10, 1.5))
        bound = await stale(server)
        print(f"Redis hangs: control after {min(bound):.1f} to {max(bound):.1f} s (max_staleness is 10 s)")


if __name__ == "__main__":
    asyncio.run(main())
