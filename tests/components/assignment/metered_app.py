"""An application whose calls go as their caller says; also the configuration of the gunicorn that serves it."""

import os

from flask import Flask, Response
from mlrollout import Feature, Group, Metrics
from prometheus_client import generate_latest, multiprocess

workers = int(os.environ["WORKERS"])
preload_app = bool(os.environ.get("PRELOAD"))
bind = os.environ["BIND"]


def child_exit(_: object, worker: object) -> None:
    """As prometheus-client's documentation asks of everybody."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        multiprocess.mark_process_dead(worker.pid)  # type: ignore[attr-defined, no-untyped-call]  # neither has types


class ByName:
    """Who is called treatment is in treatment."""

    def group(self, user_id: str) -> Group:
        """The user's group."""
        return Group(user_id)


app = Flask(__name__)
# The configuration is read from this file, too, and the master would be a process with metrics of its own.
if __name__ == "metered_app":
    metrics = Metrics("ml_dispatch")
    feature = Feature(ByName(), metrics, timeout=30)

    def legacy(user_id: str, outcome: str) -> str:
        """The nearest vehicle."""
        return "legacy"

    @app.get("/call/<user_id>/<outcome>")
    @feature(legacy=legacy, score=lambda _: 0.75)
    def call(user_id: str, outcome: str) -> str:
        """The fittest vehicle."""
        if outcome == "failure":
            raise RuntimeError("a broken model")
        return "ml"

    @app.get("/metrics")
    def expose() -> Response:
        """What Prometheus scrapes."""
        return Response(generate_latest(metrics.registry), content_type="text/plain; version=1.0.0; charset=utf-8")

    @app.after_request
    def say_who(response: Response) -> Response:
        """Say which worker answers."""
        response.headers["Worker"] = str(os.getpid())
        return response
