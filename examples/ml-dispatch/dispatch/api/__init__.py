"""The service over HTTP."""

from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse
from fastapi.staticfiles import StaticFiles

from . import dispatches, events, faults, optimize, orders, session
from .errors import handle_errors
from .limits import Bounded, Told
from .parts import Parts

NO_PAGE = "The page is not built: see examples/ml-dispatch/README.md. The API is described at /openapi.json.\n"


def application(parts: Parts, page: Path | None = None, *, with_faults: bool = False) -> FastAPI:
    """The routes, and the page at `/` where it is built."""
    app = FastAPI(title="Dispatch", version="1", docs_url=None, redoc_url=None)
    app.state.parts = parts
    handle_errors(app)
    for routes in (session, orders, optimize, dispatches, events):
        app.include_router(routes.router)
    if with_faults:
        app.include_router(faults.router)
    if page is not None and (page / "index.html").is_file():
        app.mount("/", StaticFiles(directory=page, html=True))
    else:
        app.add_api_route("/", lambda: PlainTextResponse(NO_PAGE), include_in_schema=False)
    app.add_middleware(Bounded)
    app.add_middleware(Told, flag_server=parts.ofrep)
    return app
