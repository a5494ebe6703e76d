"""Sentences on as many lines as they take."""

import re

from rich.cells import cell_len, chop_cells
from rich.text import Text

_SPACE = re.compile(r" (?!%)")
"""Where a line may be broken: not between a number and its per cent."""


def wrapped(text: str, room: int, *, style: str = "", indent: str = "") -> list[Text]:
    """Text on lines of so many cells, broken between words where that can be."""
    width = max(1, room - len(indent))
    shown, line = [], ""
    for word in _SPACE.split(text):
        longer = f"{line} {word}" if line else word
        if cell_len(longer) <= width:
            line = longer
            continue
        shown += [line] if line else []
        *whole, line = chop_cells(word, width) or [""]  # a word that no line has room for
        shown += whole
    return [Text(f"{indent}{one}", style) for one in (*shown, line)]
