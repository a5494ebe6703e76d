"""The published vectors are what the code says."""

from docs.vectors.generate import outputs
from tests.pure.assignment.vectors import FOLDER, text


def test_what_is_committed_is_what_the_code_says() -> None:
    stale = [name for name, made in outputs().items() if text(name) != made]

    assert not stale, "run `make generate`; where a bucket has changed, users would change their group"
    assert {file.name for file in FOLDER.glob("*.jsonl")} == set(outputs())
