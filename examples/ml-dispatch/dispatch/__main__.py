"""`python -m dispatch --port 8000 --redis-url redis://…`: the service, until interrupted."""

import argparse
import logging
import os
from pathlib import Path

import uvicorn
from mlrollout import Feature, Metrics, Rollout
from prometheus_client import CollectorRegistry
from sqlalchemy.exc import SQLAlchemyError

from .api import application
from .api.parts import Parts
from .deployed import NONE_YET, Deployed, Named, Served
from .model import ModelError
from .satisfaction import satisfaction
from .sessions import SecretError, Sessions, secret_of
from .store import Dispatches, Events, Orders, connect

HERE = Path(__file__).parent.parent
log = logging.getLogger("dispatch")


def main() -> None:
    """Serve, or say why that can't be."""
    try:
        _serve(_arguments())
    except (SecretError, OSError, SQLAlchemyError, ValueError) as error:
        raise SystemExit(f"dispatch: {error}") from None


def _serve(options: argparse.Namespace) -> None:
    own = None if options.models else Deployed(options.model)
    with Rollout(
        "ml_dispatch:rollout_percentage",
        redis=options.redis_url,
        salt="ml_dispatch_v1",
        revision=own.revision if own else None,
    ) as rollout:
        rollout.wait_ready(timeout=2)
        deployed = own or Named(options.models, rollout)
        _tell(deployed)
        app = application(_parts(options, deployed, rollout), options.page, with_faults=options.faults)
        uvicorn.run(app, host=options.host, port=options.port, access_log=False, log_config=None, server_header=False)


def _tell(deployed: Served) -> None:
    """Say so where there is no model to serve."""
    if (revision := deployed.revision) == NONE_YET:
        log.info("no rollout names a model yet: everybody has the legacy path")
        return
    try:
        deployed.model(revision)
    except ModelError as error:
        log.error("%s; the legacy path goes on, and users in treatment count as failures", error)  # noqa: TRY400 - told


def _parts(options: argparse.Namespace, deployed: Served, rollout: Rollout) -> Parts:
    registry = CollectorRegistry()
    engine = connect(options.database)
    orders = Orders(engine)
    orders.begin()
    return Parts(
        orders=orders,
        dispatches=Dispatches(engine),
        events=Events(engine),
        rollout=rollout,
        feature=Feature(rollout, Metrics("ml_dispatch", registry)),
        deployed=deployed,
        sessions=Sessions(secret_of(options.secret), options.ofrep_key.read_text() if options.ofrep_key else None),
        satisfaction=satisfaction("ml_dispatch", registry),
        registry=registry,
        ofrep=options.ofrep,
        ml_timeout=options.ml_timeout,
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="dispatch", description=__doc__)
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="where it listens (default: 127.0.0.1)")
    add("--port", type=int, default=8000)
    # These two may hold a password, which a command line shows to everybody on the machine.
    redis = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0")
    add("--redis-url", default=redis, help="where the percentage stands (default: REDIS_URL)")
    database = os.environ.get("DATABASE_URL", "sqlite:///dispatch.db")
    add("--database", default=database, help="SQLite or PostgreSQL (default: DATABASE_URL, or sqlite:///dispatch.db)")
    add("--model", type=Path, default=HERE / "models" / "ranker-1.json", help="the model, named after its revision")
    add("--models", type=Path, help="a folder: serve whichever model of it the rollout names, in place of --model")
    add("--ml-timeout", type=float, default=2.0, help="seconds that the ML path may take (default: 2)")
    add("--page", type=Path, default=HERE / "page" / "dist", help="the built page (default: page/dist)")
    add("--ofrep", default="http://127.0.0.1:8090", help="the flag server, as browsers reach it")
    add("--ofrep-key", type=Path, help="a file with the key of its users' sessions")
    add("--secret", type=Path, default=Path("dispatch.key"), help="what cookies are signed with; made where absent")
    add("--faults", action="store_true", help="let anybody switch faults on: POST /faults")
    return parser.parse_args()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    main()
