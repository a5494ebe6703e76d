"""What is done for one object after another: what goes wrong with one is no reason to leave the others out."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from mlrollout.ports import Ref
from mlrollout.seldom import seldom

log = structlog.get_logger(__name__)


class Apart:
    """Keeps a mistake with the object that it was made about, and tells of it, seldom.

    Whatever one object's spec, status or Redis holds that nobody thought of, must not cost another its lease or its
    rollback (invariant 7).
    """

    def __init__(self) -> None:
        self._mistakes: Counter[Ref] = Counter()

    @contextmanager
    def turn(self, ref: Ref) -> Iterator[None]:
        """One object's turn: an error in it ends it, and nothing else."""
        try:
            yield
        except Exception:
            self._mistakes[ref] += 1
            if seldom(times := self._mistakes[ref]):
                log.exception("Unexpected error with an object; going on with the others", object=str(ref), times=times)

    def forget(self, ref: Ref) -> None:
        """Let go of an object that no longer exists."""
        self._mistakes.pop(ref, None)
