"""What pages tell of themselves, and what Prometheus reads."""

import json

from fastapi import APIRouter, Request, Response
from prometheus_client.exposition import choose_encoder

from .errors import Refusal, documented
from .parts import PartsOf, User, now
from .schemas import EventRequest

router = APIRouter()
LONGEST = 2000


@router.post("/api/events", status_code=204, tags=["events"], responses=documented(400, 401, 413, 422, 503))
def event(asked: EventRequest, user: User, parts: PartsOf) -> None:
    """Remember that a panel was shown, or a fallback and why, or what else the page tells."""
    details = asked.model_extra or {}
    try:
        length = len(json.dumps(details, allow_nan=False))
    except ValueError as error:
        raise Refusal(422, "invalid", "body: NaN and Infinity are no JSON.") from error
    if length > LONGEST:
        raise Refusal(422, "invalid", f"body: fields besides name and order_id take at most {LONGEST} characters.")
    parts.events.keep(user, asked.name, asked.order_id, details, now())


@router.get("/metrics", include_in_schema=False)
def metrics(request: Request, parts: PartsOf) -> Response:
    """The mission's metrics, and the survey's."""
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return Response(encode(parts.registry), headers={"Content-Type": content_type})


@router.get("/readyz", include_in_schema=False)
def ready() -> Response:
    """That it serves."""
    return Response("ok")
