"""Writes what the live dashboard's page is sent: `python -m docs.dashboard_contract`, which `make generate` does."""

import json
from pathlib import Path
from typing import Literal

from mlrollout.server.dashboard import exchange, figure_models, models
from mlrollout.server.dashboard.models import PageModel
from pydantic.json_schema import models_json_schema

FILE = Path(__file__).parents[1] / "ui" / "dashboard" / "src" / "contract.schema.json"
SENT = (
    exchange.SessionAnswer,
    exchange.RolloutsEvent,
    models.RolloutLine,
    models.RolloutDetail,
    figure_models.RolloutFigures,
    exchange.GoneEvent,
    exchange.AliveEvent,
    exchange.EndEvent,
    exchange.VerbOutcome,
)
TAKEN = (exchange.SignInRequest, exchange.VerbRequest)


def output() -> str:
    """The schema of everything that the page is sent or sends."""
    sent: list[tuple[type[PageModel], Literal["validation", "serialization"]]] = [
        (one, "serialization") for one in SENT
    ]
    _, schema = models_json_schema(
        [*sent, *((one, "validation") for one in TAKEN)], by_alias=True, title="The live dashboard"
    )
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text(output(), encoding="utf-8")
