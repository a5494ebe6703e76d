"""Flask: `gunicorn --preload --workers 2 flask_app:app`, and any other WSGI server."""

import os

from flask import Flask, request
from mlrollout import Group, Rollout

app = Flask(__name__)
# Made once, before the workers are forked: each goes on following Redis by itself.
rollout = Rollout("ml_dispatch:rollout_percentage", redis=os.environ["REDIS_URL"], salt="ml_dispatch_v1")


@app.get("/dispatch")
def dispatch() -> dict[str, str]:
    """The vehicle for this user."""
    if rollout.group(request.args["user"]) is Group.TREATMENT:
        return {"vehicle": "the fittest", "path": "ml"}
    return {"vehicle": "the nearest", "path": "legacy"}
