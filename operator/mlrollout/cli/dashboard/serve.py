"""`mlrollout dashboard`: a server on this machine alone, for one person."""

import asyncio
import secrets
import tempfile
import webbrowser
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler

from mlrollout.adapters.prometheus import PrometheusSource
from mlrollout.adapters.prometheus_access import by_environment
from mlrollout.cli.cluster.rollouts import ClusterRollouts
from mlrollout.cli.ending import CommandError, ExitCode
from mlrollout.cli.terminal import Terminal
from mlrollout.listening.connection import Runner
from mlrollout.listening.door import Door
from mlrollout.ports import ObjectsError, Ref
from mlrollout.server.auth.guard import ANSWER_WITHIN, LIMIT, Headers, check_page
from mlrollout.server.auth.loopback import host_of, is_loopback
from mlrollout.server.config import DashboardSettings, ObjectName, metric_prefix
from mlrollout.server.dashboard import routes
from mlrollout.server.dashboard.board import Board
from mlrollout.server.dashboard.feed import FigureFeed
from mlrollout.server.dashboard.watch import SharedWatch
from mlrollout.server.http.addresses import ADDRESS
from mlrollout.server.http.event_stream import STREAMS
from mlrollout.server.http.open_streams import Streams
from mlrollout.server.http.problem import LARGEST_BODY, NAMES, HttpProblem, problems, refusal
from mlrollout.server.metrics import METRICS, ServerMetrics
from mlrollout.server.yaml_file import load
from mlrollout.startup import logs
from mlrollout.startup.log_level import LogLevel
from mlrollout.startup.settings import SettingsError

from .cluster import KubeconfigCluster
from .person import ENTER, KubeconfigPerson

HOST = "127.0.0.1"
STREAMS_AT_ONCE = 32
"""Pages of one person."""
CONNECTIONS = 128
"""From this machine, where others may be at work as well; half of the files that any system lets a process open."""


@dataclass(frozen=True, slots=True)
class BoardWish:
    """What a person wants.

    Attributes:
        context: Of the kubeconfig.
        namespace: Whose rollouts; `None` for those of every namespace that may be seen.
        port: On this machine; 0 for a free one.
        prometheus: Where figures are asked for; empty for nowhere.
        config: The file with further figures.
        opens: Whether a browser is opened.
    """

    context: str | None
    namespace: str | None
    port: int
    prometheus: str
    config: Path | None
    opens: bool


def run(wish: BoardWish) -> None:
    """Serve until Ctrl-C.

    Raises:
        CommandError: The cluster can't be worked with, or something else can't be used.
    """
    logs.configure(json=False, level=LogLevel.WARNING)
    try:
        settings = load(wish.config, DashboardSettings, "the configuration") if wish.config else DashboardSettings()
    except SettingsError as error:
        raise CommandError(str(error), ExitCode.WRONG_USAGE) from None
    with ClusterRollouts(wish.context, wish.namespace) as rollouts:
        asyncio.run(_serve(wish, rollouts, settings))


def app(board: Board) -> web.Application:
    """The application; nobody but this machine may ask it, and no page of another place."""
    made = web.Application(client_max_size=LARGEST_BODY, middlewares=[problems({}), _guard])
    made[NAMES] = ()
    made[METRICS] = ServerMetrics()
    made[STREAMS] = Streams(STREAMS_AT_ONCE, STREAMS_AT_ONCE)
    made.on_response_prepare.append(Headers(frozenset()))
    routes.add(made, board)
    return made


@web.middleware
async def _guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    request[ADDRESS] = str(request.remote)
    if not is_loopback(host_of(request)):
        raise HttpProblem(403, f"Ask for it as http://{HOST}: a page of another place may have sent this.")
    if request.path != ENTER:  # whoever knows the code was given it
        check_page(request, frozenset())
    async with asyncio.timeout(ANSWER_WITHIN) as limit:
        request[LIMIT] = limit
        return await handler(request)


async def _serve(wish: BoardWish, rollouts: ClusterRollouts, settings: DashboardSettings) -> None:
    cluster = await _reached(rollouts, everywhere=wish.namespace is None)
    person = KubeconfigPerson(cluster, await asyncio.to_thread(rollouts.asker), rollouts.api.context.name)
    async with _prometheus(wish.prometheus) as source:
        watch = SharedWatch(cluster)
        feed = FigureFeed(source, settings, lambda ref: _prefix(settings, ref))
        made = app(Board(cluster, watch, feed, person))
        door = Door(CONNECTIONS, CONNECTIONS, made[METRICS].connections)
        runner = Runner(made, door, refusal, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, HOST, wish.port).start()
        except OSError as error:
            raise CommandError(f"can't listen on {HOST}:{wish.port} ({error.strerror})", ExitCode.WRONG_USAGE) from None
        try:
            _, port = runner.addresses[0][:2]
            await _until_interrupted(f"http://{HOST}:{port}{ENTER}?code={person.code}", opens=wish.opens)
        finally:
            await watch.close()
            await runner.cleanup()


async def _reached(rollouts: ClusterRollouts, *, everywhere: bool) -> KubeconfigCluster:
    """The cluster, of which so much is shown as the person may list.

    Raises:
        CommandError: That is nothing.
    """
    cluster = KubeconfigCluster(rollouts, everywhere=everywhere)
    try:
        if everywhere and not await cluster.may("list", Ref("", "")):
            Terminal().note(
                f"You may not list the rollouts of every namespace: these are those of {rollouts.namespace}"
            )
            cluster = KubeconfigCluster(rollouts, everywhere=False)
        await cluster.list()
    except ObjectsError as error:
        raise CommandError(str(error), ExitCode.CLUSTER_UNUSABLE) from None
    return cluster


@asynccontextmanager
async def _prometheus(address: str) -> AsyncIterator[PrometheusSource | None]:
    if not address:
        yield None
        return
    try:
        source = PrometheusSource(address, by_environment())
    except ValueError as error:
        raise CommandError(f"--prometheus: {error}", ExitCode.WRONG_USAGE) from None
    try:
        yield source
    finally:
        await source.close()


def _prefix(settings: DashboardSettings, ref: Ref) -> str:
    """What the names of the metrics of an application begin with: the rollout's name, where the file says no other."""
    meant = ObjectName(namespace=ref.namespace, name=ref.name)
    return next((one.metrics for one in settings.applications if one.object == meant), metric_prefix(ref.name))


async def _until_interrupted(address: str, *, opens: bool) -> None:
    terminal = Terminal()
    terminal.write(f"The dashboard, until Ctrl-C. This address works once:\n{address}")
    with _leading_to(address) as file:
        if opens:
            await asyncio.to_thread(webbrowser.open, file.as_uri())
        await asyncio.Event().wait()


@contextmanager
def _leading_to(address: str) -> Iterator[Path]:
    """A page for this user alone that leads to the address: that of a browser's command line all users could read."""
    with tempfile.TemporaryDirectory(prefix="mlrollout-") as folder, suppress(FileNotFoundError):
        file = Path(folder) / f"{secrets.token_hex(4)}.html"
        file.write_text(f'<!doctype html><meta http-equiv="refresh" content="0; url={address}">', encoding="ascii")
        yield file
