"""What the operator costs while nothing happens: memory and CPU with 1, 100 and 1000 completed, guarded objects.

python -m benchmarks.idle [--objects 1 100 1000] [--seconds 60] [--interval 15s] [--guardrail query|compare]

With `compare` each object has its own four counters, which grow while it looks: nothing happens but that users come.
"""

import argparse
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.rollouts import Manifest, apply, manifest, prepare
from devstack.operator_process import Operator
from devstack.prometheus_server import ScrapeJob
from devstack.stack import Stack
from tests.support.target import Target, target

QUERY, COMPARE = "query", "compare"
SCRAPE = "15s"
_TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def resident_mib(pid: int) -> float:
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def rollout(kind: str, name: str, interval: str) -> Manifest:
    """One with one guardrail; which compares with whom is held back, if it compares."""
    if kind == QUERY:
        return manifest(name, [{"name": "up", "query": "min(up)", "min": 0, "interval": interval}], duration="0s")
    mine = f'rollout="{name}"'
    compare = {"bad": f'outcomes_total{{{mine},status="failure"}}', "all": f"outcomes_total{{{mine}}}", "ratio": 1.5}
    return manifest(name, [{"name": "errors", "compare": compare, "interval": interval}], duration="0s", holdback=20)


@contextmanager
def users(names: list[str]) -> Iterator[Target]:
    """Both groups' counters of these rollouts, which grow as alike as can be."""
    with target("") as scraped:
        ended = threading.Event()

        def come() -> None:
            rounds = 0
            while not ended.wait(5):
                rounds += 1
                scraped.text = "".join(
                    f'outcomes_total{{rollout="{name}",group="{group}",status="{status}"}} {each * rounds}\n'
                    for name in names
                    for group in ("treatment", "control")
                    for status, each in (("success", 99), ("failure", 1))
                )

        coming = threading.Thread(target=come)
        coming.start()
        try:
            yield scraped
        finally:
            ended.set()
            coming.join()


def measure(kind: str, count: int, seconds: float, interval: str) -> tuple[float, float, float]:
    """Resident memory in MiB, CPU in per cent of a core, and seconds until all objects were complete."""
    names = [f"idle-{number}" for number in range(count)]
    jobs = [ScrapeJob("operator"), ScrapeJob("users")]
    with Stack(jobs=jobs, interval=SCRAPE) as stack, users(names) as scraped:
        prepare(stack)
        if stack.prometheus:
            stack.prometheus.set_targets("users", [scraped.address])
        operator = stack.start_operator()
        began = time.monotonic()
        apply(stack, (rollout(kind, name, interval) for name in names))
        while _completed(stack) < count:
            time.sleep(0.5)
        took = time.monotonic() - began
        time.sleep(2 * 15)
        pid = _pid(operator)
        before, asleep = cpu_seconds(pid), time.monotonic()
        time.sleep(seconds)
        used = (cpu_seconds(pid) - before) / (time.monotonic() - asleep)
        return resident_mib(pid), used * 100, took


def _completed(stack: Stack) -> int:
    path = "jsonpath={range .items[*]}{.status.progress.completed}{'\\n'}{end}"
    return stack.cluster.kubectl("get", "mlr", "-A", "-o", path).count("true")


def _pid(operator: Operator) -> int:
    return operator.child.pid


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, nargs="+", default=[1, 100, 1000])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--interval", default="15s")
    parser.add_argument("--guardrail", choices=(QUERY, COMPARE), default=QUERY)
    arguments = parser.parse_args()
    print(f"{'objects':>8} {'memory MiB':>11} {'CPU % of a core':>16} {'all complete after s':>21}")
    for count in arguments.objects:
        memory, cpu, took = measure(arguments.guardrail, count, arguments.seconds, arguments.interval)
        print(f"{count:>8} {memory:>11.0f} {cpu:>16.1f} {took:>21.1f}", flush=True)


if __name__ == "__main__":
    main()
