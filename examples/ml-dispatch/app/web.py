"""The service over HTTP, on loopback."""

from dataclasses import asdict
from http import HTTPStatus

from aiohttp import web
from mlrollout import Metrics
from prometheus_client.exposition import choose_encoder

from .ranking import MODELS
from .service import MapError, Service

_SERVICE = web.AppKey("service", Service)
_METRICS = web.AppKey("metrics", Metrics)


def application(service: Service, metrics: Metrics) -> web.Application:
    """The routes."""
    app = web.Application()
    app[_SERVICE] = service
    app[_METRICS] = metrics
    app.add_routes(
        [
            web.post("/dispatch", _dispatch),
            web.get("/model", _model),
            web.post("/model", _deploy),
            web.get("/metrics", _expose),
        ]
    )
    return app


async def _dispatch(request: web.Request) -> web.Response:
    """`?user=…`: vehicles for a new order of this user."""
    service, user = request.app[_SERVICE], request.query.get("user", "")
    try:
        found = await service.dispatch(user)
    except MapError as error:
        return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE, text=str(error))
    return web.json_response({"group": service.group(user)} | asdict(found))


async def _model(request: web.Request) -> web.Response:
    """What is deployed, for how many users, and when it first failed."""
    service = request.app[_SERVICE]
    return web.json_response(
        {
            "revision": service.revision,
            "percentage": service.percentage,
            "first_failure": service.first_failure,
        }
    )


async def _deploy(request: web.Request) -> web.Response:
    """`?revision=…`: deploy another model, as a release of the application would."""
    revision = request.query.get("revision", "")
    if revision not in MODELS:
        return web.Response(status=HTTPStatus.NOT_FOUND, text=f"There is no such model; there are {', '.join(MODELS)}.")
    request.app[_SERVICE].deploy(revision)
    return await _model(request)


async def _expose(request: web.Request) -> web.Response:
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return web.Response(body=encode(request.app[_METRICS].registry), headers={"Content-Type": content_type})
