"""The schema that the dashboard's page is written against says what the server sends."""

import json

from docs import dashboard_contract as contract


def test_the_committed_schema_is_what_the_models_say() -> None:
    assert contract.FILE.read_text(encoding="utf-8") == contract.output(), "run `make generate`"


def test_every_field_of_what_is_sent_is_always_there() -> None:
    definitions = json.loads(contract.output())["$defs"]
    for name in (model.__name__ for model in contract.SENT):
        assert set(definitions[name]["required"]) == set(definitions[name]["properties"]), name
