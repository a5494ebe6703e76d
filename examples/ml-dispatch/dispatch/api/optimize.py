"""The ML path over HTTP: for users in treatment alone, measured, and never longer than its deadline."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from statistics import mean
from typing import Annotated

from fastapi import APIRouter, Header, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from dispatch.orders import Order
from dispatch.reasons import Language, language
from dispatch.recommend import Recommendation, recommend

from .errors import Refusal, documented
from .parts import Parts, PartsOf, User, now
from .schemas import BreakdownAnswer, OptimizeAnswer, OptimizeRequest, OptimizeResult, RecommendationAnswer

router = APIRouter(tags=["ml-dispatch"])

_WRONG = {"model": None, "results": [{"order_id": "first", "top_3": [{"rank": 0, "score": 17}, "unknown"]}]}
"""What a page must not believe."""


@router.post(
    "/api/ml-dispatch/optimize", response_model=OptimizeAnswer, responses=documented(400, 401, 403, 404, 413, 422, 503)
)
async def optimize(
    asked: OptimizeRequest, user: User, parts: PartsOf, accept_language: Annotated[str, Header()] = ""
) -> OptimizeAnswer | Response:
    """The three best vehicles for each of these orders; why, in English or, where that is preferred, in Korean."""
    orders = await run_in_threadpool(_wanted, parts, user, asked.order_ids)
    revision = parts.deployed.revision
    with parts.feature.observe(user) as call:
        # What is rolled out may have changed since: the group is then another revision's (invariant 12).
        if not call.treatment or parts.deployed.revision != revision:
            call.forget()  # of users in control the legacy path is measured, and this is none of it
            raise Refusal(403, "control", "You get the legacy path: GET /api/orders/{id}/nearest.")
        with call.falling_back():
            async with asyncio.timeout(parts.ml_timeout):
                await parts.faults.before_ml()
                # Not by `run_in_threadpool`, which makes a thread more for each model that hangs; these have an end.
                found = await asyncio.to_thread(_recommended, parts, revision, orders, language(accept_language))
            if scores := [best[0].score for best in found.values() if best]:
                call.score(mean(scores))
            if parts.faults.ml == "wrong":
                return JSONResponse(_WRONG)
            return _answer(revision, found)
        raise Refusal(503, "model_unavailable", "The model does not answer: GET /api/orders/{id}/nearest does.")


def _wanted(parts: Parts, user: str, ids: Sequence[int]) -> list[Order]:
    """These orders, each once, as they were asked for."""
    found = parts.orders.find(user, ids)
    if len(found) < len(set(ids)):
        raise Refusal(404, "not_found", "You have no such order, of one of those that you asked for.")
    return [found[number] for number in dict.fromkeys(ids)]


def _recommended(
    parts: Parts, revision: str, orders: Sequence[Order], spoken: Language
) -> dict[int, list[Recommendation]]:
    model, vehicles = parts.deployed.model(revision), parts.orders.vehicles()
    return {order.id: recommend(model, order, vehicles, now(), spoken) for order in orders}


def _answer(revision: str, found: dict[int, list[Recommendation]]) -> OptimizeAnswer:
    return OptimizeAnswer(
        model=revision,
        results=[
            OptimizeResult(order_id=number, top_3=[_card(rank, one) for rank, one in enumerate(best, start=1)])
            for number, best in found.items()
        ],
    )


def _card(rank: int, one: Recommendation) -> RecommendationAnswer:
    return RecommendationAnswer(
        rank=rank,
        vehicle_id=one.vehicle.id,
        vehicle_code=one.vehicle.code,
        score=one.score,
        reason=one.reason,
        breakdown=BreakdownAnswer(**asdict(one.seen)),
    )
