"""What is a user's id, what is nobody's, and what an application may write beside it."""

import json
from enum import Enum, IntEnum
from uuid import UUID

import pytest
from mlrollout.assignment import arguments
from mlrollout.assignment.bucket import group
from mlrollout.assignment.ids import LONGEST, UserId, text_of, trouble_with

from tests.pure.assignment.vectors import text

TEXT = "0b1f0c2e-6d0b-4c43-9a3e-0f5d5a3f7b11"


class Code(str, Enum):  # noqa: UP042 - as applications have them, whose str() is another text
    KIM = "kim"


class Number(IntEnum):
    KIM = 42


class BrokenNumber(int):
    def bit_length(self) -> int:
        raise RuntimeError("broken")


class Hex(UUID):
    """As applications have them that show ids without the hyphens."""

    def __str__(self) -> str:
        return self.hex


class BrokenText(UUID):
    def __str__(self) -> str:
        raise RuntimeError("broken")


class Without(UUID):
    """One that was made past its base."""

    def __init__(self) -> None:
        pass


class Beyond(UUID):
    def __init__(self) -> None:
        object.__setattr__(self, "int", 1 << 10_000)


class Int64:
    """A whole number of NumPy's, as a table gives it."""

    def __index__(self) -> int:
        return 42


class Bool8:
    """NumPy's truth, which is no number."""

    def __index__(self) -> int:
        raise TypeError("only integers can be an index")


class Proxy:
    """As web frameworks have them for what is of the request at hand: it says that it is what it stands for."""

    def __init__(self, kind: type) -> None:
        self._kind = kind

    @property  # type: ignore[misc]  # as Flask's LocalProxy and Django's SimpleLazyObject have it
    def __class__(self) -> type:
        return self._kind


class Raising:
    """A proxy of a request that is over."""

    @property  # type: ignore[misc]  # likewise
    def __class__(self) -> type:
        raise RuntimeError("working outside of a request")


@pytest.mark.parametrize(
    ("user_id", "canonical"),
    [
        ("kim", "kim"),
        (Code.KIM, "kim"),
        (42, "42"),
        (0, "0"),
        (-7, "-7"),
        (Number.KIM, "42"),
        (Int64(), "42"),
        (10**1023, "1" + "0" * 1023),
        (UUID(TEXT.upper()), TEXT),
        ("x" * LONGEST, "x" * LONGEST),
        ("배" * 341, "배" * 341),
    ],
    ids=lambda one: ascii(one)[:20],
)
def test_an_id_is_its_canonical_text(user_id: UserId, canonical: str) -> None:
    assert text_of(user_id) == canonical


@pytest.mark.parametrize(
    ("user_id", "why"),
    [
        (None, "of type NoneType: give a str, an int or a UUID"),
        (True, "of type bool"),
        (Bool8(), "of type Bool8"),
        (4.0, "of type float"),
        (b"kim", "of type bytes"),
        (Proxy(str), "of type Proxy: give a str"),
        (Proxy(bool), "of type Proxy"),
        (Proxy(UUID), "of type Proxy"),
        (Raising(), "of type Raising"),
        (["kim"], "of type list"),
        ("", "empty"),
        ("kim\ud800", "half a surrogate pair"),
        ("x" * (LONGEST + 1), "longer than 1024 bytes"),
        ("배" * 342, "longer than 1024 bytes"),
        (10**1024, "of type int"),
        (10**10_000, "of type int"),
    ],
    ids=lambda one: ascii(one)[:20] if type(one) is not int else "number",
)
def test_everything_else_is_nobody_and_told_why_without_the_id(user_id: object, why: str) -> None:
    assert text_of(user_id) is None
    assert why in trouble_with(user_id)
    assert "kim" not in trouble_with(user_id)


def test_what_a_subclass_makes_of_itself_is_not_asked() -> None:
    assert [text_of(one) for one in (Hex(TEXT), BrokenText(TEXT), BrokenNumber(42))] == [TEXT, TEXT, "42"]
    assert [text_of(one) for one in (Without(), Beyond())] == [None, None]
    assert "of type Without" in trouble_with(Without())


def test_the_published_ids_are_what_python_makes_of_them() -> None:
    rows = [json.loads(line) for line in text("ids.jsonl").splitlines()]

    assert len(rows) > 50
    assert all(text_of(row["given"]) == row["text"] for row in rows)
    assert {type(row["given"]) for row in rows} == {str, int, bool, float, list, dict, type(None)}


def test_who_has_too_long_an_id_is_in_control_whatever_the_hash() -> None:
    assert group("salt", "x" * LONGEST, 100) == "treatment"
    assert group("salt", "x" * (LONGEST + 1), 100) == "control"


def test_several_ids_are_taken_by_their_texts() -> None:
    assert arguments.ids("staff", ["kim", 42, UUID(TEXT)]) == {"kim", "42", TEXT}


@pytest.mark.parametrize("one", ["kim", b"kim", ""])
def test_one_text_is_not_several(one: str) -> None:
    for several in (arguments.ids, arguments.texts):
        with pytest.raises(TypeError, match=r"staff must hold several .*: write staff=\["):
            several("staff", one)


@pytest.mark.parametrize("nobody", [None, "", True, 4.5, "\ud800"])
def test_nobody_is_none_of_several(nobody: str) -> None:
    with pytest.raises(ValueError, match="staff holds an id that is nobody's"):
        arguments.ids("staff", ["kim", nobody])


@pytest.mark.parametrize(
    ("value", "error"), [(None, TypeError), (42, TypeError), ("", ValueError), ("\ud800", ValueError)]
)
def test_a_text_that_is_none_is_refused(value: object, error: type[Exception]) -> None:
    with pytest.raises(error, match="key"):
        arguments.text("key", value, "ml_dispatch:rollout_percentage")
    with pytest.raises((TypeError, ValueError), match="key"):
        arguments.texts("key", [value])  # type: ignore[list-item]  # the point


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_seconds_that_make_no_sense_are_refused(value: float) -> None:
    with pytest.raises(ValueError, match="max_age"):
        arguments.seconds("max_age", value)
