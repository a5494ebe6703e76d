"""Structured logs: one JSON object a line, or lines for reading; Kopf's and aiohttp's come out the same way."""

import logging
import sys

import structlog

from .log_level import LogLevel

_LEVELS = {
    "mlrollout.audit": logging.INFO,  # who did what is told, whatever else is left out
    "kopf": logging.CRITICAL,  # it tells every try that fails; how the watch fares we say ourselves, and rarely
    "aiohttp": logging.WARNING,
    "asyncio": logging.WARNING,
    "kubernetes": logging.WARNING,
}


_SHARED: tuple[structlog.types.Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)
_OF_LINES = frozenset({"exception", "stack"})
"""Fields of a log entry that may have several lines."""


def configure(*, json: bool, level: LogLevel = LogLevel.INFO) -> None:
    """Set up logging for the process, to standard error."""
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter(json=json, colors=sys.stderr.isatty()))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name, least in _LEVELS.items():
        logging.getLogger(name).setLevel(least)


def formatter(*, json: bool, colors: bool = False) -> logging.Formatter:
    """How a line is written."""
    renderers: list[structlog.types.Processor] = (
        [structlog.processors.JSONRenderer()]  # which writes as codes by itself what is no print
        if json
        else [_printable, structlog.dev.ConsoleRenderer(colors=colors)]
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_SHARED,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            *renderers,
        ],
    )


def _printable(_logger: object, _method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """Write as codes what is no print: a name that somebody chose must neither forge a line nor steer a terminal."""
    for name, value in event.items():
        if isinstance(value, str):
            # Indented, no line of a traceback is taken for one of the log, whatever the error quotes.
            event[name] = (
                "\n".join(f"    {_codes(one)}" for one in value.split("\n")) if name in _OF_LINES else _codes(value)
            )
    return event


def _codes(text: str) -> str:
    return text if text.isprintable() else "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)
