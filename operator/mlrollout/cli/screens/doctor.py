"""The screen of `doctor`: a line for each thing that was looked at."""

from collections.abc import Iterator, Mapping, Sequence

from rich.text import Text

from mlrollout.glance.doctor.diagnosis import Diagnosis, DiagnosisLevel, summary

from .columns import GAP
from .look import FAINT, HEAD, Signs
from .wrap import wrapped

_NARROW = 80
"""Cells below which what was found stands below what it is about."""
_INDENT = 4
_LEVELS: Mapping[DiagnosisLevel, tuple[str, str]] = {
    DiagnosisLevel.OK: ("ok", "green"),
    DiagnosisLevel.WARNING: ("warning", "yellow"),
    DiagnosisLevel.FAILED: ("failed", "bold red"),
    DiagnosisLevel.UNSEEN: ("not seen", FAINT),
}
"""The word for each level, and its colour."""
_WORD = max(len(word) for word, _ in _LEVELS.values())


def screen(found: Sequence[Diagnosis], room: int, drawn: Signs) -> list[Text]:
    """The lines.

    Args:
        found: What was found.
        room: Cells in a line.
        drawn: What to draw with.
    """
    width = max(len(one.about) for one in found) + GAP
    lines = [line for one in found for line in _lines(one, width, room, drawn)]
    return [*lines, Text(), *wrapped(summary(found), room, style=HEAD)]


def _lines(one: Diagnosis, width: int, room: int, drawn: Signs) -> Iterator[Text]:
    word, style = _LEVELS[one.level]
    head = Text.assemble(one.about.ljust(width), (word.ljust(_WORD + GAP), style))
    indent = head.cell_len if room >= _NARROW else _INDENT
    told = [*wrapped(one.message, room - indent)]
    advice = wrapped(f"{drawn.then} {one.todo}", room - indent, style=HEAD) if one.todo else []
    if room >= _NARROW:
        yield head.append_text(told.pop(0))
    else:
        head.rstrip()
        yield head
    for line in (*told, *advice):
        yield Text(" " * indent).append_text(line)
