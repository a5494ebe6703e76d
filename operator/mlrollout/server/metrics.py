"""The server's own metrics."""

from time import perf_counter

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from mlrollout.assignment import Group
from mlrollout.listening.metrics import ConnectionMetrics

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class ServerMetrics:
    """The server's metrics, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.requests = Counter(
            "mlrollout_server_requests",
            "Requests by route and status.",
            ("route", "method", "status"),
            registry=registry,
        )
        self.seconds = Histogram(
            "mlrollout_server_request_seconds",
            "From a request's head to its answer's beginning.",
            ("route",),
            buckets=_SECONDS,
            registry=registry,
        )
        self.streams = Gauge("mlrollout_server_streams", "Clients that are told of changes.", registry=registry)
        self.connections = ConnectionMetrics("server", registry)
        self.untold = Counter(
            "mlrollout_server_untold", "Refusals of strangers and users that the log leaves out.", registry=registry
        )
        self._counted: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._satisfaction: dict[str, Histogram] = {}

    def of(self, route: str, method: str, status: int) -> tuple[Counter, Histogram]:
        """The series of such requests, found once."""
        key = (route, method, status)
        found = self._counted.get(key)
        if found is None:
            found = self.requests.labels(*key), self.seconds.labels(route)
            self._counted[key] = found
        return found

    def satisfaction(self, prefix: str) -> Histogram:
        """The ratings by users of one rollout, by group; each group has its series from the first call on."""
        if prefix not in self._satisfaction:
            made = Histogram(
                f"{prefix}_satisfaction",
                "Ratings by users, 1 to 5.",
                ("group",),
                buckets=(1, 2, 3, 4, 5),
                registry=self.registry,
            )
            for group in Group:
                made.labels(group)
            self._satisfaction[prefix] = made
        return self._satisfaction[prefix]

    def render(self) -> bytes:
        """Everything, in Prometheus' text format."""
        return generate_latest(self.registry)


METRICS = web.AppKey("metrics", ServerMetrics)


def measure(metrics: ServerMetrics) -> Middleware:
    """Count every request and its time."""

    @web.middleware
    async def count(request: web.Request, handler: Handler) -> web.StreamResponse:
        began = perf_counter()
        response = await handler(request)
        resource = request.match_info.route.resource
        # What a stranger made up is no label: every one of them would be a series for good.
        route, method = (resource.canonical, request.method) if resource else ("none", "none")
        requests, seconds = metrics.of(route, method, response.status)
        requests.inc()
        if isinstance(response, web.Response):  # a stream's time is its client's
            seconds.observe(perf_counter() - began)
        return response

    return count
