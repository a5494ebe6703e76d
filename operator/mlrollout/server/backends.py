"""What the A/B API asks: Redis for counts, Prometheus for figures, the cluster for changes of the traffic."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import structlog
from aiohttp import web

from mlrollout.adapters.kubernetes import Client, KubernetesVerbs, connect
from mlrollout.adapters.prometheus import PrometheusSource
from mlrollout.adapters.prometheus_access import by_environment
from mlrollout.adapters.prometheus_figures import PrometheusFigures
from mlrollout.adapters.redis import Calls, RedisSurvey, RedisUsers
from mlrollout.listening.rate_limiter import RateLimiter
from mlrollout.ports import ObjectsError, PortError, TrafficError
from mlrollout.redis_common.address import Tls
from mlrollout.redis_common.failure import UnusableRedisError
from mlrollout.startup.settings import SettingsError

from .config import Config
from .http.problem import HttpProblem

log = structlog.get_logger(__name__)


LOGGED_EVERY = 10.0
"""Seconds between two lines of the log about the same thing that can't be reached."""


@dataclass(frozen=True, slots=True)
class Backends:
    """The systems that the A/B API asks, as far as the configuration names them.

    Attributes:
        users: Where users are counted.
        survey: Where ratings are.
        figures: Prometheus, for figures; `None` where the configuration names none.
        samples: The same, for the samples of counters as they are.
        cluster: The API server; `None` where no rollout has an object, or there is no cluster.
        verbs: Reads the objects in it and sets verbs on them; `None` likewise.
        counting: Held while blocks are counted, which takes seconds: for one caller at a time.
    """

    users: RedisUsers
    survey: RedisSurvey
    figures: PrometheusFigures | None
    samples: PrometheusSource | None
    cluster: Client | None
    verbs: KubernetesVerbs | None
    counting: asyncio.Lock = field(default_factory=asyncio.Lock)
    _lines: RateLimiter = field(default_factory=lambda: RateLimiter(1 / LOGGED_EVERY))

    def log_unreachable(self, what: str, error: PortError) -> None:
        """Log, once in a while, what no caller is told: where it is, and what it says."""
        if not self._lines.take(what):
            log.warning(what, error=str(error))


ANSWER_WITHIN = 3.0
"""Seconds for each answer of the API server: an act takes up to four, and a request 15 s."""

BACKENDS = web.AppKey("backends", Backends)


@asynccontextmanager
async def opened(config: Config, redis_url: str) -> AsyncIterator[Backends]:
    """The backends of a configuration, closed at the end of the block. Nothing is sent before the first use.

    Raises:
        SettingsError: A setting of a backend can't be used.
    """
    async with AsyncExitStack() as stack:
        calls = _calls(redis_url, tls_of(config))
        stack.push_async_callback(calls.close)
        figures, samples = _prometheus(config)
        if figures is not None and samples is not None:
            stack.push_async_callback(figures.close)
            stack.push_async_callback(samples.close)
        cluster = await _cluster(config)
        if cluster is not None:
            stack.push_async_callback(cluster.close)
        verbs = None if cluster is None else KubernetesVerbs(cluster)
        yield Backends(RedisUsers(calls), RedisSurvey(calls), figures, samples, cluster, verbs)


def tls_of(config: Config) -> Tls:
    """The TLS files for Redis.

    Raises:
        SettingsError: One is not there.
    """
    files = config.redis_tls
    try:
        return Tls(files.ca, files.certificate, files.key)
    except UnusableRedisError as error:
        raise SettingsError(f"redis_tls: {error}") from error


def _calls(redis_url: str, tls: Tls) -> Calls:
    if not redis_url:
        raise SettingsError("the server needs Redis: set MLROLLOUT_REDIS_URL, or MLROLLOUT_REDIS_URL_FILE")
    try:
        return Calls.from_url(redis_url, tls)
    except TrafficError as error:
        raise SettingsError(f"MLROLLOUT_REDIS_URL, or what MLROLLOUT_REDIS_URL_FILE names: {error}") from error


def _prometheus(config: Config) -> tuple[PrometheusFigures, PrometheusSource] | tuple[None, None]:
    """Both ways to ask it, which show it the same."""
    if not config.prometheus:
        return None, None
    try:
        access = by_environment()
        return PrometheusFigures(config.prometheus, access), PrometheusSource(config.prometheus, access)
    except ValueError as error:
        raise SettingsError(f"prometheus: {error}") from error


async def _cluster(config: Config) -> Client | None:
    if config.dashboard is None and all(entry.object is None for entry in config.rollouts):
        return None
    try:
        return await connect(ANSWER_WITHIN)
    except ObjectsError as error:
        log.warning("There is no cluster: nothing can be changed through this server", error=str(error))
        return None


def counts_unavailable(request: web.Request, error: TrafficError) -> HttpProblem:
    """What a caller is told where Redis can't be asked for counts; the log says which Redis, and why."""
    request.app[BACKENDS].log_unreachable("Redis can't be asked for counts", error)
    return HttpProblem(
        503, "What is counted can't be reached now. Try again once it is back.", headers={"Retry-After": "1"}
    )
