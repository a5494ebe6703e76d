"""The operator's log, as far as it tells of what should never happen."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog

from .history import History, Unexpected
from .process import OWNER


@contextmanager
def recorded(history: History, now: Any) -> Iterator[None]:
    """Meanwhile, have the errors that the operator logs written into a history; all else is dropped."""

    def record(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        owner = OWNER.get()
        history.append(Unexpected(now(), owner.name if owner is not None else "nobody", _tell(event)))
        raise structlog.DropEvent

    before = structlog.get_config()
    quiet = structlog.make_filtering_bound_logger(logging.ERROR)
    structlog.configure(
        processors=[structlog.processors.format_exc_info, record], wrapper_class=quiet, cache_logger_on_first_use=False
    )
    try:
        yield
    finally:
        structlog.configure(**before)


def _tell(event: structlog.typing.EventDict) -> str:
    trace = str(event.get("exception", "")).strip().splitlines()
    return "\n".join((str(event["event"]), *trace[-8:]))
