"""What is a user's id, and what is nobody's: one rule for every client, in every language."""

import operator
from typing import SupportsIndex
from uuid import UUID

UserId = str | SupportsIndex | UUID
"""An id as applications have them. A whole number, one of NumPy's too, and a UUID are taken by their canonical text."""

LONGEST = 1024
"""Bytes in UTF-8 that an id has at most; whoever has a longer one is nobody, here and in every other program."""
_UUID_LENGTH = 36
_MOST_BITS = 4 * LONGEST
"""A whole number with more of them has more digits than an id may have, and Python would refuse to write it."""


def text_of(user_id: object) -> str | None:
    """The canonical text of an id; `None` where it is nobody's."""
    kind = type(user_id)  # and not what a proxy of a web framework says of itself: it is no text, and may raise
    if issubclass(kind, str):
        text = str.__str__(user_id)  # an Enum's own would be its name
        return text if 0 < _length(text) <= LONGEST else None
    if issubclass(kind, bool):  # which is an int as well, and two of them are no users
        return None
    if issubclass(kind, UUID):
        return _uuid(user_id)
    number = _whole(user_id)
    if number is None or int.bit_length(number) >= _MOST_BITS:
        return None
    text = int.__repr__(number)
    return text if len(text) <= LONGEST else None


def _uuid(user_id: object) -> str | None:
    """The canonical text of a UUID, which a subclass may write otherwise; `None` where it holds none."""
    try:
        text = UUID.__str__(user_id)
    except Exception:  # noqa: BLE001 - what holds none
        return None
    return text if len(text) == _UUID_LENGTH else None


def _whole(user_id: object) -> int | None:
    """A whole number, of whatever type it is; `None` where it is none."""
    try:
        return operator.index(user_id)  # type: ignore[arg-type]  # what has none of it says so
    except Exception:  # noqa: BLE001 - the code of an application's type
        return None


def trouble_with(user_id: object) -> str:
    """Why an id is nobody's, and what to do; nothing of the id itself."""
    if not issubclass(type(user_id), str):
        return f"it is of type {type(user_id).__name__}: give a str, an int or a UUID"
    text = str.__str__(user_id)
    if not text:
        return "it is empty: give the user's id"
    if not _length(text):
        return "it holds half a surrogate pair, which is no text"
    return f"it is longer than {LONGEST} bytes in UTF-8"


def _length(text: str) -> int:
    """Bytes of a text in UTF-8; 0 where it is none."""
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        return 0
