"""The search through pairs of fates tries every pair once, and tells what breaks."""

import pytest

from . import bugs, fates, pairs
from .stories import STORIES


def test_each_pair_is_in_one_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairs, "broken", lambda _: [])
    monkeypatch.setattr(pairs, "SHARES", 3)

    shares = [pairs.tried(("breach", number)) for number in range(pairs.SHARES)]

    assert sum(count for count, _ in shares) == sum(1 for _ in fates.pairs(STORIES["breach"]))


def test_a_planted_bug_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    bugs.forget_verbs_on_restart(monkeypatch)
    monkeypatch.setattr(pairs, "pairs", fates.singles)  # enough for this bug, and sooner

    assert any(found for found in (pairs.tried(("promote", number))[1] for number in range(pairs.SHARES)))
