"""What applications give for a user's id, and the text that each client makes of it."""

from collections.abc import Iterator, Mapping

from mlrollout.assignment.ids import text_of

from docs.vectors.buckets import LONG, ODD, TOO_LONG

NUMBERS = (0, 1, -1, 42, 1_000_000, 2**31, -(2**31), 2**32 + 1, 2**53 - 1, -(2**53) + 1)
TEXTS = (
    "",
    "42",
    "042",
    "42.0",
    "-0",
    "4.2e1",
    "0b1f0c2e-6d0b-4c43-9a3e-0f5d5a3f7b11",
    "0B1F0C2E-6D0B-4C43-9A3E-0F5D5A3F7B11",
)
NOBODY: tuple[object, ...] = (None, True, False, 0.5, -0.25, 1e300, [], ["42"], {}, {"id": 42})


def ids() -> Iterator[Mapping[str, object]]:
    """The rows of ids.jsonl."""
    for given in (*NUMBERS, *TEXTS, *ODD, *LONG, *TOO_LONG, *NOBODY):
        yield {"given": given, "text": text_of(given)}
