"""How many rollbacks say why, with several replicas and a metric that is bad only while there is treatment traffic.

Every object is an MLRollout of its own with one guardrail at a 1 s interval, which every replica looks at by itself.
Whoever sees the breach first takes traffic to zero, and with the traffic the evidence goes, often before the leader
looks. A rollback counts as told where the status says why: twice in the history, in `progress` and in `Stalled`.

    python -m benchmarks.causes [--replicas 2 3] [--objects 10] [--rounds 10]
"""

import argparse
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import redis

from benchmarks.rollouts import NAMESPACE, Manifest, apply, manifest, prepare
from devstack.processes import wait_until
from devstack.stack import Stack
from tests.support.target import Target, target

WITHIN = 120.0


class Apps:
    """What the applications export: errors where the model is sick and has users."""

    def __init__(self, exported: Target, url: str, count: int) -> None:
        self._target = exported
        self._redis = redis.Redis.from_url(url, decode_responses=True)
        self._keys = [f"bench-{number}:percentage" for number in range(count)]
        self.sick = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def percentages(self) -> list[bytes | str | None]:
        """What stands in Redis."""
        return self._redis.mget(self._keys)

    def _run(self) -> None:
        while not self._stop.wait(0.02):
            shares = (0.5 if self.sick and found not in (None, "0") else 0.01 for found in self.percentages())
            self._target.text = "".join(f'bench_errors{{n="{n}"}} {share}\n' for n, share in enumerate(shares))

    def close(self) -> None:
        """Export nothing more."""
        self._stop.set()
        self._thread.join()
        self._redis.close()


def revised(number: int, revision: int) -> Manifest:
    """The object; nothing but its revision changes from round to round."""
    guardrail = {"name": "errors", "query": f'max(bench_errors{{n="{number}"}})', "max": 0.05, "interval": "1s"}
    return manifest(f"bench-{number}", [guardrail], duration="24h", revision=f"r{revision}")


def statuses(stack: Stack) -> list[dict[str, Any]]:
    """The status of every object."""
    found = json.loads(stack.cluster.kubectl("-n", NAMESPACE, "get", "mlr", "-o", "json"))
    return [one.get("status", {}) for one in found["items"]]


def over(status: Mapping[str, Any]) -> bool:
    """Whether a rollback is in the status, and confirmed."""
    return bool(status["record"]["latched"] and status["progress"].get("confirmed"))


def told(status: Mapping[str, Any]) -> bool:
    """Whether the status says why."""
    why = "0.5 is above max 0.05"
    steps = [one for one in status["history"] if one["attempt"] == status["attempt"]]
    stalled = [one for one in status["conditions"] if one["type"] == "Stalled"]
    places = [
        *(one["message"] for one in steps[-2:]),
        status["progress"]["message"],
        *(one["message"] for one in stalled),
    ]
    reasons = [one["reason"] for one in steps[-2:]]
    return reasons == ["GuardrailBreached", "RolledBack"] and len(places) == 4 and all(why in text for text in places)


@contextmanager
def place(replicas: int, objects: int) -> Iterator[tuple[Stack, Apps]]:
    """A stack with so many replicas, and the applications."""
    with Stack() as stack, target("") as exported:
        if stack.prometheus is None:
            raise RuntimeError("this needs a Prometheus of its own")
        stack.prometheus.set_targets("app", [exported.address])
        prepare(stack)
        for number in range(replicas):
            stack.start_operator(f"operator-{number}")
        apps = Apps(exported, stack.redis_url, objects)
        try:
            yield stack, apps
        finally:
            apps.close()


def measure(replicas: int, objects: int, rounds: int) -> tuple[int, int]:
    """How many rollbacks there were, and how many of them say why."""
    seen = good = 0
    with place(replicas, objects) as (stack, apps):
        for revision in range(rounds):
            apps.sick = False
            apply(stack, (revised(number, revision) for number in range(objects)))
            wait_until(lambda: set(apps.percentages()) == {"100"} or None, within=WITHIN, what="everybody in treatment")
            apps.sick = True
            ended = wait_until(
                lambda: ((found := statuses(stack)) and all(map(over, found)) and found) or None,
                within=WITHIN,
                what="the rollbacks",
            )
            seen, good = seen + len(ended), good + sum(map(told, ended))
    return seen, good


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replicas", type=int, nargs="+", default=[2, 3])
    parser.add_argument("--objects", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=10)
    asked = parser.parse_args()
    print("| replicas | rollbacks | that say why | % |\n|---|---|---|---|")
    for replicas in asked.replicas:
        seen, good = measure(replicas, asked.objects, asked.rounds)
        print(f"| {replicas} | {seen} | {good} | {100 * good / seen:.0f} |", flush=True)


if __name__ == "__main__":
    main()
