"""Kubernetes Events about objects.

Names are made of what an Event is about, so a transition's Event is created once however often and
by however many operators it is sent, and a repeating one is found again and counted up, also
after a restart. No right to read Events is needed.
"""

import asyncio
import hashlib
import math
from dataclasses import dataclass

from mlrollout.api import GROUP, KIND, VERSION, moment
from mlrollout.domain.wording import without_numbers
from mlrollout.ports import AbsentError, Clock, EventToPost, ExistsError, Ref

from .client import Client, Data

QUIET = 10.0
"""Seconds for which repetitions of an Event are held back after one was sent; the next one counts them in."""

_EVENTS = "/api/v1/namespaces/{namespace}/events"
_EVENT = f"{_EVENTS}/{{name}}"
_COMPONENT = "mlrollout"
_LONGEST = 1024  # bytes of a message that every version of the Events API takes
_REMEMBERED = 5000  # repeating Events; one that was forgotten costs two more requests


@dataclass(slots=True)
class Repeat:
    """A repeating Event.

    Attributes:
        waiting: How often it has happened since it was last sent.
        count: The count that stands in the cluster; 0 where that is not known.
        sent_at: When it was last sent, by the loop's clock.
    """

    waiting: int = 0
    count: int = 0
    sent_at: float = -math.inf


class EventPoster:
    """Posts Events; an Event that can't be posted is an error and nothing else."""

    def __init__(self, client: Client, clock: Clock, instance: str) -> None:
        self._client = client
        self._clock = clock
        self._instance = instance
        self._repeats: dict[str, Repeat] = {}

    async def post(self, ref: Ref, uid: str, event: EventToPost) -> None:
        """Create the Event, or count it up.

        Raises:
            ObjectsError: It could not be posted.
        """
        name = event_name(ref, uid, event)
        if event.unique:
            await self._create(ref, self._body(ref, uid, event, name, count=1))
        else:
            await self._repeat(ref, uid, event, name)

    async def _repeat(self, ref: Ref, uid: str, event: EventToPost, name: str) -> None:
        repeat = self._remember(name)
        repeat.waiting += 1
        now = asyncio.get_running_loop().time()
        if now < repeat.sent_at + QUIET:
            return
        before, repeat.sent_at = repeat.sent_at, now
        sending = repeat.waiting
        body = self._body(ref, uid, event, name, count=sending)
        try:
            repeat.count = await self._count_up(ref, body, repeat.count)
        except BaseException:
            # Whoever sends it again would be told that it was sent a moment ago, and people would see nothing of it.
            repeat.sent_at = before
            repeat.waiting -= 1
            raise
        repeat.waiting -= sending

    async def _count_up(self, ref: Ref, body: Data, known: int) -> int:
        """Create the Event or add its count to the one that stands; answers with the sum."""
        sending = int(body["count"])
        if not known:
            if await self._create(ref, body):
                return sending
            # An empty patch reads it: the operator may patch Events, not get them.
            known = int((await self._patch(ref, body, {})).get("count") or 1)
        newest = {"count": known + sending, "lastTimestamp": body["lastTimestamp"], "message": body["message"]}
        try:
            await self._patch(ref, body, newest)
        except AbsentError:  # Events live for an hour
            await self._create(ref, body)
            return sending
        return known + sending

    async def _create(self, ref: Ref, body: Data) -> bool:
        what = f"post the Event {body['reason']} about {ref}"
        try:
            await self._client.ask(what, "POST", _EVENTS, body, namespace=ref.namespace)
        except ExistsError:
            return False
        return True

    async def _patch(self, ref: Ref, body: Data, patch: Data) -> Data:
        what = f"count up the Event {body['reason']} about {ref}"
        name = body["metadata"]["name"]
        return await self._client.ask(what, "PATCH", _EVENT, patch, namespace=ref.namespace, name=name)

    def _remember(self, name: str) -> Repeat:
        repeat = self._repeats.pop(name, None) or Repeat()
        self._repeats[name] = repeat
        if len(self._repeats) > _REMEMBERED:
            del self._repeats[next(iter(self._repeats))]
        return repeat

    def _body(self, ref: Ref, uid: str, event: EventToPost, name: str, count: int) -> Data:
        now = moment.render(self._clock.now())
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": ref.namespace},
            "involvedObject": {
                "apiVersion": f"{GROUP}/{VERSION}",
                "kind": KIND,
                "namespace": ref.namespace,
                "name": ref.name,
                "uid": uid,
            },
            "type": "Warning" if event.warning else "Normal",
            "reason": event.reason,
            "message": cut(event.message),
            "count": count,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "source": {"component": _COMPONENT},
            "reportingComponent": _COMPONENT,
            "reportingInstance": self._instance,
        }


def event_name(ref: Ref, uid: str, event: EventToPost) -> str:
    """The same for what is the same Event: of a repeating one the numbers in its message may differ."""
    same = event.unique or without_numbers(event.message)
    about = "\0".join((uid, event.reason, "once" if event.unique else "again", same))
    return f"{ref.name[:200].rstrip('-.')}.{hashlib.sha256(about.encode()).hexdigest()[:16]}"


def cut(message: str) -> str:
    """The message, shortened where it is too long for an Event."""
    if len(message.encode()) <= _LONGEST:
        return message
    return message.encode()[: _LONGEST - 3].decode(errors="ignore") + "…"
