"""What the operator costs while nothing happens: memory and CPU with 1, 100 and 1000 completed, guarded objects.

python -m benchmarks.idle [--objects 1 100 1000] [--seconds 60] [--interval 15s]
"""

import argparse
import os
import time
from pathlib import Path

from benchmarks.rollouts import apply, manifest, prepare
from devstack.operator_process import Operator
from devstack.stack import Stack

_TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def resident_mib(pid: int) -> float:
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def measure(count: int, seconds: float, interval: str) -> tuple[float, float, float]:
    """Resident memory in MiB, CPU in per cent of a core, and seconds until all objects were complete."""
    with Stack(interval="15s") as stack:
        prepare(stack)
        operator = stack.start_operator()
        began = time.monotonic()
        guardrail = {"name": "up", "query": "min(up)", "min": 0, "interval": interval}
        apply(stack, (manifest(f"idle-{number}", [guardrail], duration="0s") for number in range(count)))
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
    arguments = parser.parse_args()
    print(f"{'objects':>8} {'memory MiB':>11} {'CPU % of a core':>16} {'all complete after s':>21}")
    for count in arguments.objects:
        memory, cpu, took = measure(count, arguments.seconds, arguments.interval)
        print(f"{count:>8} {memory:>11.0f} {cpu:>16.1f} {took:>21.1f}", flush=True)


if __name__ == "__main__":
    main()
