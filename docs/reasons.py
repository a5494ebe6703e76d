"""Writes the tables of docs/reasons.md from the code: `python -m docs.reasons`, which `make generate` does."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mlrollout.api.notification import Topic
from mlrollout.domain.reason import TRANSITIONS, Reason
from mlrollout.domain.topics import ONGOING, SEVERITIES
from mlrollout.domain.topics import TRANSITIONS as HAPPENED

from . import tables

FILE = Path(__file__).parent / "reasons.md"


def output() -> str:
    """The page with its tables as they have to be."""
    page = FILE.read_text(encoding="utf-8")
    page = tables.replaced(page, "happened", ("reason", "receivers are told as"), _rows(HAPPENED, of_history=True))
    return tables.replaced(page, "ongoing", ("reason", "receivers are told as"), _rows(ONGOING, of_history=False))


def _rows(topics: Mapping[str, Topic], *, of_history: bool) -> Iterator[Sequence[str]]:
    for reason in sorted(Reason):
        topic = topics.get(reason)
        if (reason in TRANSITIONS) is of_history or topic:
            yield f"`{reason}`", f"`{topic}`, {SEVERITIES[topic]}" if topic else ""


if __name__ == "__main__":
    FILE.write_text(output(), encoding="utf-8")
