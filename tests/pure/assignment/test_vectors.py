"""The published vectors: they find whoever strays from the code. That they are what it says is another test's."""

import unicodedata
from collections.abc import Callable

import mmh3
import pytest
from mlrollout.assignment.bucket import bucket, group, hashed, held_back
from mlrollout.assignment.ids import LONGEST

from tests.pure.assignment.vectors import HoldbackVector, Vector, holdback_vectors, text, vectors


def test_every_row_is_what_the_formula_gives() -> None:
    for row in vectors():
        assert hashed(row.salt, row.user_id) == row.hash
        assert bucket(row.salt, row.user_id) == row.bucket == row.hash * 1_000_000 // 2**32
        assert group(row.salt, row.user_id, row.percentage) == row.group
        assert (row.group == "treatment") == (_somebody(row) and row.bucket < row.percentage * 10_000)


def test_there_are_many_rows_and_they_stay_small() -> None:
    assert len(vectors()) >= 10_000
    assert len(text("buckets.jsonl")) < 1_500_000


def test_both_sides_of_every_percentage_are_there() -> None:
    last = {row.percentage for row in vectors() if row.bucket == row.percentage * 10_000 - 1 and row.user_id}
    first = {row.percentage for row in vectors() if row.bucket == row.percentage * 10_000 and row.user_id}

    assert (last, first) == (set(range(1, 101)), set(range(100)))


def test_every_length_of_a_short_id_is_there() -> None:
    assert {len(row.user_id) for row in vectors() if row.user_id.isascii()} >= set(range(41))


Formula = Callable[[Vector], bool]


def treated(hashes: Callable[[Vector], int]) -> Formula:
    """Treatment by the right formula, but for what is hashed and how."""
    return lambda row: _somebody(row) and hashes(row) * 1_000_000 >> 32 < row.percentage * 10_000


def _somebody(row: Vector) -> bool:
    return 0 < len(row.user_id.encode()) <= LONGEST


def of(change: Callable[[str], str]) -> Formula:
    """Treatment where the id is changed before it is hashed."""
    return treated(lambda row: mmh3.mmh3_32_uintdigest(f"{row.salt}:{change(row.user_id)}".encode()))


def in_bytes(encoding: str) -> Formula:
    """Treatment where text becomes bytes in another way."""
    return treated(lambda row: mmh3.mmh3_32_uintdigest(f"{row.salt}:{row.user_id}".encode(encoding, "replace")))


