"""Every route of the dashboard."""

from aiohttp import web

from . import acts, pages, stream
from .board import BOARD, Board
from .exchange import SessionAnswer

SESSION = "/dashboard/api/session"


def add(app: web.Application, board: Board) -> None:
    """Add the dashboard to a server."""
    app[BOARD] = board
    app.router.add_get(SESSION, session)
    board.people.add(app)
    stream.add(app)
    acts.add(app)
    pages.add(app, pages.read())
    app.on_response_prepare.append(pages.secure)


async def session(request: web.Request) -> web.Response:
    """Who is signed in."""
    answer: SessionAnswer = (await request.app[BOARD].people.person(request)).session
    return web.Response(text=answer.text(), content_type="application/json")
