"""Requests a second and latency of one OFREP evaluation on one core, beside the floor: a bare aiohttp handler.

The floor reads the body, parses it, and answers a constant of the same size; it knows no caller, counts nothing and
limits nothing. Both servers get core 0 and the load generator, wrk (of Debian's package), core 1; they take turns, and
the median round counts. Users differ from request to request.

    python -m benchmarks.ofrep [--seconds 5] [--rounds 3] [--connections 1 16 64] [--wrk wrk]
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from aiohttp import web

from devstack.redis_server import RedisServer
from tests.components.assignment.place import placed, until
from tests.components.server.place import APP, APP_LINE, FLAG, HttpServer

PINNED = ["taskset", "-c", "0"]
SCRIPT = """
local n = 0
request = function()
  n = n + 1
  local body = string.format('{"context":{"targetingKey":"user-%d"}}', n)
  return wrk.format("POST", nil, {["Content-Type"] = "application/json", ["Authorization"] = "Bearer TOKEN"}, body)
end
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format('{"requests":%d,"seconds":%f,"p50":%f,"p99":%f,"wrong":%d}\\n', summary.requests,
    summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    e.status + e.connect + e.read + e.write + e.timeout))
end
"""


class OneCore(HttpServer):
    def command(self) -> Sequence[str]:
        return [*PINNED, *super().command()]


class Floor(OneCore):
    name = "floor"

    def command(self) -> Sequence[str]:
        return [*PINNED, sys.executable, "-m", "benchmarks.ofrep", "--floor", str(self.port)]


def floor(port: int) -> None:
    answer = json.dumps({"key": "ml-dispatch", "value": True, "metadata": {"stage": "x" * 180}}).encode()

    async def evaluate(request: web.Request) -> web.Response:
        json.loads(await request.read())
        return web.Response(body=answer, content_type="application/json")

    async def ready(_request: web.Request) -> web.Response:
        return web.Response()

    app = web.Application()
    app.router.add_post(FLAG, evaluate)
    app.router.add_get("/readyz", ready)
    web.run_app(app, host="127.0.0.1", port=port, access_log=None, print=None)


@dataclass
class Figures:
    per_second: float
    p50: float
    p99: float


def measure(wrk: str, server: HttpServer, connections: int, seconds: float) -> Figures:
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(SCRIPT.replace("TOKEN", APP))
        script.flush()
        command = ["taskset", "-c", "1", wrk, "-t1", f"-c{connections}", f"-d{seconds}s", "-s", script.name]
        ran = subprocess.run([*command, server.url + FLAG], check=True, capture_output=True, text=True)
    told = json.loads(ran.stdout.splitlines()[-1])
    if told["wrong"] or not told["requests"]:
        raise RuntimeError(f"some requests failed, so the figures mean nothing: {ran.stdout}")
    return Figures(told["requests"] / told["seconds"], told["p50"], told["p99"])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 16, 64])
    parser.add_argument("--wrk", default="wrk")
    parser.add_argument("--floor", type=int, help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.floor:
        floor(told.floor)
        return
    with ExitStack() as stack:
        redis = stack.enter_context(RedisServer())
        ours = stack.enter_context(OneCore(redis.url, {"rate": 1e9}, [APP_LINE]))
        beside = stack.enter_context(Floor(redis.url))
        place = stack.enter_context(placed(redis))
        place.put(50)
        until(lambda: ours.flag()["metadata"]["percentage"] == 50, "50 %")
        print("| server | connections | requests/s | p50 ms | p99 ms |\n|---|---|---|---|---|")
        for connections in told.connections:
            rounds = [
                [measure(told.wrk, server, connections, told.seconds) for server in (ours, beside)]
                for _ in range(told.rounds)
            ]
            for name, figures in zip(("mlrollout", "floor"), zip(*rounds, strict=True), strict=True):
                middle = [
                    statistics.median(getattr(one, what) for one in figures) for what in ("per_second", "p50", "p99")
                ]
                print("| {} | {} | {:.0f} | {:.2f} | {:.2f} |".format(name, connections, *middle))


if __name__ == "__main__":
    main()
