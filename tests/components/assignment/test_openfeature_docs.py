"""What docs/openfeature.md says is so."""

import re
from pathlib import Path

import pytest
from mlrollout.assignment.evaluation import REASONS
from openfeature import api
from prometheus_client import REGISTRY

from tests.components.assignment.place import Place

PAGE = (Path(__file__).parents[3] / "docs" / "openfeature.md").read_text()


def test_the_examples_run(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.put(100)
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    blocks[0] = blocks[0].replace("redis://localhost:6379/0", place.server.url)
    blocks[0] = blocks[0].replace("api.set_provider(", "api.set_provider_and_wait(")
    names: dict[str, object] = {}
    before = set(REGISTRY._collector_to_names)
    try:
        for block in blocks:
            exec(block, names)  # noqa: S102 - our own page

        assert capsys.readouterr().out == "the ML path\n"
        labels = {"flag": "ml-dispatch", "event": "delivered", "group": "treatment"}
        assert REGISTRY.get_sample_value("mlrollout_tracked_value_sum", labels) == 4.5
    finally:
        api.shutdown()
        names["rollout"].close()  # type: ignore[attr-defined]  # the page's
        for collector in set(REGISTRY._collector_to_names) - before:
            REGISTRY.unregister(collector)


def test_the_table_of_reasons_is_the_one_that_holds() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \|[^|]*\|[^|]*\| (`\w+`(?:, `\w+`)*) \|$", PAGE, re.MULTILINE)

    assert {ours: reason for reason, all_of_ours in rows for ours in re.findall(r"\w+", all_of_ours)} == REASONS
