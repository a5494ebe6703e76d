"""Every fate at every call of every story, once: the invariants hold."""

from itertools import islice

import pytest

from . import bugs
from .fates import broken, singles
from .mutants import Plant
from .stories import STORIES

SHARES = 4
"""In how many parts a story is tried, so that workers share it."""


@pytest.mark.long
@pytest.mark.parametrize("share", range(SHARES))
@pytest.mark.parametrize("story", STORIES)
def test_every_invariant_holds_whatever_befalls_one_call(story: str, share: int) -> None:
    found = list(broken(islice(singles(STORIES[story]), share, None, SHARES)))

    assert not found, "\n\n".join((found[0], *(text.splitlines()[1] for text in found[1:])))


@pytest.mark.parametrize("story", STORIES)
def test_nothing_is_broken_where_nothing_befalls(story: str) -> None:
    assert list(broken(iter((STORIES[story],)))) == []


@pytest.mark.parametrize(
    ("bug", "story"),
    [
        (bugs.forget_verbs_on_restart, "promote"),
        (bugs.raise_before_status, "advance"),
        (bugs.lose_events, "create"),
        (bugs.expect_nothing, "fail-over-under-a-raise"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_a_planted_bug_is_found(bug: Plant, story: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bug(monkeypatch)

    assert any(True for _ in broken(singles(STORIES[story])))
