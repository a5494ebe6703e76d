"""Rows under heads, as wide as there is room: what matters less is left out, and what is long is cut."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text

from .look import FAINT, HEAD

GAP = 2
"""Cells between two columns."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        head: What stands above it.
        cells: What stands in it.
        keeps: How much it matters: where there is no room, the least goes first. Those of 9 always stay.
        least: To how many cells it may be cut, before another is left out; 0 for not at all.
        right: Whether it stands to the right, as numbers do.
        middle: Whether it is cut in its middle: names, of which many begin alike.
    """

    head: str
    cells: Sequence[Text]
    keeps: int = 9
    least: int = 0
    right: bool = False
    middle: bool = False

    @property
    def width(self) -> int:
        """Cells that it would fill."""
        return max(len(self.head), *(cell.cell_len for cell in self.cells)) if self.cells else len(self.head)

    @property
    def narrowest(self) -> int:
        """Cells that it needs."""
        return min(self.width, self.least) if self.least else self.width


_ALWAYS = 9
_END = 3
"""Of what is cut in its middle, a third is the end."""
_STUMP = 4
"""Cells of which something can still be read."""


def lines(columns: Sequence[Column], room: int | None, cut: str = "…") -> list[Text]:
    """The heads and the rows.

    Args:
        columns: What is to be shown; one without any text is left out.
        room: Cells in a line; `None` for no end.
        cut: What stands where text was cut.
    """
    filled = [column for column in columns if any(cell.plain for cell in column.cells)]
    fitting = filled if room is None else _fitting(filled, room)
    widths = _widths(fitting, room)
    heads = [Text(column.head, HEAD) for column in fitting]
    rows = [heads, *(list(row) for row in zip(*(column.cells for column in fitting), strict=True))]
    return [_line(row, fitting, widths, cut) for row in rows]


def _fitting(columns: Sequence[Column], room: int) -> Sequence[Column]:
    """Those that there is room for."""
    kept = list(columns)
    while sum(column.narrowest + GAP for column in kept) - GAP > room:
        least = min(kept, key=lambda column: column.keeps)
        if least.keeps == _ALWAYS:
            break
        kept.remove(least)
    return kept


def _widths(columns: Sequence[Column], room: int | None) -> list[int]:
    """How wide each is: as wide as it wants, and where that is too much, the widest give way."""
    widths = [column.width for column in columns]
    over = 0 if room is None else sum(widths) + GAP * (len(widths) - 1) - room
    limits = [column.narrowest for column in columns]
    while over > 0:
        slack = [width - limit for width, limit in zip(widths, limits, strict=True)]
        if not any(slack):
            limits = [
                min(width, _STUMP) if column.least else width for width, column in zip(widths, columns, strict=True)
            ]
            if limits == widths:
                break
            continue
        place = max(range(len(widths)), key=lambda at: (slack[at] > 0, widths[at]))
        widths[place] -= 1
        over -= 1
    return widths


def _line(row: Sequence[Text], columns: Sequence[Column], widths: Sequence[int], cut: str) -> Text:
    line = Text()
    for cell, column, width in zip(row, columns, widths, strict=True):
        shown = _cut(cell, width, cut, middle=column.middle)
        space = " " * (width - shown.cell_len)
        line.append(space) if column.right else None
        line.append_text(shown)
        line.append(" " * GAP if column.right else space + " " * GAP)
    line.rstrip()
    return line


def _cut(text: Text, width: int, cut: str, *, middle: bool) -> Text:
    if text.cell_len <= width:
        return text
    end = width // _END if middle else 0
    shown = text.copy()
    shown.truncate(max(0, width - len(cut) - end))
    shown.append(cut if width else "", FAINT)
    return shown.append_text(text[len(text) - end :]) if end else shown
