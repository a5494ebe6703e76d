"""A proxy before Prometheus that never answers the query `hang`, and hands everything else on."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager

import aiohttp
from aiohttp import web


@contextmanager
def hanging_proxy(upstream: str) -> Iterator[str]:
    """Run the proxy in a thread; yields its address."""
    started: Future[tuple[int, asyncio.Event, asyncio.AbstractEventLoop]] = Future()
    thread = threading.Thread(target=lambda: asyncio.run(_serve(upstream, started)), daemon=True)
    thread.start()
    port, stop, loop = started.result(timeout=10)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()


async def _serve(upstream: str, started: Future[tuple[int, asyncio.Event, asyncio.AbstractEventLoop]]) -> None:
    stop = asyncio.Event()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def hand_on(request: web.Request) -> web.Response:
            form = await request.post()
            if form.get("query") == "hang":
                await stop.wait()
                return web.Response(status=503)
            async with session.post(f"{upstream}{request.path}", data=dict(form)) as answer:
                return web.Response(status=answer.status, body=await answer.read(), content_type="application/json")

        app = web.Application()
        app.router.add_post("/{path:.*}", hand_on)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        started.set_result((int(runner.addresses[0][1]), stop, asyncio.get_running_loop()))
        await stop.wait()
        await runner.cleanup()
