"""One object, followed: how it is now, and whenever it changes, also over a connection that breaks off."""

import queue
import threading
import time
from dataclasses import dataclass
from typing import Self

from mlrollout.cli.ending import CommandError

from .api import Data
from .rollouts import ClusterRollouts, NoSuchRolloutError

_FIRST, _LONGEST = 1.0, 10.0
"""Seconds to the next try where the cluster fails, at first and at most."""


@dataclass(frozen=True, slots=True)
class News:
    """What is known now.

    Attributes:
        found: The object; `None` where it is gone.
        trouble: Why nothing newer can be known; empty where it can.
    """

    found: Data | None
    trouble: str = ""


class Follower:
    """Follows an object in a thread of its own, so that whoever waits for news can be interrupted.

    Args:
        cluster: Where it is.
        name: What it is called.
        found: The object, where it was read or changed a moment ago; it is read at the begin if left out.

    Raises:
        CommandError: There is no such object, or it can't be read, at the begin. Later that is news.
    """

    def __init__(self, cluster: ClusterRollouts, name: str, found: Data | None = None) -> None:
        self._cluster = ClusterRollouts(namespace=cluster.namespace, api=cluster.api.apart())
        self._name = name
        self._news: queue.SimpleQueue[News | Exception] = queue.SimpleQueue()
        self._over = threading.Event()
        self._found: Data = cluster.get(name) if found is None else found
        self._news.put(News(self._found))
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def now(self) -> float:
        """The time, by which ages are told."""
        return self._cluster.now

    def next(self, within: float) -> News | None:
        """The next news; `None` where there is none for so many seconds."""
        try:
            found = self._news.get(timeout=max(0.0, within))
        except queue.Empty:
            return None
        if isinstance(found, Exception):
            raise found
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._cluster.api.hang_up()
        self._thread.join(_FIRST)

    def _run(self) -> None:
        with self._cluster:
            try:
                self._follow()
            except Exception as error:  # noqa: BLE001 - whoever waits must hear of it
                self._news.put(error)

    def _follow(self) -> None:
        pause = _FIRST
        while not self._over.is_set():
            began = time.monotonic()
            try:
                if not self._until_it_ends():
                    return
                pause = _FIRST
            except NoSuchRolloutError:
                self._news.put(News(None))
                return
            except CommandError as error:  # also a login that can't be renewed: nothing of that says that it is gone
                self._news.put(News(self._found, str(error)))
                pause = min(2 * pause, _LONGEST)
            if time.monotonic() < began + pause:  # a cluster that fails at once is not asked without a pause
                self._over.wait(pause)

    def _until_it_ends(self) -> bool:
        """Follow one stream from how the object is now; whether another is worth it."""
        self._tell(self._cluster.get(self._name))
        for event in self._cluster.changes(self._name, str(self._found["metadata"]["resourceVersion"])):
            found = event.get("object")
            if event.get("type") == "DELETED":
                self._news.put(News(None))
                return False
            if event.get("type") not in ("ADDED", "MODIFIED") or not isinstance(found, dict):
                break  # the version is too old, for example
            self._tell(found)
        return True

    def _tell(self, found: Data) -> None:
        self._found = found
        self._news.put(News(found))
