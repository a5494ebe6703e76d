"""What one decision costs, and what it costs to be able to decide: time to import, and memory.

Each way runs in a process of its own, on a real Redis where it needs one; the rounds of all of them are interleaved,
so that whatever else the machine does falls on all alike. 10,000 users in turn, 30 % of them in treatment. A figure
includes the loop around it and one call, some 50 ns. The other SDKs are offline, with a percentage flag handed to them.
They stand in an environment of their own:

    python -m venv .venv-rivals
    .venv-rivals/bin/pip install --no-deps --require-hashes -r requirements/rivals.txt
    python -m benchmarks.decision [--rounds 15] [--starts 5] [--rivals .venv-rivals]
"""

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from contextlib import ExitStack, closing
from pathlib import Path
from statistics import median
from subprocess import PIPE, Popen
from tempfile import TemporaryDirectory

import redis
from mlrollout.domain.record import Record, encode

from benchmarks import deciding
from devstack.redis_server import RedisServer

OURS = "mlrollout"


class Running:
    """A process that decides in one way.

    `told` is what its start cost: milliseconds, MiB above the bare interpreter; and the share of users in treatment.
    """

    def __init__(self, name: str, url: str, rivals: Path, temporary: str) -> None:
        python = rivals / "bin" / "python" if name in deciding.RIVALS else Path(sys.executable)
        self._process = Popen(
            [python, "-P", deciding.__file__, name, url],
            stdin=PIPE,
            stdout=PIPE,
            text=True,
            env={**os.environ, "TMPDIR": temporary},
        )
        self.told: dict[str, float] = json.loads(self._line())

    def round(self) -> float:
        """Nanoseconds per decision."""
        print(file=self._process.stdin, flush=True)
        return float(self._line())

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _line(self) -> str:
        if self._process.stdout is None or not (line := self._process.stdout.readline()):
            raise RuntimeError(f"{self._process.args!r} ended early; above stands why")
        return line


def measure(names: list[str], url: str, rivals: Path, rounds: int, starts: int) -> None:
    told: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    took: dict[str, list[float]] = {name: [] for name in names}
    with TemporaryDirectory() as temporary:
        for _ in range(starts):
            for name in names:
                with closing(Running(name, url, rivals, temporary)) as started:
                    told[name].append(started.told)
        with ExitStack() as ends:
            running = {name: ends.enter_context(closing(Running(name, url, rivals, temporary))) for name in names}
            for _ in range(rounds):
                for name in names:
                    took[name].append(running[name].round())
    _show(names, took, told)


def _show(names: list[str], took: dict[str, list[float]], told: dict[str, list[dict[str, float]]]) -> None:
    print(
        f"{'':26} {'ns':>9} {'least':>9} {'most':>9} {'ratio':>8} {'share':>6} "
        f"{'import ms':>10} {'imported MiB':>13} {'running MiB':>12}"
    )
    for name in names:
        costs = {what: median(one[what] for one in told[name]) for what in told[name][0]}
        print(
            f"{name:26} {median(took[name]):>9.0f} {min(took[name]):>9.0f} {max(took[name]):>9.0f} "
            f"{median(took[name]) / median(took[OURS]):>8.2f} {costs['share']:>6.2f} "
            f"{costs['import']:>10.0f} {costs['memory']:>13.1f} {costs['running']:>12.1f}",
            flush=True,
        )


def import_times() -> dict[str, float]:
    """Milliseconds of importing the SDK by package, the standard library's together."""
    ran = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "import mlrollout.assignment"],
        check=True,
        capture_output=True,
        text=True,
    )
    spent: Counter[str] = Counter()
    for line in ran.stderr.splitlines()[1:]:
        own, _, module = line.removeprefix("import time:").split("|")
        package = module.strip().partition(".")[0]
        spent[package if package in {"mlrollout", "redis", "mmh3"} else "the rest"] += int(own)
    return {package: micros / 1000 for package, micros in spent.most_common()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--starts", type=int, default=5, help="how often each process is started, to time the import")
    parser.add_argument("--rivals", type=Path, default=Path(".venv-rivals"), help="the environment of the other SDKs")
    arguments = parser.parse_args()
    names = [name for name in deciding.WAYS if name not in deciding.RIVALS or arguments.rivals.exists()]
    if len(names) < len(deciding.WAYS):
        print(f"Without {', '.join(sorted(deciding.RIVALS))}: there is no {arguments.rivals}. See --help")
    with RedisServer() as server, redis.Redis.from_url(server.url) as client:
        record = Record(1, latched=False, sequence=1, percentage=deciding.PERCENTAGE, owner="uid")
        client.mset({deciding.KEY: record.percentage, f"{deciding.KEY}:record": encode(record)})
        measure(names, server.url, arguments.rivals, arguments.rounds, arguments.starts)
    print("\nimporting the SDK, ms:", ", ".join(f"{name} {spent:.0f}" for name, spent in import_times().items()))


if __name__ == "__main__":
    main()
