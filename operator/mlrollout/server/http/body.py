"""A request's body: JSON only, of limited size and time."""

import asyncio
import json
from typing import NoReturn, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from .problem import HttpProblem, too_large

M = TypeVar("M", bound=BaseModel)

_LONGEST_PLACE = 200  # characters: the names in it are the sender's

ARRIVE_WITHIN = 10.0
"""Seconds for the whole body to arrive."""


MOST_TOLD = 20
"""Mistakes of a body that are told: a body may have thousands, and whoever corrects it begins with some."""


class MalformedError(ValueError):
    """The body is no JSON; the text says why, and what to do."""


async def read(request: web.Request) -> bytes:
    """The body. It must have a content type that no form of a web page can send.

    Raises:
        HttpProblem: It is of another type, packed, too large, or too slow.
    """
    if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise HttpProblem(
            415,
            "A packed body is not unpacked: send it without Content-Encoding.",
            headers={"Accept-Encoding": "identity"},
        )
    try:
        if request.content.is_eof():  # small ones come with their head, and need no clock
            body = await request.read()
        else:
            async with asyncio.timeout(ARRIVE_WITHIN):
                body = await request.read()
    except TimeoutError:
        raise HttpProblem(
            408, "The body did not arrive in time. Send it again.", headers={"Connection": "close"}
        ) from None
    except web.HTTPRequestEntityTooLarge:
        raise too_large() from None
    if request.content_type != "application/json" and (body or "Content-Type" in request.headers):
        raise HttpProblem(415, "The body must be JSON: send it with `Content-Type: application/json`.")
    return body


def parse(body: bytes) -> object:
    """The JSON in a body.

    Raises:
        MalformedError: It is no JSON.
    """
    try:
        return _DECODER.decode(body.decode("utf-8"))
    except UnicodeDecodeError:
        raise MalformedError("The body is no UTF-8. Send JSON in UTF-8.") from None
    except json.JSONDecodeError as error:
        raise MalformedError(f"The body is no JSON: {error.msg} at character {error.pos}. Correct it.") from None
    except (ValueError, RecursionError):
        raise MalformedError("The body is no JSON that can be read. Correct it.") from None


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)


_DECODER = json.JSONDecoder(parse_constant=_refuse)  # NaN and the like are no JSON


async def read_model(request: web.Request, model: type[M], *, without: bool = False) -> M:
    """The body as a model; with `without`, no body stands for one that leaves every field out.

    Raises:
        HttpProblem: It is no such model; its member `errors` names each place and what is wrong there.
    """
    body = await read(request)
    try:
        return model.model_validate({} if without and not body else parse(body))
    except MalformedError as error:
        raise HttpProblem(400, str(error)) from None
    except ValidationError as error:
        wrong = [
            {"place": ".".join(map(str, one["loc"]))[:_LONGEST_PLACE] or "body", "problem": one["msg"]}
            for one in error.errors(include_url=False, include_input=False)[:MOST_TOLD]
        ]
        listed = "; ".join(f"{one['place']}: {one['problem']}" for one in wrong)
        further = error.error_count() - len(wrong)
        more = f"; and {further} further mistakes" if further else ""
        raise HttpProblem(422, f"The body does not make sense: {listed}{more}.", errors=wrong) from None
