"""The cookie of a session, which scripts can't read and other pages can't have sent."""

from aiohttp import web

COOKIE = "mlrollout-dashboard"
PATH = "/dashboard/"


def set_cookie(response: web.StreamResponse, value: str, *, secure: bool) -> None:
    """Have the browser keep a session, until it is closed."""
    response.set_cookie(COOKIE, value, path=PATH, httponly=True, samesite="Strict", secure=secure)


def drop_cookie(response: web.StreamResponse, *, secure: bool) -> None:
    """Have the browser forget it."""
    response.del_cookie(COOKIE, path=PATH, httponly=True, samesite="Strict", secure=secure)
