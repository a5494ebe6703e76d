"""Who did what: one line of the log for every act, and for every one that was refused."""

import structlog
from aiohttp import web

from mlrollout.server.http.addresses import ADDRESS
from mlrollout.server.http.problem import told_path

from .callers import CALLER

log = structlog.get_logger("mlrollout.audit")


def act(request: web.Request, what: str, **facts: object) -> None:
    """Log what a caller did or tried; `facts` say to what, and how it ended."""
    caller = request.get(CALLER)
    log.info(
        what,
        caller=caller.name if caller else None,
        remote=request.get(ADDRESS, request.remote),
        path=told_path(request),
        **facts,
    )
