"""What a client hears of a rollout, as texts of Redis: what they say, where they are no longer than a record may be."""

from dataclasses import replace

from mlrollout.domain.record import Record, UnreadableRecordError, decode
from mlrollout.domain.traffic import Traffic

LONGEST_RECORD = 16 * 1024
"""Characters that the text of a record has at most. One takes some 500; a longer one is nobody's."""
_TOO_LONG = f"it is longer than {LONGEST_RECORD} characters"


def traffic(key: bytes | None, record: bytes | None) -> Traffic:
    """What a read of both keys says."""
    if record is not None and len(record.decode(errors="replace")) > LONGEST_RECORD:
        return replace(Traffic.parse(key, None), unreadable=_TOO_LONG)
    return Traffic.parse(key, record)


def pushed(content: bytes) -> Record:
    """The record that was pushed.

    Raises:
        UnreadableRecordError: It is none, or longer than one may be.
    """
    text = content.decode(errors="replace")
    if len(text) > LONGEST_RECORD:
        raise UnreadableRecordError(_TOO_LONG)
    return decode(text)
