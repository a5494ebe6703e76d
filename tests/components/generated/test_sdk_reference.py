"""The SDK's reference says what its docstrings say."""

import mlrollout

from docs import sdk


def test_the_committed_reference_is_what_the_docstrings_say() -> None:
    assert sdk.FILE.read_text(encoding="utf-8") == sdk.output(), "run `make generate`"


def test_everything_public_is_in_it() -> None:
    text = sdk.FILE.read_text(encoding="utf-8")

    assert [name for name in mlrollout.__all__ if f"`mlrollout.{name}`" not in text] == []
