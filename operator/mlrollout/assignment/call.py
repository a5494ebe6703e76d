"""One call of a feature, as it is measured."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from types import TracebackType
from typing import Self

from .bucket import Group
from .ids import UserId


class Call:
    """One call for one user, from the beginning of its `with` block to the end.

    An exception that leaves the block is a failure of the user's group, and passes through. An interrupt, or that
    somebody cancelled the task that the block runs in, says nothing about the path: nothing is recorded, whatever the
    path makes of its cancellation. One that nobody asked of this task is the path's own: it cancelled a task that it
    then awaited, and that is a failure.
    So is whatever else is raised, also what is no `Exception`, such as the time-outs of gevent and func_timeout.

    Attributes:
        user_id: The user.
        group: The user's group.
        failed: Whether the group's own path has failed, whoever answered then.
        seconds: How long it took to answer the user, a failure and the legacy path after it included.
    """

    def __init__(
        self,
        user_id: UserId,
        group: Group,
        *,
        on_error: Callable[[BaseException], None],
        on_end: Callable[["Call"], None],
    ) -> None:
        self.user_id = user_id
        self.group = group
        self.failed = False
        self.seconds = 0.0
        self._score: float | None = None
        self._on_error = on_error
        self._on_end = on_end
        self._known = True

    @property
    def treatment(self) -> bool:
        """Whether the user gets the ML path."""
        return self.group is Group.TREATMENT

    @property
    def result(self) -> float | None:
        """The score to record: none where the group's own path has failed, since it is not that path's."""
        return None if self.failed else self._score

    def score(self, value: float) -> None:
        """How good the answer is; score both groups alike. The last one counts."""
        self._score = value

    def fail(self, error: BaseException | None = None) -> None:
        """The group's own path has failed; `error` goes to the log."""
        self.failed = True
        if error is not None:
            self._on_error(error)

    def forget(self) -> None:
        """Record nothing of it: nobody knows what becomes of it."""
        self._known = False

    @contextmanager
    def falling_back(self) -> Iterator[None]:
        """Have an exception in this block end only the block, and count as failure: legacy follows it.

        Raises:
            CancelledError: Somebody cancelled the task, and the block made another exception of that.
        """
        try:
            yield
        except BaseException as error:
            if isinstance(error, Exception) and self._is_cancelled(error):
                raise asyncio.CancelledError from error  # or the task would go on, with an answer that nobody awaits
            if not self._is_failure(error) or not _is_the_paths_own(error):
                raise
            self.fail(error)

    def _is_failure(self, error: BaseException) -> bool:
        if self._is_cancelled(error):
            return False
        return not isinstance(error, _INTERRUPTS) and type(error).__name__ not in _KILLS

    def _is_cancelled(self, error: BaseException) -> bool:
        """Whether somebody wants the task to end, and the error is that, or what the path has made of it.

        Some libraries cancel the task for a time-out of theirs and never take that back (aiohttp before 3.10.8): what
        comes of a time-out, or after it, is the path's failure.
        """
        if _cancellations() <= self._cancellations:
            return False
        if isinstance(error, asyncio.CancelledError):
            return True
        causes = set(_causes(error))
        return asyncio.CancelledError in causes and TimeoutError not in causes

    def __enter__(self) -> Self:
        self._began = monotonic()
        self._cancellations = _cancellations()
        return self

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        self.seconds = monotonic() - self._began
        if not self._known or (error is not None and not self._is_failure(error)):
            return
        self.failed = self.failed or error is not None
        self._on_end(self)


_INTERRUPTS = (KeyboardInterrupt, GeneratorExit, SystemExit)
_KILLS = frozenset({"GreenletExit", "Cancelled"})
"""How greenlets are killed, and Trio's tasks cancelled: by their names, for this needs none of the two."""


def _is_the_paths_own(error: BaseException) -> bool:
    """Whether nobody but the path can have meant it, so that nobody else waits for it.

    What is no `Exception` may be a time-out that whoever calls has set around all of this, or the like: to swallow it
    would have them wait for ever. A panic of a library in Rust is meant for nobody else, nor is a cancellation
    that nobody asked of this task.
    """
    return isinstance(error, Exception | asyncio.CancelledError) or type(error).__name__ == "PanicException"


def _causes(error: BaseException) -> Iterator[type[BaseException]]:
    """What it came of, by kind: each of the errors that were being handled, time-outs all as one kind."""
    seen = set[int]()
    found: BaseException | None = error
    while found is not None and id(found) not in seen:
        yield TimeoutError if isinstance(found, TimeoutError) else type(found)
        seen.add(id(found))
        found = found.__cause__ or found.__context__


def _cancellations() -> int:
    """How often somebody has asked the running task to end; 0 where there is none."""
    try:
        task = asyncio.current_task()
    except RuntimeError:  # no event loop runs in this thread
        return 0
    return task.cancelling() if task is not None else 0
