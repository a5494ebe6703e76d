"""FastAPI: `uvicorn fastapi_app:app --workers 2`, and any other ASGI server."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from mlrollout import Group, Rollout

rollout = Rollout("ml_dispatch:rollout_percentage", redis=os.environ["REDIS_URL"], salt="ml_dispatch_v1")


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Have the first request decided on what Redis says, where it answers in time."""
    await rollout.wait_ready_async(timeout=2)
    yield
    rollout.close()


app = FastAPI(lifespan=lifespan)


@app.get("/dispatch")
async def dispatch(user: str) -> dict[str, str]:
    """The vehicle for this user."""
    if rollout.group(user) is Group.TREATMENT:
        return {"vehicle": "the fittest", "path": "ml"}
    return {"vehicle": "the nearest", "path": "legacy"}
