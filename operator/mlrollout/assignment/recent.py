"""The share of failures in the last five minutes, of one process or of all that share a folder.

Each process counts in a table of its own, by slots of ten seconds. A cell holds the number of its slot beside
the count, so nobody has to clear anything: what a process leaves when it falls idle or dies gets too old by itself.
"""

import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from math import nan
from mmap import mmap
from pathlib import Path
from threading import Lock
from time import time

from .bucket import Group
from .forks import begin_in_children

log = logging.getLogger("mlrollout")

SLOT = 10
"""Seconds that are counted together."""
SLOTS = 30
_COUNT = 32
"""Bits of a cell that hold the count; those above hold the slot's number, so that both are written at once."""
_ROWS = {row: place * SLOTS for place, row in enumerate(product(Group, (False, True)))}
"""Where the cells for a group, failed or not, begin."""
_BYTES = len(_ROWS) * SLOTS * 8
_SUFFIX = ".recent"

Table = Sequence[int]


class Recent:
    """Counts the calls of this process in the last five minutes.

    Args:
        prefix: The metrics' prefix; it names the file, and has no `-`.
        folder: Where all processes keep their tables; `None` for a process alone.
    """

    def __init__(self, prefix: str, folder: Path | None = None) -> None:
        self._prefix = prefix
        self._folder = folder
        self.begin()
        begin_in_children(self)

    def begin(self) -> None:
        """Make the table of this process."""
        self._lock = Lock()
        self._cells = memoryview(self._place()).cast("Q")

    def _place(self) -> mmap | bytearray:
        if self._folder is None:
            return bytearray(_BYTES)
        file = self._folder / f"{self._prefix}-{os.getpid()}{_SUFFIX}"
        try:
            return _shared(file)
        except OSError as error:
            log.warning(
                "%s can't be written (%s): the error rate of %s leaves this process out. Keep the folder, and room in "
                "it, for as long as the processes run that share it",
                *(file, error.strerror, self._prefix),
            )
            return bytearray(_BYTES)

    @property
    def table(self) -> Table:
        """The cells, as `error_rate` reads them."""
        return self._cells

    def add(self, group: Group, *, failed: bool) -> None:
        """Count one call, now."""
        slot = int(time()) // SLOT
        place = _ROWS[group, failed] + slot % SLOTS
        with self._lock:
            cell = self._cells[place]
            self._cells[place] = (cell if cell >> _COUNT == slot else slot << _COUNT) + 1


def error_rate(tables: Iterable[Table], group: Group) -> float:
    """Share of failures; NaN where nothing was asked, which is not the same as healthy."""
    newest = int(time()) // SLOT
    counts = {False: 0, True: 0}
    for table, failed in product(tables, counts):
        begin = _ROWS[group, failed]
        for cell in table[begin : begin + SLOTS]:
            if newest - SLOTS < cell >> _COUNT <= newest:
                counts[failed] += cell & (1 << _COUNT) - 1
    total = sum(counts.values())
    return counts[True] / total if total else nan


def tables(folder: Path) -> Iterator[tuple[str, list[Table]]]:
    """Each prefix in the folder, with the tables of all its processes, the dead ones' too."""
    found: dict[str, list[Table]] = {}
    for file in sorted(folder.glob(f"*{_SUFFIX}")):
        cells = file.read_bytes()[:_BYTES]
        if len(cells) == _BYTES:  # shorter while it is being made
            found.setdefault(file.name.partition("-")[0], []).append(memoryview(cells).cast("Q"))
    yield from found.items()


def _shared(file: Path) -> mmap:
    """The file in memory; a process that got the id of a dead one goes on with its table."""
    with file.open("ab+") as opened:
        # Written, not truncated to size: a full disk is an error here, and not a signal later.
        opened.write(bytes(max(0, _BYTES - opened.tell())))
        opened.flush()
        return mmap(opened.fileno(), _BYTES)
