"""One object, followed: how it is now, and whenever it changes, also over a connection that breaks off."""

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Self

from mlrollout.api import moment
from mlrollout.api.duration import brief
from mlrollout.cli.ending import CommandError

from .api import ClusterError, Data
from .rollouts import ClusterRollouts, NoSuchRolloutError

_FIRST, _LONGEST = 1.0, 10.0
"""Seconds to the next try where the cluster fails, at first and at most."""
_REFUSED_FOR = 600.0
"""Seconds after which a login that is refused is waited for no more: an outage ends by itself, and that does not."""
_REFUSALS = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_BRIEF = 2
"""How many times in a row it can't be seen before that is told: a stream that breaks off once is begun anew."""


@dataclass(frozen=True, slots=True)
class News:
    """What is known now.

    Attributes:
        found: The object; `None` where it is gone.
        trouble: Why nothing newer can be known; empty where it can.
    """

    found: Data | None
    trouble: str = ""


class Sight:
    """Tells when an object can't be seen any more, and when it can again: silence must not pass for calm.

    Args:
        tell: Writes a line.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._failed = 0

    def take_in(self, news: News, now: float) -> None:
        """Tell what has changed by these news, at a time in seconds since the epoch."""
        if news.trouble:
            self._failed += 1
            if self._failed == _BRIEF:
                self._tell(f"{moment.to_second(now)}  it can't be seen now, whatever happens to it: {news.trouble}")
            return
        if self._failed >= _BRIEF:
            self._tell(f"{moment.to_second(now)}  it can be seen again")
        self._failed = 0


class Follower:
    """Follows an object in a thread of its own, so that whoever waits for news can be interrupted.

    Args:
        cluster: Where it is.
        name: What it is called.
        found: The object, where it was read or changed a moment ago; it is read at the begin if left out.

    Raises:
        CommandError: There is no such object, or it can't be read, at the begin. Later that is news, unless it is a
            login that is refused for long.
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
        pause, refused = _FIRST, None
        while not self._over.is_set():
            began = time.monotonic()
            try:
                if not self._until_it_ends():
                    return
                pause, refused = _FIRST, None
            except NoSuchRolloutError:
                self._news.put(News(None))
                return
            except CommandError as error:  # also a login that can't be renewed: nothing of that says that it is gone
                self._news.put(News(self._found, str(error)))
                refused = (began if refused is None else refused) if _is_refusal(error) else None
                if refused is not None and began - refused >= _REFUSED_FOR:
                    told = f"{error}. It was refused for {brief(began - refused)}"
                    raise ClusterError(told, HTTPStatus.UNAUTHORIZED) from None
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


def _is_refusal(error: CommandError) -> bool:
    """Whether the cluster can be worked with no more until a person does something: the login does not work."""
    return error.status in _REFUSALS if isinstance(error, ClusterError) else True
