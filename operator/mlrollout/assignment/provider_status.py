"""The status of a provider, from those of its rollouts; OpenFeature gets an event when it changes."""

import threading
from collections.abc import Callable, Mapping
from functools import partial

from openfeature.event import ProviderEvent, ProviderEventDetails
from openfeature.exception import ErrorCode
from openfeature.provider import ProviderStatus

from .flag import Flag
from .rollout import Rollout
from .state import State
from .view import Reason

_EVENTS = {
    ProviderStatus.READY: ProviderEvent.PROVIDER_READY,
    ProviderStatus.STALE: ProviderEvent.PROVIDER_STALE,
    ProviderStatus.NOT_READY: ProviderEvent.PROVIDER_ERROR,
}
_UNKNOWN = {Reason.NOT_READY, Reason.STALE}


class ProviderStatusTracker:
    """Ready where every rollout is known and fresh; stale where one is too old; not ready where one is unknown.

    Args:
        flags: The flags of the provider.
        emit: Called with each event, in the thread that follows Redis, one at a time. It must not wait.
    """

    def __init__(self, flags: Mapping[str, Flag], emit: Callable[[ProviderEvent, ProviderEventDetails], None]) -> None:
        self._emit = emit
        self._keys: dict[Rollout, list[str]] = {}
        for key, flag in flags.items():
            self._keys.setdefault(flag.rollout, []).append(key)
        self._telling = threading.Lock()
        self._reasons: dict[Rollout, Reason] = {}
        self._status = ProviderStatus.NOT_READY
        self._ends: list[Callable[[], None]] = []

    def begin(self) -> list[str]:
        """Emit events from now on.

        Returns:
            The keys of the flags that are not known, or not any more; none where all is ready.
        """
        with self._telling:
            self._forget()
            for rollout in self._keys:
                self._ends.append(rollout.on_change(partial(self._see, rollout)))
                self._reasons[rollout] = rollout.state.reason
            self._status = self._together()
            return [key for rollout, keys in self._keys.items() if self._reasons[rollout] in _UNKNOWN for key in keys]

    def end(self) -> None:
        """Emit no more events."""
        with self._telling:
            self._forget()

    def _forget(self) -> None:
        while self._ends:
            self._ends.pop()()

    def _see(self, rollout: Rollout, state: State) -> None:
        with self._telling:
            self._reasons[rollout] = state.reason
            before, self._status = self._status, self._together()
            keys, message = self._keys[rollout], f"{state.percentage} % in treatment: {state.reason}"
            if self._status is not before:
                error = ErrorCode.PROVIDER_NOT_READY if self._status is ProviderStatus.NOT_READY else None
                self._emit(_EVENTS[self._status], ProviderEventDetails(keys, message, error))
            self._emit(ProviderEvent.PROVIDER_CONFIGURATION_CHANGED, ProviderEventDetails(keys, message))

    def _together(self) -> ProviderStatus:
        reasons = set(self._reasons.values())
        if Reason.NOT_READY in reasons:
            return ProviderStatus.NOT_READY
        return ProviderStatus.STALE if Reason.STALE in reasons else ProviderStatus.READY
