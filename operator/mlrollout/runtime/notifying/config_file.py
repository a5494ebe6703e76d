"""The administrator's file while the operator runs: read again when it has changed, and kept when it can't be used."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import structlog

from mlrollout.notify.config import ConfigError, NotificationConfig, parse
from mlrollout.notify.samples import sample_notices, sample_object
from mlrollout.ports import Receivers

from .composing import template_problem

log = structlog.get_logger(__name__)

LOOK_EVERY = 10.0
"""Seconds between two looks whether the file has changed."""


class ConfigFile:
    """What stands in the file.

    A file that can't be used ends nothing: traffic is guarded, whoever hears of it. The log and a metric say so.

    Args:
        path: Where it is; `None` for no file.
        receivers: Tries the templates.
        unusable: Told whether the file as it is now, or a template in it, can't be used.
    """

    def __init__(self, path: Path | None, receivers: Receivers, unusable: Callable[[bool], None]) -> None:
        self._path = path
        self._receivers = receivers
        self._unusable = unusable
        self._text: str | None = None
        self._problem = ""
        self._config = NotificationConfig()
        if path is not None:
            self._look(path)

    def current(self) -> NotificationConfig:
        """What stood in it when it could last be used; nothing before."""
        return self._config

    async def watch(self) -> None:
        """Read it again when it has changed, and try its templates, until cancelled."""
        tried: NotificationConfig | None = None
        while True:
            if self._path is not None:
                self._look(self._path)
            if tried is not self._config:
                tried = self._config
                broken = await self._broken_templates(tried)
            self._unusable(bool(self._problem or broken))
            await asyncio.sleep(LOOK_EVERY)

    async def _broken_templates(self, config: NotificationConfig) -> bool:
        """Whether a template can't be used; each that can't is told in the log, and then in the message itself."""
        about, found = sample_object(config), False
        for notice in sample_notices(0.0):
            if notice.topic in config.templates:
                problem = await template_problem(self._receivers, config, notice, about)
                if problem:
                    found = True
                    log.error("A template can't be used", topic=notice.topic, problem=problem)
        return found

    def _look(self, path: Path) -> None:
        try:
            text = path.read_text(encoding="utf-8")
            if text == self._text and not self._problem:
                return
            self._config, self._text, problem = parse(text), text, ""
        except OSError as error:
            problem = f"it can't be read ({error.strerror})"
        except UnicodeDecodeError:
            problem = "it is no text"
        except ConfigError as error:
            problem = str(error)
        if problem and problem != self._problem:
            log.error(
                "The file of notifications can't be used; what it said before holds", file=str(path), problem=problem
            )
        elif not problem:
            log.info("Notifications", receivers=[one.name for one in self._config.receivers])
        self._problem = problem
