"""Buckets and groups, against the published vectors and an independent hash."""

import math
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlrollout.assignment.bucket import BUCKETS, HOLDBACK, bucket, group, held_back

from tests.pure.assignment.vectors import vectors

names = st.text(max_size=20)
percentages = st.integers(0, 100)


def murmur3(data: bytes) -> int:
    """MurmurHash3 x86 32 with seed 0, written from its definition."""

    def rotate(value: int, by: int) -> int:
        return (value << by | value >> (32 - by)) & 0xFFFFFFFF

    def scramble(block: bytes) -> int:
        return rotate(int.from_bytes(block, "little") * 0xCC9E2D51 & 0xFFFFFFFF, 15) * 0x1B873593 & 0xFFFFFFFF

    whole = len(data) // 4 * 4
    state = 0
    for start in range(0, whole, 4):
        state = (rotate(state ^ scramble(data[start : start + 4]), 13) * 5 + 0xE6546B64) & 0xFFFFFFFF
    state ^= scramble(data[whole:]) ^ len(data)
    state = (state ^ state >> 16) * 0x85EBCA6B & 0xFFFFFFFF
    state = (state ^ state >> 13) * 0xC2B2AE35 & 0xFFFFFFFF
    return state ^ state >> 16


@pytest.mark.parametrize(
    ("data", "known"),
    [
        (b"", 0),
        (b"test", 0xBA6BD213),
        (b"Hello, world!", 0xC0363E43),
        (b"The quick brown fox jumps over the lazy dog", 0x2E4FF723),
    ],
)
def test_the_hash_by_hand_gives_what_is_known_of_it(data: bytes, known: int) -> None:
    assert murmur3(data) == known


@given(salt=names, user=names)
def test_the_bucket_is_the_formula(salt: str, user: str) -> None:
    assert bucket(salt, user) == murmur3(f"{salt}:{user}".encode()) * 1_000_000 >> 32


def test_the_published_hashes_are_those_by_hand() -> None:
    for row in vectors():
        assert murmur3(f"{row.salt}:{row.user_id}".encode()) == row.hash


@given(salt=names, user=names, one=percentages, other=percentages, holdback=percentages)
def test_treatment_at_less_is_within_treatment_at_more(
    salt: str, user: str, one: int, other: int, holdback: int
) -> None:
    low, high = sorted((one, other))
    for kept in (0, holdback):
        assert group(salt, user, low, kept) == "control" or group(salt, user, high, kept) == "treatment"


@given(salt=names, user=names, percentage=percentages, one=percentages, other=percentages)
def test_who_is_held_back_at_less_is_so_at_more_and_never_in_treatment(
    salt: str, user: str, percentage: int, one: int, other: int
) -> None:
    low, high = sorted((one, other))
    assert held_back(salt, user, high) or not held_back(salt, user, low)
    assert not held_back(salt, user, low) or group(salt, user, percentage, low) == "control"
    assert group(salt, user, percentage, high) == "control" or group(salt, user, percentage, low) == "treatment"


@given(salt=names, user=names)
def test_a_holdback_of_nobody_and_of_everybody(salt: str, user: str) -> None:
    assert (held_back(salt, user, 0), held_back(salt, user, 100)) == (False, True)


@given(salt=names, user=st.text(min_size=1, max_size=20))
def test_nobody_at_zero_and_everybody_at_a_hundred(salt: str, user: str) -> None:
    assert (group(salt, user, 0), group(salt, user, 100)) == ("control", "treatment")
    assert 0 <= bucket(salt, user) < BUCKETS


@given(salt=names, percentage=percentages)
def test_who_has_no_id_is_in_control(salt: str, percentage: int) -> None:
    assert group(salt, "", percentage) == "control"


def test_of_a_million_users_each_percentage_gets_its_share() -> None:
    users = 1_000_000
    per_cent = Counter(bucket("ml_dispatch:1", str(user)) // 10_000 for user in range(users))
    treated = 0
    for percentage in range(1, 100):
        treated += per_cent[percentage - 1]
        assert treated == pytest.approx(users * percentage / 100, abs=five_sigma(users, percentage / 100))


def test_two_salts_of_one_length_divide_users_independently() -> None:
    users = 200_000
    tenths = Counter(
        (bucket("ml_dispatch:1", str(user)) // 100_000, bucket("ml_dispatch:2", str(user)) // 100_000)
        for user in range(users)
    )
    assert len(tenths) == 100
    for found in tenths.values():
        assert found == pytest.approx(users / 100, abs=five_sigma(users, 1 / 100))


@pytest.mark.parametrize("salt", ["ml_dispatch:rollout_percentage", "ml_dispatch_v1", ""])
@pytest.mark.parametrize("ids", [str, "user-{}".format, "{:032x}".format], ids=["numbers", "names", "hex"])
def test_the_holdback_is_independent_of_the_bucket_that_the_percentage_goes_by(
    salt: str, ids: Callable[[int], str]
) -> None:
    users, parts = 40_000, 20
    found = Counter(
        (bucket(salt, user) * parts // BUCKETS, bucket(salt + HOLDBACK, user) * parts // BUCKETS)
        for user in map(ids, range(users))
    )
    rows = Counter(row for row, _ in found.elements())
    columns = Counter(column for _, column in found.elements())
    expected = {(row, column): rows[row] * columns[column] / users for row in rows for column in columns}
    chi_square = sum((found[cell] - mean) ** 2 / mean for cell, mean in expected.items())
    # 361 degrees of freedom. The ids are given, so the figures are, too: this is no test by chance.
    assert len(expected) == parts**2
    assert 283 < chi_square < 450, "below 0.1 %, or above 99.9 %, of what independence gives"


@pytest.mark.parametrize(("percentage", "holdback"), [(10, 5), (30, 5), (100, 5), (100, 50), (50, 20)])
def test_the_share_in_treatment_is_the_percentage_of_those_who_are_not_held_back(
    percentage: int, holdback: int
) -> None:
    users = 100_000
    share = percentage / 100 * (1 - holdback / 100)
    treated = sum(group("ml_dispatch_v1", str(user), percentage, holdback) == "treatment" for user in range(users))
    assert treated == pytest.approx(users * share, abs=five_sigma(users, share))


def five_sigma(count: int, share: float) -> float:
    """Beyond this, chance is no excuse."""
    return 5 * math.sqrt(count * share * (1 - share))
