"""A proxy before Prometheus that never answers the query `hang`, and hands everything else on.

A process of its own, so that it does not slow down what measures.
"""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp
from aiohttp import web


@contextmanager
def hanging_proxy(upstream: str) -> Iterator[str]:
    """Run the proxy; yields its address."""
    command = [sys.executable, "-m", "benchmarks.hung", upstream]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        if process.stdout is None:
            raise RuntimeError("the proxy has no output to tell its address on")
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


async def serve(upstream: str) -> None:
    """Hand queries on until whoever started this is gone."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def hand_on(request: web.Request) -> web.Response:
            form = await request.post()
            if form.get("query") == "hang":
                await asyncio.Event().wait()
            async with session.post(f"{upstream}{request.path}", data=dict(form)) as answer:
                return web.Response(status=answer.status, body=await answer.read(), content_type="application/json")

        app = web.Application()
        app.router.add_post("/{path:.*}", hand_on)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
