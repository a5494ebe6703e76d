"""The picture of docs/evidence.md shows what the operator's own test does."""

import re

import pytest
from mlrollout.evidence.statistics.bets import enough

from docs import evidence

pytestmark = pytest.mark.long


def test_the_committed_picture_is_what_the_test_draws() -> None:
    assert evidence.FILE.read_text(encoding="utf-8") == evidence.output(), "run `make generate`"


def test_it_shows_what_its_page_says() -> None:
    healthy = evidence.middle(lambda _: evidence.GOOD, evidence.taken_back)
    late = evidence.middle(lambda at: evidence.GOOD if at < evidence.TURN else evidence.BAD, lambda one: one.found)
    picture = evidence.FILE.read_text(encoding="utf-8")

    assert not any(enough(one, evidence.ALPHA) for one in healthy.evidence)
    assert evidence.taken_back(healthy) < 1.5
    assert evidence.TURN < late.found < evidence.TURN + 1.5 < late.found_plainly
    assert re.search(r"the good model is taken back after \d+ minutes, and \d+ times in the day", picture)
