"""The published vectors, read as any other implementation reads them."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parents[3] / "docs" / "vectors"


@dataclass(frozen=True, slots=True)
class Vector:
    """One row of buckets.jsonl."""

    salt: str
    user_id: str
    hash: int
    bucket: int
    percentage: int
    group: str


@dataclass(frozen=True, slots=True)
class HoldbackVector:
    """One row of holdback.jsonl."""

    salt: str
    user_id: str
    bucket: int
    holdback_bucket: int
    percentage: int
    holdback: int
    group: str


@cache
def holdback_vectors() -> tuple[HoldbackVector, ...]:
    """The rows of holdback.jsonl."""
    return tuple(HoldbackVector(**json.loads(line)) for line in text("holdback.jsonl").splitlines())


@cache
def vectors() -> tuple[Vector, ...]:
    """The rows of buckets.jsonl."""
    return tuple(Vector(**json.loads(line)) for line in text("buckets.jsonl").splitlines())


def text(name: str) -> str:
    """A file of vectors, as it is committed."""
    return (FOLDER / name).read_text(encoding="ascii")
