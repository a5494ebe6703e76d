"""The screens of `history` and `events`: what happened, a line for each."""

from collections.abc import Sequence

from rich.text import Text

from mlrollout.api import moment
from mlrollout.glance.event import EventGlance
from mlrollout.glance.rollout import Step

from .columns import GAP, Column, lines
from .look import BAD, HEAD, Signs, age, percent
from .wrap import wrapped

_READABLE = 30
"""Cells in which a sentence can still be read."""
_BESIDE = 70
"""Cells from which a sentence stands beside what it is about."""


def steps(found: Sequence[Step], now: float, room: int | None, drawn: Signs) -> list[Text]:
    """The steps of a rollout, told by their age, a line each."""
    when = Column("WHEN", [Text(f"{age(now, one.at)} ago") for one in found])
    what = Column("WHAT", [Text(one.message) for one in found], 8, least=16)
    return lines((when, *_columns(found, least=12), what), room, drawn.cut) if found else []


def history(found: Sequence[Step], room: int | None, drawn: Signs) -> list[Text]:
    """The same by the clock, with the attempt that each belongs to, and with all that is said of them."""
    columns = (
        Column("WHEN", [Text(moment.to_second(one.at)) for one in found]),
        Column("ATTEMPT", [Text(str(one.attempt)) for one in found], 4, right=True),
        Column("REVISION", [Text(one.revision) for one in found], 3, least=12),
        *_columns(found),
    )
    return _whole(lines(columns, _left(room), drawn.cut), "WHAT", [one.message for one in found], room)


def _columns(found: Sequence[Step], least: int = 0) -> tuple[Column, ...]:
    return (
        Column("STEP", [Text(one.reason, BAD if one.warning else "") for one in found], least=least),
        Column("AT", [Text(percent(one.percentage)) for one in found], 5, right=True),
    )


def events(found: Sequence[EventGlance], now: float, room: int | None, drawn: Signs) -> list[Text]:
    """The Events of a rollout."""
    columns = (
        Column("LAST SEEN", [Text(f"{age(now, one.at)} ago") for one in found]),
        Column("TYPE", [Text(one.type, BAD if one.type == "Warning" else "") for one in found], 6),
        Column("REASON", [Text(one.reason) for one in found], least=12),
        Column("TIMES", [Text(str(one.times)) for one in found], 4, right=True),
    )
    return _whole(lines(columns, _left(room), drawn.cut), "MESSAGE", [one.message for one in found], room)


def _left(room: int | None) -> int | None:
    """What the columns may take, so that the text beside them can be read."""
    return None if room is None else room - _READABLE if room >= _BESIDE else room


def _whole(table: Sequence[Text], head: str, texts: Sequence[str], room: int | None) -> list[Text]:
    """Rows with all of a text: beside them, on as many lines as it takes, or below them where that is too narrow."""
    first, *rows = table
    if not rows:
        return []
    width = max(line.cell_len for line in table) + GAP
    beside = room is None or room - width >= _READABLE - GAP
    indent = width if beside else GAP
    shown = [_padded(first, width).append(head, HEAD) if beside else first]
    for row, text in zip(rows, texts, strict=True):
        told = [Text(text)] if room is None else wrapped(text, room - indent)
        if beside:
            shown.append(_padded(row, width).append_text(told.pop(0)))
        else:
            shown.append(row)
        shown += [Text(" " * indent).append_text(line) for line in told]
    return shown


def _padded(line: Text, width: int) -> Text:
    return line.copy().append(" " * (width - line.cell_len))
