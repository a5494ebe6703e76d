"""Signing in and out, and what the page has to know."""

from fastapi import APIRouter, Response

from dispatch.sessions import COOKIE, LASTS

from .errors import documented
from .parts import PartsOf, User, now
from .schemas import ConfigAnswer, SessionAnswer, SessionRequest

router = APIRouter(tags=["session"], responses=documented(503))


@router.post("/api/session", status_code=204, responses=documented(400, 413, 422))
def sign_in(asked: SessionRequest, response: Response, parts: PartsOf) -> None:
    """Sign in as anybody: a demonstration asks for no password. Orders wait for who signs in."""
    parts.orders.welcome(asked.user_id, now())
    value = parts.sessions.cookie(asked.user_id)
    response.set_cookie(COOKIE, value, max_age=LASTS, httponly=True, samesite="lax")


@router.get("/api/session", responses=documented(401))
def who(user: User) -> SessionAnswer:
    """Who is signed in."""
    return SessionAnswer(user_id=user)


@router.delete("/api/session", status_code=204)
def sign_out(response: Response) -> None:
    """Sign out."""
    response.delete_cookie(COOKIE, httponly=True, samesite="lax")


@router.get("/api/config", responses=documented(401))
def config(user: User, parts: PartsOf) -> ConfigAnswer:
    """How the page asks for the user's group."""
    return ConfigAnswer(
        ofrep=parts.ofrep,
        flag=parts.flag,
        user_id=user,
        headers=parts.sessions.flag_headers(user),
        revision=parts.deployed.revision,
    )
