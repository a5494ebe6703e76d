"""Every answer that is no success looks alike: `{"error": {"code", "message"}}`."""

import logging
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException

from dispatch.store import Conflict

log = logging.getLogger(__name__)


class Problem(BaseModel):
    """What went wrong.

    Attributes:
        code: For programs.
        message: For people.
    """

    code: str
    message: str


class ErrorAnswer(BaseModel):
    """The body of every error."""

    error: Problem


class Refusal(Exception):  # noqa: N818 - most of them are nobody's error
    """The request can't be answered."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def documented(*statuses: int) -> dict[int | str, dict[str, object]]:
    """These statuses, as OpenAPI is told of them."""
    return {status: {"model": ErrorAnswer, "description": HTTPStatus(status).phrase} for status in statuses}


def handle_errors(app: FastAPI) -> None:
    """Have every error answered alike."""
    app.add_exception_handler(Refusal, _refusal)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Conflict, _conflict)
    app.add_exception_handler(SQLAlchemyError, _no_database)


def answer(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """An error as it is sent."""
    return JSONResponse({"error": {"code": code, "message": message}}, status, headers=headers)


def _refusal(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Refusal)  # noqa: S101 - it is registered for that
    return answer(error.status, error.code, error.message)


def _invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - likewise
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return answer(400, "no_json", "The body is no JSON.")
    place = ".".join(str(part) for part in first["loc"])
    return answer(422, "invalid", f"{place}: {first['msg']}")


def _http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - likewise
    code = HTTPStatus(error.status_code).name.lower()
    return answer(error.status_code, code, str(error.detail), dict(error.headers or {}))


def _conflict(_: Request, error: Exception) -> JSONResponse:
    return answer(409, "conflict", str(error))


def _no_database(_: Request, error: Exception) -> JSONResponse:
    log.error("the database does not do its part", exc_info=error)
    return answer(503, "unavailable", "The service can't reach its database. Try again in a moment.")
