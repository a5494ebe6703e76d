"""`python -m learner --models models --registry http://mlflow:5000`: learn from outcomes, until interrupted."""

import argparse
import logging
import os
import signal
import threading
import time
from pathlib import Path

from dispatch.store import connect
from prometheus_client import CollectorRegistry, start_http_server

from .candidate import PATIENCE
from .enrol import registry_of
from .learner import Learner
from .metrics import LearnerMetrics
from .reader import Reader


def main() -> None:
    """Learn."""
    options = _arguments()
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    metrics = CollectorRegistry()
    learner = Learner(
        reader=Reader(connect(options.database)),
        registry=registry_of(options.registry),
        models=options.models,
        kept=options.kept,
        metrics=LearnerMetrics(metrics),
        patience=options.patience,
    )
    start_http_server(options.port, options.host, metrics)
    state = learner.begin()
    while not ended.wait(options.interval):
        state = learner.round(state, time.time())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="learner", description=__doc__)
    add = parser.add_argument
    add("--registry", default="http://127.0.0.1:5000", help="MLflow (default: %(default)s)")
    add(
        "--models",
        type=Path,
        required=True,
        help="the folder that the service serves from: --models of python -m dispatch",
    )
    database = os.environ.get("DATABASE_URL", "sqlite:///dispatch.db")
    add("--database", default=database, help="the service's (default: DATABASE_URL, or sqlite:///dispatch.db)")
    add("--kept", type=Path, default=Path("learner.json"), help="where it keeps what it knows (default: %(default)s)")
    add("--interval", type=float, default=10.0, help="seconds between two rounds (default: %(default)s)")
    add(
        "--patience",
        type=float,
        default=PATIENCE,
        help="seconds a candidate has before another may come (default: 30 days)",
    )
    add("--host", default="127.0.0.1", help="where it serves /metrics (default: %(default)s)")
    add("--port", type=int, default=8001)
    return parser.parse_args()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    main()
