"""One object, followed: how it is now, and whenever it changes, also over a connection that breaks off."""

import queue
import threading
import time
from dataclasses import dataclass

from mlrollout.cli.ending import CommandError

from .api import ClusterError, Data
from .rollouts import ClusterRollouts

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

    Raises:
        CommandError: There is no such object, or it can't be read, at the begin. Later that is news.
    """

    def __init__(self, cluster: ClusterRollouts, name: str) -> None:
        self._cluster = cluster
        self._name = name
        self._news: queue.SimpleQueue[News] = queue.SimpleQueue()
        self._found: Data = cluster.get(name)
        self._news.put(News(self._found))
        threading.Thread(target=self._follow, daemon=True).start()

    def next(self, within: float) -> News | None:
        """The next news; `None` where there is none for so many seconds."""
        try:
            return self._news.get(timeout=max(0.0, within))
        except queue.Empty:
            return None

    def _follow(self) -> None:
        pause = _FIRST
        while True:
            try:
                if not self._until_it_ends():
                    return
                pause = _FIRST
            except ClusterError as error:
                self._news.put(News(self._found, str(error)))
                time.sleep(pause)
                pause = min(2 * pause, _LONGEST)
            except CommandError:  # there is no object of that name any more
                self._news.put(News(None))
                return

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
