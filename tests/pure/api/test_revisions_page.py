"""What docs/revisions.md tells to write is what the object takes, and what it says of the defaults is so."""

import re
from pathlib import Path

import yaml
from mlrollout.api.revision_from import RevisionFrom

PAGE = (Path(__file__).parents[3] / "docs" / "revisions.md").read_text()
BLOCKS = [yaml.safe_load(block)["spec"]["revisionFrom"] for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]


def test_each_example_is_taken_as_it_is_written() -> None:
    assert {kind for block in BLOCKS for kind in block} == {"mlflow", "configMap", "http", "interval", "approval"}
    for block in BLOCKS:
        found = RevisionFrom.model_validate(block).model_dump(by_alias=True, exclude_unset=True, mode="json")
        assert found == block


def test_the_defaults_are_as_it_says() -> None:
    said = RevisionFrom.model_validate(BLOCKS[0])
    least = RevisionFrom.model_validate({"mlflow": {"address": "http://mlflow.ml:5000", "model": "dispatch"}})
    assert said.mlflow is not None
    assert least.mlflow is not None
    assert (least.interval, least.approval, least.mlflow.alias) == (said.interval, said.approval, said.mlflow.alias)
    assert (least.mlflow.on_completion, least.mlflow.secret_ref) == (None, None)
