"""How long from an alias that is moved in a real MLflow registry until the attempt of its version has begun.

Two clocks at once: the status that says so, and the record in Redis that applications read. The floor is the interval
at which the registry is asked, half of it on average, and the two seconds after which what is new is asked for again.

    python -m benchmarks.naming [--times 20] [--interval 5s]
"""

import argparse
import json
import statistics
import sys
import time

import redis

from benchmarks.rollouts import NAMESPACE, Manifest, apply, manifest, prepare
from devstack.mlflow_server import MlflowServer
from devstack.processes import wait_until
from devstack.stack import Stack
from tests.support.model_registry import register, tell

MODEL = "dispatch"


def named(server: MlflowServer, interval: str) -> Manifest:
    """An object whose revision the registry names."""
    guardrail = {"name": "errors", "query": "max(up)", "max": 1, "interval": "1s"}
    made = manifest("bench", [guardrail], duration="24h")
    spec = {name: value for name, value in made["spec"].items() if name != "revision"}
    source = {"mlflow": {"address": server.url, "model": MODEL}, "interval": interval}
    return {**made, "spec": {**spec, "revisionFrom": source}}


def measure(stack: Stack, server: MlflowServer, version: int) -> tuple[float, float]:
    """Seconds until a version that is registered now stands in the status, and in Redis."""
    key = redis.Redis.from_url(stack.redis_url, decode_responses=True)
    began = time.monotonic()
    register(server, MODEL, version, "candidate")

    def in_redis() -> bool:
        record = json.loads(str(key.get("bench:percentage:record") or "{}"))
        return bool(record.get("revision") == str(version))

    wait_until(in_redis, within=120, what=f"version {version} in Redis")
    stands = time.monotonic() - began
    get = ("-n", NAMESPACE, "get", "mlr", "bench", "-o", "jsonpath={.status.revision}")
    wait_until(lambda: stack.cluster.kubectl(*get) == str(version), within=120, what="the status")
    return time.monotonic() - began, stands


def main(arguments: list[str]) -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=20, help="how many versions")
    parser.add_argument("--interval", default="5s", help="how often the registry is asked")
    asked = parser.parse_args(arguments)
    with Stack() as stack, MlflowServer() as server:
        prepare(stack)
        stack.start_operator(env={"MLROLLOUT_ALLOWED_REVISION_SOURCES": server.url})
        tell(server, "registered-models/create", name=MODEL)
        apply(stack, [named(server, asked.interval)])
        found = [measure(stack, server, version) for version in range(1, asked.times + 1)]
    for place, seconds in zip(("in the status", "in Redis"), zip(*found, strict=True), strict=True):
        p95 = statistics.quantiles(seconds, n=20)[-1]
        sys.stdout.write(
            f"{place}: p50 {statistics.median(seconds):.1f} s, p95 {p95:.1f} s, max {max(seconds):.1f} s\n"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
