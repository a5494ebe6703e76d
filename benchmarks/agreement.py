"""How long until many processes agree after an object was deleted, Redis emptied and the object made again.

Each round writes what the operator would: the old object at 30 %, nothing, then the new object's beginning at 0 % and
its first stage at 100 %. Half of the processes run the old revision, half the new one. Time begins when the new
percentage is sent to Redis, and ends when the last process answers by it: control for the old revision, treatment for
the new one. Users of the old revision in treatment after that moment are counted.

    python -m benchmarks.agreement [--processes 32] [--rounds 20]
"""

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from subprocess import DEVNULL, PIPE, Popen

from mlrollout.adapters.redis import RedisTrafficStore
from mlrollout.domain.record import Record
from mlrollout.domain.traffic import Lower, Raise, SavedRecord

from benchmarks.push import opened
from devstack.redis_server import RedisServer

KEY = "agreement:percentage"
CREATED = 1_800_000_000 << 16
"""What an operator adds to its attempts that knows when an object was created."""

FOLLOWING = f"""
import sys, time
from mlrollout import Rollout
revision = sys.argv[2]
rollout = Rollout({KEY!r}, redis=sys.argv[1], revision=revision)
users = [str(number) for number in range(100)]
answers = {{"old": ("OtherRevision", 0), "new": ("Split", 100)}}
for line in sys.stdin:
    owner, expected = line.split()
    wrong = 0
    while True:
        state = rollout.state
        if state.record is not None and state.record.owner == owner and (state.reason, state.percentage) in (
            [answers[revision]] if expected == "new" else [("OtherRevision", 0), ("Split", 30)]
        ):
            break
        if expected == "new" and revision == "old" and state.reason != "Split":
            wrong += sum(rollout.group(user) == "treatment" for user in users)
        time.sleep(0.001)
    print(time.monotonic_ns(), wrong, flush=True)
"""


@contextmanager
def following(processes: int, url: str) -> Iterator[list["Popen[str]"]]:
    """That many processes, half of each revision."""
    started = [
        Popen(
            [sys.executable, "-c", FOLLOWING, url, ("old", "new")[number % 2]],
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            text=True,
        )
        for number in range(processes)
    ]
    try:
        yield started
    finally:
        for process in started:
            process.kill()
            process.communicate()


async def answers(clients: list["Popen[str]"], asked: str) -> list[tuple[int, int]]:
    """When each process stood there, and how many users it had wrongly in treatment until then."""
    for client in clients:
        print(asked, file=client.stdin, flush=True)
    lines = [await asyncio.to_thread(_line, client) for client in clients]
    return [(int(at), int(wrong)) for at, wrong in map(str.split, lines)]


def _line(process: "Popen[str]") -> str:
    if process.stdout is None or not (line := process.stdout.readline()):
        raise RuntimeError("a process ended early; above stands why")
    return line


async def step(store: RedisTrafficStore, before: Record | None, after: Record) -> None:
    """A write of the operator's."""
    await store.write(KEY, Lower(after) if before is None else Raise(SavedRecord(after), before))


async def measure(server: RedisServer, processes: int, rounds: int, created: int) -> tuple[list[float], int]:
    """Milliseconds until the last process agreed, by round; and users wrongly in treatment, over all."""
    took, wrong = [], 0
    async with opened(server.url) as store:
        with following(processes, server.url) as clients:
            for number in range(1, rounds + 1):
                old = Record(
                    (created and created + (2 * number << 16)) + 9,
                    latched=False,
                    sequence=0,
                    percentage=0,
                    revision="old",
                    owner=f"old-{number}",
                    holder="ns/name",
                )
                server.cli("flushall")
                await step(store, None, old)
                await step(store, old, replace(old, sequence=1, percentage=30))
                await answers(clients, f"{old.owner} old")
                server.cli("flushall")
                attempt = created + (2 * number + 1 << 16) + 1 if created else 1
                new = replace(old, attempt=attempt, revision="new", owner=f"new-{number}")
                await step(store, None, new)
                began = time.monotonic_ns()
                await step(store, new, replace(new, sequence=1, percentage=100))
                told = await answers(clients, f"{new.owner} new")
                took.append((max(at for at, _ in told) - began) / 1e6)
                wrong += sum(count for _, count in told)
    return took, wrong


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=20)
    arguments = parser.parse_args()
    print(f"{arguments.processes} processes; ms from the new object's first stage in Redis until the last agrees")
    print(f"{'the new object ranks':>22} {'rounds':>7} {'p50':>9} {'max':>9} {'wrongly treated':>16}")
    with RedisServer() as server:
        for name, created, rounds in (("above", CREATED, arguments.rounds), ("below (older operator)", 0, 2)):
            took, wrong = await measure(server, arguments.processes, rounds, created)
            print(f"{name:>22} {rounds:>7} {statistics.median(took):>9.1f} {max(took):>9.1f} {wrong:>16}", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
