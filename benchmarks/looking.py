"""What one look costs: requests, its time, and CPU of the operator's process and of Prometheus.

python -m benchmarks.looking [--series 1000] [--looks 200]

Prometheus scrapes two counters with that many series each, once a second; looks are made one after the other.
"""

import argparse
import asyncio
import os
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from mlrollout.adapters.prometheus import PrometheusSource
from mlrollout.api.guardrail import Guardrail
from mlrollout.api.kinds import guardrail
from mlrollout.evidence.answer import Answer
from mlrollout.evidence.checks.check import Attempt
from mlrollout.evidence.checks.kinds import check_of
from mlrollout.evidence.checks.sequential import SequentialCheck
from mlrollout.evidence.statistics.counting import grid
from mlrollout.runtime.measuring import measure as measure_once

from devstack.processes import wait_until
from devstack.prometheus_server import PrometheusServer

RATIO = "sum(rate(err_total[$window])) / sum(rate(req_total[$window]))"
COUNT = {"count": 1, "query": "sum(increase(req_total[$window]))"}
GUARDRAILS: dict[str, dict[str, Any]] = {
    "a ratio of rates": {"query": RATIO},
    "the same with minSamples": {"query": RATIO, "minSamples": COUNT},
    "the same, maxAge 1h": {"query": RATIO, "maxAge": "1h", "window": "1h"},
    "never born, with a fallback": {
        "query": RATIO.replace("sum(rate(err_total[$window]))", "(sum(rate(no_total[$window])) or vector(0))")
    },
    "a gauge of one series": {"query": "max(level)"},
    "a rate, a block in each look": {"rate": {"bad": "err_total", "all": "req_total", "max": 0.05}},
    "a compare, likewise": {"compare": {"bad": "err_total", "all": "req_total", "ratio": 1.5}},
    "a compare of means": {"interval": "15s", "compare": {"sum": "err_total", "count": "req_total", "difference": 1}},
    "a balance": {"balance": {"users": "req_total"}},
}
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Clock:
    """One that stands still, so that each look is the same."""

    at: float

    def now(self) -> float:
        """Seconds since the epoch."""
        return self.at


@dataclass
class Counted:
    """A source that counts what it is asked."""

    source: PrometheusSource
    asked: int = field(default=0)

    async def query(self, promql: str, *, deadline: float, at: float | None = None) -> Answer:
        """As the source does."""
        self.asked += 1
        return await self.source.query(promql, deadline=deadline, at=at)

    async def close(self) -> None:
        """As the source does."""
        await self.source.close()


@contextmanager
def scraped(series: int) -> Iterator[str]:
    """An application whose counters grow; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            counts = {"req": int(time.time()), "err": int(time.time()) // 100}
            groups = ["treatment", "control"] * series
            lines = [
                f'{name}_total{{n="{n}",group="{groups[n]}"}} {count}\n'
                for name, count in counts.items()
                for n in range(series)
            ]
            self.send_response(200)
            self.end_headers()
            self.wfile.write("".join([*lines, "level 1\n"]).encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def cpu_seconds(pid: int) -> float:
    """What a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


async def measure(server: PrometheusServer, asked: Guardrail, looks: int) -> str:
    """One line of figures."""
    source = Counted(PrometheusSource(server.url))
    check, since, attempt = check_of(asked), time.time() - 86400, None
    if isinstance(check, SequentialCheck):
        check.scrape, since = 1.0, grid.latest(time.time(), check.blocks.step, 1.0) - check.blocks.step - 0.5
        attempt = Attempt(number=1, began=since, stage=since, percentage=10)
    look = partial(measure_once, check, source, since=since, clock=Clock(time.time()), attempt=attempt)
    measurement = await look()
    before = source.asked, cpu_seconds(os.getpid()), cpu_seconds(server.child.pid)
    took = []
    for _ in range(looks):
        began = time.perf_counter()
        check.restore("")  # so that the block is read again
        await look()
        took.append(time.perf_counter() - began)
    after = source.asked, cpu_seconds(os.getpid()), cpu_seconds(server.child.pid)
    await source.close()
    requests, ours, theirs = ((late - early) / looks for early, late in zip(before, after, strict=True))
    return (
        f"{requests:>8.1f} {statistics.median(took) * 1000:>7.2f} {ours * 1000:>12.2f} {theirs * 1000:>14.2f}"
        f"  {measurement.verdict}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=1000)
    parser.add_argument("--looks", type=int, default=200)
    arguments = parser.parse_args()
    with scraped(arguments.series) as address, PrometheusServer(interval="1s") as server:
        server.set_targets("app", [address])
        wait_until(lambda: server.query(f"count(rate(req_total[1m])) == {arguments.series}"), within=60, what="samples")
        time.sleep(60)
        print(f"{'':<30}{'requests':>8} {'ms':>7} {'operator ms':>12} {'Prometheus ms':>14}  verdict")
        for name, found in GUARDRAILS.items():
            limit = {"max": 100} if "query" in found else {}
            asked = guardrail.validate_python({"name": "g", "deadline": "30s", **limit, **found})
            line = asyncio.run(measure(server, asked, arguments.looks))
            print(f"{name:<30}{line}", flush=True)


if __name__ == "__main__":
    main()
