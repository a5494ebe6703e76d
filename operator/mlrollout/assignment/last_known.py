"""What was last known of a rollout, in a file: for a process that starts while Redis is away."""

import json
import logging
import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import mkstemp
from time import monotonic, time
from typing import Any

from mlrollout.domain.record import Record, decode, encode, greater
from mlrollout.seldom import seldom

from .arguments import seconds
from .view import Reason, TrafficView

log = logging.getLogger("mlrollout")

SCHEMA = 1
_LARGEST = 64 * 1024
_FUTURE = 1.0
"""Seconds by which a file may seem to be from the future: clocks are corrected by so much while they run."""
_REFRESHED = 10
"""How often what has not changed is written again before it is too old."""


class LastKnown:
    """A file with what was last known, for the next start.

        Rollout(…, last_known=LastKnown("/var/lib/dispatch/rollout.json", max_age=600))

    A process begins with it where it is young enough, until it has read Redis itself. It never raises above what Redis
    says then: the greatest record in it goes on to count, so that a rollback is known over a restart, also where
    Redis has forgotten it. Each rollout needs a file of its own; the processes of one machine may share it.

    Args:
        file: Where it stands; its folder must exist, and be on a local disk. It is written for its owner alone.
        max_age: Seconds, by the machine's clock, since Redis was last read, after which it gives nobody treatment.

    Raises:
        ValueError: There is no such folder, or `max_age` makes no sense.
    """

    def __init__(self, file: Path | str, *, max_age: float) -> None:
        self.file = Path(file)
        self.max_age = seconds("max_age", max_age)
        if not self.file.parent.is_dir():
            raise ValueError(f"last_known: there is no folder {self.file.parent}: make it, or name another")
        if self.file.is_dir():
            raise ValueError(f"last_known: {self.file} is a folder: name a file in it")
        self._written: tuple[object, ...] = ()
        self._confirmed = 0.0
        self._failures = 0

    def begin(self, key: str, view: TrafficView) -> TrafficView:
        """The view to begin with, before Redis has been read."""
        found = self._load(key)
        if found is None:
            return view
        known, age = replace(view, record=found.record), time() - found.at
        if found.percentage is None or found.beside is None or not -_FUTURE <= age < self.max_age:
            return known
        read = monotonic() - max(0.0, age)
        return replace(
            known,
            key=found.percentage,
            beside=found.beside,
            confirmed=read,
            nothing=None,
            remembered=read + self.max_age,
        )

    def keep(self, key: str, view: TrafficView) -> None:
        """Write down what is known, where that has changed or the file is getting old."""
        if view.nothing is Reason.NOT_READY or view.remembered is not None:
            return
        content = (None if view.nothing else view.key, view.beside, view.record)
        if content == self._written and view.confirmed - self._confirmed < self.max_age / _REFRESHED:
            return
        known = _Known(time() - (monotonic() - view.confirmed), *content)
        try:
            self._write(_document(key, known.over(self._load(key))))
        except OSError as error:
            self._tell(f"it could not be written ({error.strerror}): make it writable for this process")
            return  # and the next call writes it: this may have been a rollback
        self._written, self._confirmed = content, view.confirmed

    def _write(self, document: Mapping[str, Any]) -> None:
        """Replace the file as a whole, readable by its owner alone."""
        opened, name = mkstemp(prefix=f".{self.file.name}.", dir=self.file.parent)
        try:
            with os.fdopen(opened, "w", encoding="ascii") as file:
                json.dump(document, file)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self.file)
        except BaseException:
            with suppress(OSError):
                Path(name).unlink()
            raise

    def _load(self, key: str) -> "_Known | None":
        try:
            with self.file.open("rb") as file:
                found = os.fstat(file.fileno())
                text = file.read(_LARGEST)
        except FileNotFoundError:
            return None
        except OSError as error:
            self._tell(f"it could not be read ({error.strerror})")
            return None
        if found.st_uid not in {os.geteuid(), 0}:
            self._tell("it is another user's, who may write what they like: remove it, or name a file of this process")
            return None
        if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            self._tell("others than its owner may write it: chmod 600")
            return None
        try:
            return _checked(json.loads(text), key)
        except (ValueError, RecursionError, OverflowError) as error:
            self._tell(str(error))
            return None

    def _tell(self, why: str) -> None:
        self._failures += 1
        if seldom(self._failures):
            log.warning("What was last known, in %s, is not used: %s", self.file, why)


@dataclass(frozen=True, slots=True)
class _Known:
    """What stands in the file.

    Attributes:
        at: When Redis was read, in seconds since 1970.
        percentage: The percentage under the key; `None` where nothing counted.
        beside: The record that was read with it.
        record: The greatest record seen.
    """

    at: float
    percentage: int | None
    beside: Record | None
    record: Record | None

    def over(self, other: "_Known | None") -> "_Known":
        """What to write in place of another process's: what was read last, and the greater record of one object."""
        if other is None or other.at > time() + _FUTURE:
            return self
        record = self.record
        if record is not None and other.record is not None and other.record.owner == record.owner:
            record = greater(record, other.record)
        return replace(other if other.at > self.at else self, record=record)


def _document(key: str, known: _Known) -> Mapping[str, Any]:
    return {
        "schema": SCHEMA,
        "key": key,
        "at": known.at,
        "percentage": known.percentage,
        "beside": None if known.beside is None else encode(known.beside),
        "record": None if known.record is None else encode(known.record),
    }


def _checked(found: Any, key: str) -> _Known:  # noqa: ANN401 - whatever stands in the file
    """What stands in the file, where all of it makes sense.

    Raises:
        ValueError: Something in it makes no sense.
    """
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        raise ValueError("it is of another version, or another program's")
    if found.get("key") != key:
        raise ValueError("it is another rollout's: give each a file of its own")
    at, percentage = found.get("at"), found.get("percentage")
    if not isinstance(at, int | float) or (percentage is not None and percentage not in range(101)):
        raise ValueError("its numbers are none")
    return _Known(float(at), percentage, _record(found.get("beside")), _record(found.get("record")))


def _record(text: Any) -> Record | None:  # noqa: ANN401 - likewise
    if text is None:
        return None
    if not isinstance(text, str):
        raise ValueError("its record is no text")  # noqa: TRY004 - of the file, and not of an argument
    return decode(text)
