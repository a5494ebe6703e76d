"""The last looks on one line are what was seen, to four digits, and never more than the object takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlrollout.api.recent import KEPT, LONGEST, PastLook, longer, looks, newest
from mlrollout.api.status import GuardrailStatus

FINDINGS = ("Pass", "Breach", "Inconclusive", "NoData", "Error", "ofALaterVersion")


@pytest.mark.parametrize(
    ("finding", "value", "look"),
    [
        ("Pass", 0.0142376, "0.01424"),
        ("Breach", 0.071, "0.071!"),
        ("Breach", None, "!"),
        ("Breach", float("inf"), "!"),
        ("Inconclusive", 0.071, "0.071?"),
        ("Inconclusive", None, "?"),
        ("NoData", 0.3, "-"),
        ("Error", None, "-"),
        ("Pass", None, "-"),
    ],
)
def test_a_look_is_a_word(finding: str, value: float | None, look: str) -> None:
    assert longer("", finding, value) == look
    assert longer("1 2!", finding, value) == f"1 2! {look}"


def test_the_oldest_go() -> None:
    line = ""
    for number in range(50):
        line = longer(line, "Pass", number)
    assert line.split() == [str(number) for number in range(50 - KEPT, 50)]


@given(st.lists(st.tuples(st.sampled_from(FINDINGS), st.none() | st.floats()), min_size=1, max_size=40))
def test_what_was_seen_is_read_and_fits(seen: list[tuple[str, float | None]]) -> None:
    line = ""
    for finding, value in seen:
        line = longer(line, finding, value)
    assert len(line) <= LONGEST
    assert GuardrailStatus(name="a", finding="Pass", recent=line).recent == line
    read = looks(line)
    assert len(read) == min(len(seen), KEPT)
    for look, (finding, value) in zip(read, seen[-KEPT:], strict=True):
        assert look.breached is (finding == "Breach")
        if look.value is not None:
            assert look.value == pytest.approx(value, rel=1e-3, abs=1e-300)


@given(st.text() | st.from_regex(r"[0-9.!? -]*", fullmatch=True))
def test_whatever_stands_there_is_read(line: str) -> None:
    assert len(looks(line)) == min(len(line.split()), KEPT)


def test_nothing_that_is_no_number_is_drawn() -> None:
    assert looks("inf nan! x 1e999 7") == (
        PastLook(None, breached=False),
        PastLook(None, breached=True),
        PastLook(None, breached=False),
        PastLook(None, breached=False),
        PastLook(7.0, breached=False),
    )


def test_a_line_that_is_too_long_loses_its_oldest() -> None:
    kept = GuardrailStatus(name="a", finding="Pass", recent="1234567 " * 100 + "8!").recent
    assert len(kept) <= LONGEST
    assert set(kept.split()) == {"1234567", "8!"}
    assert newest(3) == 3
