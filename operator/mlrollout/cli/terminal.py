"""The terminal, or whatever stands in its place: how wide it is, what it can draw, and how lines get there."""

import io
import os
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from .screens.look import Signs, signs

_USUAL = 80
"""Cells in a line where nobody knows."""


class Terminal:
    """Standard output, which may be a file or a pipe."""

    def __init__(self) -> None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")  # a sign that can't be written is no reason to fail
        self.console = Console(highlight=False, markup=False, emoji=False, legacy_windows=False)

    @property
    def drawn(self) -> Signs:
        """What to draw with."""
        return signs(self.console.encoding)

    @property
    def room(self) -> int:
        """Cells in a line, for text that has to be wrapped."""
        return self.console.width if self._known else _USUAL

    @property
    def table_room(self) -> int | None:
        """Cells in a line, for rows; `None` where a program reads them, which wants them whole."""
        return self.console.width if self._known else None

    @property
    def redrawn(self) -> bool:
        """Whether a screen can be drawn anew where the last one stands."""
        return _looked_at() and self.console.is_terminal and not self.console.is_dumb_terminal

    @property
    def _known(self) -> bool:
        return _looked_at() or os.environ.get("COLUMNS", "").lstrip("0").isdigit()

    def show(self, lines: Sequence[Text]) -> None:
        """Write lines as they are."""
        if self.console.color_system is None:  # where rich would write the same, only later
            self.write("\n".join(line.plain for line in lines))
        elif lines:
            self.console.print(Text("\n").join(lines), soft_wrap=True)

    def note(self, message: str) -> None:
        """Tell a person what is no part of the answer."""
        sys.stdout.flush()  # it comes behind the answer, and beside none that can't be written
        print(message, file=sys.stderr)  # noqa: T201 - for a person

    def tell(self, line: str) -> None:
        """Write a line that is read as soon as it is written."""
        print(line, flush=True)  # noqa: T201 - for a log

    def write(self, text: str) -> None:
        """Write text for a program, as it is."""
        sys.stdout.write(text if text.endswith("\n") or not text else f"{text}\n")


def _looked_at() -> bool:
    """Whether a person looks. Rich says so as well where `FORCE_COLOR` asks for colours in a file."""
    return sys.stdout.isatty()
