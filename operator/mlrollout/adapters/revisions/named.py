"""A revision, who and when, in what a source says; checked, since anybody may stand there."""

from mlrollout.adapters.http.peer import UnusableReplyError
from mlrollout.ports import NamedRevision

MAX_REVISION = 253
"""Characters of a revision, as of `spec.revision`."""
MAX_NAME = 100
"""Characters of the name of whoever brought it there."""
_LAST_MOMENT = 253402300799.0
"""The end of the year 9999: beyond it is no date that could be told."""


def named(found: object, by: object = "", at: float | None = None) -> NamedRevision:
    """What a source names.

    Args:
        found: Where the revision should stand: a text, of which white space around it is no part, or a whole number.
        by: Where a name should stand.
        at: Seconds since the epoch.

    Raises:
        UnusableReplyError: No revision stands there; the text says what does, and nothing of it.
    """
    name = "".join(filter(str.isprintable, by))[:MAX_NAME].strip() if isinstance(by, str) else ""
    return NamedRevision(_revision(found), name, at if at is not None and 0 <= at <= _LAST_MOMENT else None)


def _revision(found: object) -> str:
    if isinstance(found, bool) or not isinstance(found, str | int):
        raise UnusableReplyError("names what is neither a text nor a whole number: write the revision as a text")
    text = str(found).strip()
    if not text:
        raise UnusableReplyError("names nothing: the text is empty; write the revision there")
    if len(text) > MAX_REVISION:
        raise UnusableReplyError(
            f"names a revision of more than {MAX_REVISION} characters: see whether one stands there"
        )
    if not text.isprintable():
        raise UnusableReplyError(
            "names a revision with characters that can't be printed, line breaks for example: write one line of text"
        )
    if " " in text:
        # A person who approves "1 2 is well" has to have meant one of them.
        raise UnusableReplyError("names a revision with a space in it: write it in one word")
    return text
