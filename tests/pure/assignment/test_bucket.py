"""Buckets and groups, against the published vectors and an independent hash."""

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlrollout.assignment.bucket import BUCKETS, bucket, group

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


@given(salt=names, user=names, one=percentages, other=percentages)
def test_treatment_at_less_is_within_treatment_at_more(salt: str, user: str, one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert group(salt, user, low) == "control" or group(salt, user, high) == "treatment"


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


def five_sigma(count: int, share: float) -> float:
    """Beyond this, chance is no excuse."""
    return 5 * math.sqrt(count * share * (1 - share))
