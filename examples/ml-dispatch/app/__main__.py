"""`REDIS_URL=… python -m app --port 8000`: the service and its users, until interrupted."""

import argparse
import asyncio
import logging
import os
import signal
from contextlib import suppress

from aiohttp import web
from mlrollout import Metrics, Rollout

from .load import ask
from .service import MAP_FAILS, Service
from .web import application

REDIS = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0")


async def main(name: str, place: tuple[str, int], per_second: float, map_fails: float) -> None:
    """Serve and ask until SIGTERM or SIGINT."""
    metrics = Metrics(name)
    async with Rollout(f"{name}:rollout_percentage", redis=REDIS, salt=f"{name}_v1") as rollout:
        await _serve(Service(rollout, metrics, map_fails), metrics, place, per_second)


async def _serve(service: Service, metrics: Metrics, place: tuple[str, int], per_second: float) -> None:
    runner = web.AppRunner(application(service, metrics), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, *place).start()
    try:
        async with asyncio.TaskGroup() as running:
            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, _stop, asyncio.current_task())
            running.create_task(ask(service.dispatch, per_second))
    finally:
        await runner.cleanup()


def _stop(task: asyncio.Task[object] | None) -> None:
    if task:
        task.cancel()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="app", description=__doc__)
    parser.add_argument("--name", default="ml_dispatch", help="how its key and metrics begin (default: ml_dispatch)")
    parser.add_argument("--host", default="127.0.0.1", help="where it listens (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--rate", type=float, default=200, help="requests per second (default: 200)")
    told = "how often the map does not answer (default: 0.03)"
    parser.add_argument("--map-fails", type=float, default=MAP_FAILS, help=told)
    return parser.parse_args()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    arguments = _arguments()
    with suppress(asyncio.CancelledError):
        asyncio.run(main(arguments.name, (arguments.host, arguments.port), arguments.rate, arguments.map_fails))
