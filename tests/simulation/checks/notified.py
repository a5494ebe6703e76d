"""What receivers of notifications hear: each piece of news at least once, in order, under one id; and nothing else."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mlrollout.api.moment import parse

from tests.simulation.world.history import Arrived, Entry, Instance, Posted, Removed, Stored
from tests.simulation.world.receivers import TOPICS
from tests.simulation.world.world import World

from .violation import Violation

_HAPPENED: Mapping[str, str] = {
    "AttemptStarted": "AttemptStarted",
    "StageAdvanced": "StageAdvanced",
    "Completed": "Completed",
    "GuardrailBreached": "RolledBack",
    "EvidenceMissing": "RolledBack",
    "InvalidSpec": "RolledBack",
    "ManualRollback": "StoppedByHand",
    "EmergencyStop": "StoppedByHand",
    "Demoted": "StoppedByHand",
    "Paused": "StoppedByHand",
    "RecordAdopted": "Alert",
    "TrafficLost": "Alert",
    "TrafficRestored": "Alert",
}
"""The topic of each transition that is news; a rollback has its cause's."""
_GOES_ON: Mapping[str, str] = {"AwaitingApproval": "AwaitingApproval", "TrafficUnconfirmed": "TrafficUnconfirmed"}
"""The topic of what goes on; all else is an alert."""

Place = tuple[int, int]
"""Where a piece of news stands among all about an object: the serial, and what goes on after it."""


@dataclass(slots=True)
class News:
    """What was saved of one object: for each place its id and its topic."""

    saved: dict[Place, tuple[str, str]] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)

    def take(self, uid: str, status: Mapping[str, Any]) -> None:
        """Take in a version of its status."""
        history = status.get("history", ())
        for before, one in zip((None, *history), history, strict=False):
            topic = _topic(before, one)
            if topic:
                self._add(uid, (one["serial"], 0), topic, f"{one['serial']}-{_mark(one['at'])}")
        for one in history:
            cause = next((each for each in history if each["serial"] == one["serial"] - 1), None)
            if one["reason"] == "RolledBack" and cause is not None and cause["reason"] in _HAPPENED:
                self.saved.pop((cause["serial"], 0), None)  # the two are one piece of news
        for one in status.get("ongoing", ()):
            topic = _GOES_ON.get(one["reason"], "Alert")
            mark = f"ongoing-{one['number']}-{_mark(one['since'])}"
            self._add(uid, (one.get("after", 0), one["number"]), topic, mark)

    def _add(self, uid: str, place: Place, topic: str, mark: str) -> None:
        self.saved[place] = f"{uid}.{mark}", topic
        self.places[f"{uid}.{mark}"] = place


def _topic(before: Mapping[str, Any] | None, one: Mapping[str, Any]) -> str:
    if one["reason"] != "RolledBack":
        return _HAPPENED.get(one["reason"], "")
    return "RolledBack" if before is None else _HAPPENED.get(before["reason"], "RolledBack")


def _mark(moment: str) -> int:
    return round(parse(moment) * 1000)


def receivers_are_told(world: World) -> Iterator[Violation]:
    """Every receiver hears each piece of news at least once, in its order, under one id, and nothing that is none."""
    news: defaultdict[str, News] = defaultdict(News)
    heard: defaultdict[tuple[str, str], list[Place]] = defaultdict(list)
    dropped: defaultdict[tuple[str, str], int] = defaultdict(int)
    left = (entry.uid for entry in world.history.of(Posted) if entry.event.reason == "TrafficNotZeroed")
    last_words = {f"{uid}.last-word" for uid in left}
    crashed = {entry.by for entry in world.history.of(Instance) if entry.what == "crashes"}
    for entry in world.history:
        if isinstance(entry, Stored):
            news[entry.uid].take(entry.uid, entry.object.get("status", {}))
        elif isinstance(entry, Arrived):
            place = news[entry.uid].places.get(entry.id)
            if entry.id in last_words:
                continue
            if entry.id == f"{entry.uid}.last-word" and entry.by in crashed:
                continue  # its Event may have waited for the API server, and gone with it
            if place is None:
                yield Violation(entry.at, f"{entry.by} tells {entry.receiver} {entry.id}, which no status ever held")
                return
            yield from _out_of_order(entry, place, heard[entry.receiver, entry.uid])
            dropped[entry.receiver, entry.uid] += entry.dropped
    gone = {entry.uid for entry in world.history.of(Removed)}
    for receiver, topics in TOPICS.items() if world.plan.notifies else ():
        for uid in news.keys() - gone:
            told = set(heard[receiver, uid])
            wanted = {place for place, (_, topic) in news[uid].saved.items() if not topics or topic in topics}
            if len(wanted - told) > dropped[receiver, uid]:
                missing = ", ".join(news[uid].saved[place][0] for place in sorted(wanted - told))
                yield Violation(world.now(), f"{receiver} is never told {missing}")


def _out_of_order(entry: Arrived, place: Place, heard: list[Place]) -> Iterator[Violation]:
    if place not in heard:
        if heard and place < max(heard):
            yield Violation(entry.at, f"{entry.receiver} is told {entry.id} after what came after it")
        heard.append(place)


def told_to(history: Sequence[Entry], receiver: str) -> list[str]:
    """The ids that a receiver was told, as they arrived."""
    return [one.id for one in history if isinstance(one, Arrived) and one.receiver == receiver]
