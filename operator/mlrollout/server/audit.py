"""Who did what: one line of the log for every act, and for every one that was refused."""

import structlog
from aiohttp import web

from .access import CALLER

log = structlog.get_logger("mlrollout.audit")


def act(request: web.Request, what: str, **facts: object) -> None:
    """Somebody did something, or tried to: `facts` say to what, and how it came out."""
    caller = request.get(CALLER)
    log.info(what, caller=caller.name if caller else None, remote=request.remote, path=request.path, **facts)
