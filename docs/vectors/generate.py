"""Writes the vectors: `python -m docs.vectors.generate` in the repository's root, which `make generate` does.

They come from the Python implementation, and are the same each time.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from docs.vectors.buckets import buckets
from docs.vectors.clients import clients
from docs.vectors.holdback import holdbacks
from docs.vectors.ids import ids

HERE = Path(__file__).parent


def outputs() -> Mapping[str, str]:
    """The text of every file, by its name."""
    return {
        "buckets.jsonl": _lines(buckets()),
        "holdback.jsonl": _lines(holdbacks()),
        "ids.jsonl": _lines(ids()),
        "clients.jsonl": _lines(clients()),
    }


def _lines(rows: Iterable[Mapping[str, Any]]) -> str:
    # ASCII alone, so that no editor and no Git setting ever changes a character.
    return "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows)


if __name__ == "__main__":
    for name, text in outputs().items():
        (HERE / name).write_text(text, encoding="ascii")
