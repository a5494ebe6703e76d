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
from mlrollout.ports import Clock, Note, Ref

from .client import AbsentError, Client, Data, ExistsError

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


class Notes:
    """Posts Events; an Event that can't be posted is an error and nothing else."""

    def __init__(self, client: Client, clock: Clock, instance: str) -> None:
        self._client = client
        self._clock = clock
        self._instance = instance
        self._repeats: dict[str, Repeat] = {}

    async def post(self, ref: Ref, uid: str, note: Note) -> None:
        """Create the Event, or count it up.

        Raises:
            ObjectsError: It could not be posted.
        """
        name = event_name(ref, uid, note)
        if note.unique:
            await self._create(ref, self._event(ref, uid, note, name, count=1))
        else:
            await self._repeat(ref, uid, note, name)

    async def _repeat(self, ref: Ref, uid: str, note: Note, name: str) -> None:
        repeat = self._remember(name)
        repeat.waiting += 1
        now = asyncio.get_running_loop().time()
        if now < repeat.sent_at + QUIET:
            return
        repeat.sent_at = now
        sending = repeat.waiting
        event = self._event(ref, uid, note, name, count=sending)
        repeat.count = await self._count_up(ref, event, repeat.count)
        repeat.waiting -= sending

    async def _count_up(self, ref: Ref, event: Data, known: int) -> int:
        """Create the Event or add its count to the one that stands; answers with the sum."""
        sending = int(event["count"])
        if not known:
            if await self._create(ref, event):
                return sending
            # An empty patch reads it: the operator may patch Events, not get them.
            known = int((await self._patch(ref, event, {})).get("count") or 1)
        newest = {"count": known + sending, "lastTimestamp": event["lastTimestamp"], "message": event["message"]}
        try:
            await self._patch(ref, event, newest)
        except AbsentError:  # Events live for an hour
            await self._create(ref, event)
            return sending
        return known + sending

    async def _create(self, ref: Ref, event: Data) -> bool:
        what = f"post the Event {event['reason']} about {ref}"
        try:
            await self._client.ask(what, "POST", _EVENTS, event, namespace=ref.namespace)
        except ExistsError:
            return False
        return True

    async def _patch(self, ref: Ref, event: Data, patch: Data) -> Data:
        what = f"count up the Event {event['reason']} about {ref}"
        name = event["metadata"]["name"]
        return await self._client.ask(what, "PATCH", _EVENT, patch, namespace=ref.namespace, name=name)

    def _remember(self, name: str) -> Repeat:
        repeat = self._repeats.pop(name, None) or Repeat()
        self._repeats[name] = repeat
        if len(self._repeats) > _REMEMBERED:
            del self._repeats[next(iter(self._repeats))]
        return repeat

    def _event(self, ref: Ref, uid: str, note: Note, name: str, count: int) -> Data:
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
            "type": "Warning" if note.warning else "Normal",
            "reason": note.reason,
            "message": cut(note.message),
            "count": count,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "source": {"component": _COMPONENT},
            "reportingComponent": _COMPONENT,
            "reportingInstance": self._instance,
        }


def event_name(ref: Ref, uid: str, note: Note) -> str:
    """The same for what is the same Event: of a repeating one the numbers in its message may differ."""
    same = note.unique or without_numbers(note.message)
    about = "\0".join((uid, note.reason, "once" if note.unique else "again", same))
    return f"{ref.name[:200].rstrip('-.')}.{hashlib.sha256(about.encode()).hexdigest()[:16]}"


def cut(message: str) -> str:
    """The message, shortened where it is too long for an Event."""
    if len(message.encode()) <= _LONGEST:
        return message
    return message.encode()[: _LONGEST - 3].decode(errors="ignore") + "…"
