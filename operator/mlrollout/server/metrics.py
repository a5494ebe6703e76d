"""The server's own metrics."""

from time import perf_counter

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """Everything the server counts, in a registry of its own."""

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

    def render(self) -> bytes:
        """Everything, in Prometheus' text format."""
        return generate_latest(self.registry)


METRICS = web.AppKey("metrics", Metrics)


def measure(metrics: Metrics) -> Middleware:
    """Count every request and its time."""

    @web.middleware
    async def count(request: web.Request, handler: Handler) -> web.StreamResponse:
        began = perf_counter()
        response = await handler(request)
        resource = request.match_info.route.resource
        # What a stranger made up is no label: every one of them would be a series for good.
        route, method = (resource.canonical, request.method) if resource else ("none", "none")
        metrics.requests.labels(route, method, response.status).inc()
        if not isinstance(response, web.Response):
            return response  # a stream, whose time is its client's
        metrics.seconds.labels(route).observe(perf_counter() - began)
        return response

    return count
