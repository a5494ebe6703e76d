"""How long from a breach that Prometheus can answer to 0 in Redis, with many objects and a hung query beside.

Every object is an MLRollout of its own with one guardrail at a 1 s interval. A breach becomes visible when
Prometheus first answers with the bad value; that moment is watched by asking for all values every few
milliseconds, and taken as the last time that the answer was still good, so the figures err on the slow
side. Zero is the moment the push of the latched record arrives at a subscriber. Beside it stands what cannot
be beaten at this interval: the wait for the next look, uniform over the interval.

    python -m benchmarks.breach_to_zero [--breaches 120] [--objects 10 100]
"""

import argparse
import http.client
import json
import random
import statistics
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import redis

from benchmarks.hung import hanging_proxy
from benchmarks.rollouts import NAMESPACE, Manifest, apply, manifest, prepare
from devstack.prometheus_server import PrometheusServer
from devstack.stack import Stack
from tests.support.target import Target, target

INTERVAL = 1.0


@dataclass
class Values:
    """What each object's application exports."""

    target: Target
    bad: set[int]
    count: int
    lock: threading.Lock = field(default_factory=threading.Lock)

    def set(self, number: int, *, bad: bool) -> None:
        with self.lock:
            (self.bad.add if bad else self.bad.discard)(number)
            self.target.text = "".join(
                f'bench_errors{{n="{n}"}} {0.5 if n in self.bad else 0.01}\n' for n in range(self.count)
            )


class Visible:
    """Since when Prometheus answers with a bad value, by object."""

    def __init__(self, server: PrometheusServer) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port)
        self.since: dict[int, float] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        query = urllib.parse.urlencode({"query": "bench_errors > 0.05"})
        good = time.monotonic()
        while not self._stop.is_set():
            asked = time.monotonic()
            self._connection.request("GET", f"/api/v1/query?{query}")
            found = json.loads(self._connection.getresponse().read())["data"]["result"]
            bad = {int(series["metric"]["n"]) for series in found}
            self.since = {n: self.since.get(n, good) for n in bad}
            good = asked
            self._stop.wait(0.005)

    def close(self) -> None:
        self._stop.set()
        self._thread.join()


class Zeros:
    """When the latched record of each object was pushed, and at what percentage each stands."""

    def __init__(self, url: str) -> None:
        self.at: dict[int, float] = {}
        self.percentage: dict[int, int] = {}
        self._pubsub = redis.Redis.from_url(url).pubsub()  # type: ignore[no-untyped-call] # the library left it so
        self._pubsub.psubscribe(**{"bench-*:changes": self._hear})
        self._thread = self._pubsub.run_in_thread(sleep_time=1.0, daemon=True)

    def _hear(self, message: dict[str, bytes]) -> None:
        now = time.monotonic()
        number = int(message["channel"].decode().split(":")[0].removeprefix("bench-"))
        record = json.loads(message["data"])
        self.percentage[number] = record["percentage"]
        if record["latched"]:
            self.at.setdefault(number, now)

    def close(self) -> None:
        self._thread.stop()
        self._thread.join()


def breaking(number: int, *, hung: bool) -> Manifest:
    """The object with this number, which breaks where the target says so."""
    guardrails: list[dict[str, object]] = [
        {"name": "errors", "query": f'max(bench_errors{{n="{number}"}})', "max": 0.05, "interval": f"{INTERVAL:g}s"}
    ]
    if hung:
        sibling = {"name": "hung", "query": "hang", "max": 1, "interval": "1s", "deadline": "30s", "action": "Alert"}
        guardrails.append(sibling)
    return manifest(f"bench-{number}", guardrails, duration="24h")


def prepared(stack: Stack, exported: Target, count: int) -> tuple[PrometheusServer, Values]:
    """The stack's Prometheus, which scrapes one good value for each object to come, and the values."""
    if stack.prometheus is None:
        raise RuntimeError("the benchmark starts its own Prometheus")
    stack.prometheus.set_targets("app", [exported.address])
    values = Values(exported, set(), count)
    values.set(0, bad=False)
    prepare(stack)
    return stack.prometheus, values


@contextmanager
def prometheus_url(stack: Stack, *, hung: bool) -> Iterator[str]:
    if not hung:
        yield stack.prometheus_url
        return
    with hanging_proxy(stack.prometheus_url) as url:
        yield url


def measure(count: int, breaches: int, *, hung: bool) -> list[float]:
    """Seconds from visible to zero, one per breach."""
    with Stack() as stack, target("") as exported:
        prometheus, values = prepared(stack, exported, count)
        with prometheus_url(stack, hung=hung) as url:
            stack.start_operator(env={"MLROLLOUT_PROMETHEUS_URL": url})
            zeros, visible = Zeros(stack.redis_url), Visible(prometheus)
            try:
                apply(stack, (breaking(number, hung=hung) for number in range(count)))
                return list(one_by_one(stack, values, zeros, visible, breaches))
            finally:
                visible.close()
                zeros.close()


def one_by_one(stack: Stack, values: Values, zeros: Zeros, visible: Visible, breaches: int) -> Iterator[float]:
    """Break objects one at a time, at random moments; bring each back when all have been broken."""
    left = breaches
    while left > 0:
        until(lambda: all(zeros.percentage.get(n) == 100 for n in range(values.count)), 120)
        zeros.at.clear()
        numbers = random.sample(range(values.count), min(values.count, left))
        for number in numbers:
            time.sleep(random.uniform(0.05, 0.4))
            values.set(number, bad=True)
        until(lambda: len(zeros.at.keys() & visible.since.keys()) == len(numbers), 60)  # noqa: B023 - called at once
        yield from (zeros.at[n] - visible.since[n] for n in numbers)
        left -= len(numbers)
        for number in numbers:
            values.set(number, bad=False)
        until(lambda: not visible.since, 30)
        if left > 0:
            for number in numbers:
                stack.cluster.kubectl(
                    "-n", NAMESPACE, "annotate", "mlr", f"bench-{number}", "mlrollout.dev/retry=next breach"
                )


def until(condition: Callable[[], bool], within: float) -> None:
    """Wait for something to hold."""
    ends = time.monotonic() + within
    while not condition():
        if time.monotonic() > ends:
            raise TimeoutError("what the benchmark waits for did not happen")
        time.sleep(0.01)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--breaches", type=int, default=120)
    parser.add_argument("--objects", type=int, nargs="+", default=[10, 100])
    parser.add_argument("--siblings", type=int, nargs="+", default=[0, 1], help="0: none, 1: one that hangs")
    arguments = parser.parse_args()
    print(f"{'objects':>8} {'sibling':>8} {'breaches':>9} {'mean':>8} {'p50':>8} {'p95':>8} {'max':>8}   (ms)")
    for hung in arguments.siblings:
        for count in arguments.objects:
            found = sorted(seconds * 1000 for seconds in measure(count, arguments.breaches, hung=bool(hung)))
            p95 = found[int(len(found) * 0.95)]
            name = "hung" if hung else "-"
            print(
                f"{count:>8} {name:>8} {len(found):>9} {statistics.mean(found):>8.0f} "
                f"{statistics.median(found):>8.0f} {p95:>8.0f} {found[-1]:>8.0f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
