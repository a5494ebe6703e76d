"""Telling whoever asks `kubectl describe` or `kubectl get events`."""

import asyncio
from collections.abc import Collection

import structlog

from mlrollout.domain.decision import Alert
from mlrollout.domain.state import Transition
from mlrollout.ports import EventToPost, GoneError, Objects, ObjectsError
from mlrollout.runtime.delivery import Delivery
from mlrollout.runtime.metrics import OperatorMetrics
from mlrollout.runtime.telling import Sink, before_lately
from mlrollout.runtime.tracked import Source, TrackedObject

log = structlog.get_logger(__name__)

_AT_ONCE = 8


class EventsSink(Sink):
    """Posts Kubernetes Events. The API server keeps one of each transition, however many processes post it."""

    name = "events"

    def __init__(self, objects: Objects, metrics: OperatorMetrics) -> None:
        self._objects = objects
        self._metrics = metrics
        self._delivery = Delivery(self._post, at_once=_AT_ONCE)

    def told_before(self, tracked: TrackedObject, now: float) -> int:
        """What may not have been posted is posted again: the API server takes it for the same."""
        return before_lately(tracked, now)

    def transition(self, tracked: TrackedObject, transition: Transition) -> None:
        """Post it once."""
        unique = f"{transition.serial}-{round(transition.at * 1000)}"
        self._delivery.add(
            tracked, EventToPost(transition.reason, transition.message, warning=transition.warning, unique=unique)
        )

    def alert(self, tracked: TrackedObject, alert: Alert) -> None:
        """Post it once, or have it counted up."""
        event = EventToPost(alert.reason, alert.message, warning=alert.warning, unique=alert.once)
        self._delivery.add(tracked, event)

    def last_word(self, tracked: TrackedObject, alert: Alert) -> None:
        """Post it once."""
        event = EventToPost(alert.reason, alert.message, warning=alert.warning, unique=alert.subject)
        self._delivery.add(tracked, event)

    @property
    def under_way(self) -> Collection[asyncio.Task[None]]:
        """What is being posted."""
        return self._delivery.tasks

    async def _post(self, tracked: TrackedObject, event: EventToPost) -> None:
        try:
            await self._objects.post_event(tracked.ref, tracked.uid, event)
        except ObjectsError as error:
            if isinstance(error, GoneError) and tracked.gone:  # by itself, "not found" may be nonsense
                return
            self._metrics.failed(Source.KUBERNETES, tracked)
            log.warning("Could not post an Event", object=str(tracked.ref), reason=event.reason, error=str(error))
            raise
