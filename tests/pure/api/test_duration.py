import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlrollout.api.duration import Duration, brief, parse, render
from pydantic import TypeAdapter, ValidationError

READ = TypeAdapter(Duration)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("250ms", 0.25),
        ("15s", 15),
        ("1h30m", 5400),
        ("1.5h", 5400),
        ("336h", 1_209_600),
        ("14d", 1_209_600),
        ("2w", 1_209_600),
        ("0s", 0),
    ],
)
def test_durations_are_read_as_seconds(text: str, seconds: float) -> None:
    assert parse(text) == seconds


@given(st.integers(min_value=0, max_value=99_999 * 3_600_000))
def test_what_is_written_is_read_back_to_the_millisecond(milliseconds: int) -> None:
    assert parse(render(milliseconds / 1000)) == pytest.approx(milliseconds / 1000, abs=1e-9, rel=1e-12)


@pytest.mark.parametrize(
    "bad", ["", "5", "1.5d", "1d12h", "1y", "soon", "-5s", "5s\n", " 5s", "100000h", "1s1s1s1s1s", True, None, []]
)
def test_anything_else_is_refused_with_a_hint(bad: object) -> None:
    with pytest.raises(ValueError, match=r"is not a duration: write a number .* as 30s or 14d"):
        parse(bad)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0s"), (59.9, "59s"), (90, "1m30s"), (3_600, "1h"), (7_322, "2h2m"), (86_460, "1d"), (1_209_600, "14d")],
)
def test_a_column_has_room_for_two_units(seconds: float, text: str) -> None:
    assert brief(seconds) == text


def test_python_may_say_seconds_but_the_object_needs_a_unit() -> None:
    assert READ.validate_python(15) == 15
    with pytest.raises(ValidationError, match="'15' is not a duration"):
        READ.validate_json("15")
