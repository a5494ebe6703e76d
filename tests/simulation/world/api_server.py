"""The API server of a simulated world: every version there ever was, and who wrote it."""

from collections.abc import Callable, Mapping
from typing import Any

from mlrollout.ports import EventToPost, Object, Ref

from tests.support import api_server

from .history import History, Posted, Removed, Stored


class ApiServer(api_server.ApiServer):
    """Writes its changes into the history.

    Args:
        history: Where changes are recorded.
        true_time: Seconds of the world's own time.
        wall_clock: Seconds since the epoch.
    """

    def __init__(self, history: History, true_time: Callable[[], float], wall_clock: Callable[[], float]) -> None:
        super().__init__(wall_clock)
        self.versions: dict[str, Object] = {}
        """Every version there ever was, by its resourceVersion."""
        self._history = history
        self._true_time = true_time
        self._events: set[tuple[str, str, str]] = set()

    def post_event(self, by: str, ref: Ref, uid: str, event: EventToPost) -> None:
        """Create an Event; one that is the only one of its kind is created once."""
        if event.unique:
            name = (uid, event.reason, event.unique)
            if name in self._events:
                return
            self._events.add(name)
        self._history.append(Posted(self._true_time(), by, ref, uid, event))

    def stored(self, by: str, ref: Ref, what: str, before: Object, after: Object) -> None:
        self.versions[after["metadata"]["resourceVersion"]] = after
        if what == "status" and _essence(before.get("status", {})) == _essence(after["status"]):
            what = "checkpoint"
        self._history.append(Stored(self._true_time(), by, ref, what, after))

    def removed(self, ref: Ref, uid: str) -> None:
        self._history.append(Removed(self._true_time(), ref, uid))


def _essence(status: Mapping[str, Any]) -> dict[str, Any]:
    """A status without what may be written again and again: healthy time, values and messages.

    It holds more than what the operator writes a status for, which is `domain.saving`: were the two one, nobody would
    see a status that is written again and again for the rest.
    """
    bare = dict(status)
    bare["progress"] = {name: value for name, value in status.get("progress", {}).items() if name != "healthySeconds"}
    bare["guardrails"] = [(one["name"], one["finding"]) for one in status.get("guardrails", ())]
    bare["conditions"] = [(one["type"], one["status"], one["reason"]) for one in status.get("conditions", ())]
    return bare