WRONG: dict[str, Formula] = {
    "another seed": treated(lambda row: mmh3.mmh3_32_uintdigest(f"{row.salt}:{row.user_id}".encode(), 1)),
    "a signed hash": treated(lambda row: mmh3.mmh3_32_sintdigest(f"{row.salt}:{row.user_id}".encode())),
    "no colon": treated(lambda row: mmh3.mmh3_32_uintdigest(f"{row.salt}{row.user_id}".encode())),
    "no salt": treated(lambda row: mmh3.mmh3_32_uintdigest(row.user_id.encode())),
    "the remainder": lambda row: _somebody(row) and row.hash % 1_000_000 < row.percentage * 10_000,
    "a percent as the unit": lambda row: _somebody(row) and row.hash * 100 // 2**32 <= row.percentage,
    "one bucket too many": lambda row: _somebody(row) and row.bucket <= row.percentage * 10_000,
    "one bucket too few": lambda row: _somebody(row) and row.bucket < row.percentage * 10_000 - 1,
    "rounded": lambda row: _somebody(row) and round(row.hash * 1_000_000 / 2**32) < row.percentage * 10_000,
    "as a share of the largest hash": lambda row: (
        _somebody(row) and row.hash * 1_000_000 // (2**32 - 1) < row.percentage * 10_000
    ),
    "who has no id may be in treatment": lambda row: row.bucket < row.percentage * 10_000,
    "UTF-16": in_bytes("utf-16-le"),
    "Latin-1": in_bytes("latin-1"),
    "ASCII": in_bytes("ascii"),
    "composed": of(lambda user_id: unicodedata.normalize("NFC", user_id)),
    "decomposed": of(lambda user_id: unicodedata.normalize("NFD", user_id)),
    "without spaces around": of(str.strip),
    "in lower case": of(str.lower),
    "up to the first NUL": of(lambda user_id: user_id.partition("\0")[0]),
    "without what takes more than 16 bits": of(lambda user_id: "".join(one for one in user_id if one <= "\uffff")),
    "numbers as numbers": of(lambda user_id: user_id.lstrip("0") or "0"),
    "at most 255 characters": of(lambda user_id: user_id[:255]),
    "no bound": lambda row: bool(row.user_id) and row.bucket < row.percentage * 10_000,
    "a bound in characters": lambda row: 0 < len(row.user_id) <= LONGEST and row.bucket < row.percentage * 10_000,
    "a bound in units of 16 bits": lambda row: (
        0 < len(row.user_id.encode("utf-16-le")) // 2 <= LONGEST and row.bucket < row.percentage * 10_000
    ),
    "cut off at the bound": lambda row: (
        bool(row.user_id)
        and bucket(row.salt, row.user_id.encode()[:LONGEST].decode(errors="ignore")) < row.percentage * 10_000
    ),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_a_formula_that_is_nearly_right_is_found_out(wrong: Formula) -> None:
    assert any(wrong(row) != (row.group == "treatment") for row in vectors())


# --- the holdback ------------------------------------------------------------------------------


def test_every_row_with_a_holdback_is_what_the_formula_gives() -> None:
    for row in holdback_vectors():
        held = row.holdback_bucket < row.holdback * 10_000
        assert bucket(row.salt, row.user_id) == row.bucket
        assert bucket(f"{row.salt}:holdback", row.user_id) == row.holdback_bucket
        assert held_back(row.salt, row.user_id, row.holdback) == held
        assert group(row.salt, row.user_id, row.percentage, row.holdback) == row.group
        assert (row.group == "treatment") == (_present(row) and row.bucket < row.percentage * 10_000 and not held)


def test_both_sides_of_every_holdback_are_there() -> None:
    rows = [row for row in holdback_vectors() if row.user_id and row.percentage == 100]
    last = {row.holdback for row in rows if row.holdback_bucket == row.holdback * 10_000 - 1}
    first = {row.holdback for row in rows if row.holdback_bucket == row.holdback * 10_000}

    assert last == {*range(1, 51), 100}
    assert first == {*range(51)}


def _present(row: HoldbackVector) -> bool:
    return 0 < len(row.user_id.encode()) <= LONGEST


def keeping(held: Callable[[HoldbackVector], bool]) -> Callable[[HoldbackVector], bool]:
    """Treatment by the right formula, but for who is held back."""
    return lambda row: _present(row) and row.bucket < row.percentage * 10_000 and not held(row)


def under(salt: Callable[[HoldbackVector], str]) -> Callable[[HoldbackVector], bool]:
    """Treatment where the holdback goes by another salt."""
    return keeping(lambda row: bucket(salt(row), row.user_id) < row.holdback * 10_000)


WRONG_HOLDBACKS: dict[str, Callable[[HoldbackVector], bool]] = {
    "no holdback": keeping(lambda _: False),
    "the percentage's own bucket": keeping(lambda row: row.bucket < row.holdback * 10_000),
    "the last of the percentage's own buckets": keeping(lambda row: row.bucket >= 1_000_000 - row.holdback * 10_000),
    "a part of the percentage": lambda row: _present(row) and row.bucket < row.percentage * (100 - row.holdback) * 100,
    "a salt without the colon": under(lambda row: f"{row.salt}holdback"),
    "a salt the other way round": under(lambda row: f"holdback:{row.salt}"),
    "a salt of no rollout": under(lambda _: "holdback"),
    "one bucket too many": keeping(lambda row: row.holdback_bucket <= row.holdback * 10_000),
    "one bucket too few": keeping(lambda row: row.holdback_bucket < row.holdback * 10_000 - 1),
    "the last buckets": keeping(lambda row: row.holdback_bucket >= 1_000_000 - row.holdback * 10_000),
    "less of it at less": keeping(lambda row: row.holdback_bucket < row.holdback * row.percentage * 100),
    "whoever is not held back is in treatment": lambda row: (
        _present(row) and row.holdback_bucket >= row.holdback * 10_000
    ),
}


@pytest.mark.parametrize("wrong", WRONG_HOLDBACKS.values(), ids=WRONG_HOLDBACKS)
def test_a_holdback_that_is_nearly_right_is_found_out(wrong: Callable[[HoldbackVector], bool]) -> None:
    assert any(wrong(row) != (row.group == "treatment") for row in holdback_vectors())
