"""What a client does, step by step: cases for each rule of docs/redis-contract.md, and some that chance made."""

import random
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mlrollout.assignment.bucket import group
from mlrollout.assignment.special import Special
from mlrollout.assignment.view import TrafficView
from mlrollout.domain.record import Record, UnreadableRecordError, decode, encode
from mlrollout.domain.traffic import Traffic

from docs.vectors.damage import DAMAGED, KEYS, READABLE, SIZES
from docs.vectors.rules import FULL, RULES, THIRTY, Push, Read, Step, at

HOLDBACKS: Mapping[str, int] = {"a": 0, "b": 5, "c": 20, "": 50}
"""What each owner's records hold back, in the cases that chance made."""
CLUSTERS: Mapping[str, str] = {"a": "here", "b": "there", "c": "", "": "here"}
"""Likewise, in which cluster each owner is; all have one name."""
KEY, STAFF = "ml_dispatch:rollout_percentage", "kim"
"""The rollout, and the user who is on its list of staff."""
RANDOM = 250
"""How many cases are left to chance."""


def clients() -> Iterator[Mapping[str, Any]]:
    """The cases of clients.jsonl."""
    for name, steps in (*RULES.items(), *_keys(), *_damaged(), *_readable(), *_sizes(), *_random()):
        yield {"case": name, "steps": list(_told(steps))}


def _keys() -> Iterator[tuple[str, Iterable[Step]]]:
    for key in KEYS:
        yield f"the key {key!a}", (Read(key, encode(FULL)), at(FULL, "50"), Read(key, encode(FULL)))


def _damaged() -> Iterator[tuple[str, Iterable[Step]]]:
    for name, text in DAMAGED.items():
        yield f"unreadable: {name}", (Read("30", text), at(THIRTY), Push(text), Read("30", text), at(THIRTY))


def _readable() -> Iterator[tuple[str, Iterable[Step]]]:
    for name, text in READABLE.items():
        yield f"readable: {name}", (at(FULL), Push(text), Read("100", text), at(FULL))


def _sizes() -> Iterator[tuple[str, Iterable[Step]]]:
    for name, text in SIZES.items():
        yield name, (at(FULL), Push(text), Read("100", text))


def _random() -> Iterator[tuple[str, Iterable[Step]]]:
    dice = random.Random(2026)
    for number in range(RANDOM):
        second = 0.0
        yield (
            f"random {number}",
            [_step(dice, second := second + dice.choice((0, 2, 5))) for _ in range(dice.randint(4, 14))],
        )


def _step(dice: random.Random, second: float) -> Step:
    """Records from so small a world that they often meet their equals; now and then something broken."""
    latched = dice.random() < 0.2
    percentage = 0 if latched else dice.choice((0, 10, 30, 100))
    owner, revision = dice.choice(("a", "a", "b", "b", "c", "")), dice.choice(("1", "1", "1", "2"))
    record = Record(
        dice.choice((1, 2, 3, (5 << 16) + 1, (6 << 16) + 1)) if dice.random() < 0.3 else 1,
        latched=latched,
        sequence=dice.randint(0, 4),
        percentage=percentage,
        owner=owner,
        revision=revision,
        holdback=HOLDBACKS[owner],
        cluster=CLUSTERS[owner],
    )
    text = dice.choice(list(DAMAGED.values())) if dice.random() < 0.05 else encode(record)
    if dice.random() < 0.5:
        return Push(text)
    at_record = str(percentage)
    key = dice.choice((at_record, at_record, at_record, "0", "5", "30", "100", "1000", None))
    return Read(key, None if dice.random() < 0.05 else text, second)


def _told(steps: Iterable[Step]) -> Iterator[Mapping[str, Any]]:
    """Each step with what comes of it."""
    view = TrafficView()
    for step in steps:
        if isinstance(step, Read):
            view = view.read(Traffic.parse(_bytes(step.key), _bytes(step.record)), step.at)
            yield {"read": {"key": step.key, "record": step.record, "at": step.at}, **_standing(view)}
        else:
            view, asks = _heard(view, step.text)
            yield {"push": step.text, "reads_again": asks, **_standing(view)}


def _standing(view: TrafficView) -> Mapping[str, Any]:
    owner = view.record.owner if view.record else None
    staff = Special(staff=frozenset({STAFF})).under(view, runs_another=False)
    treated = staff is not None and STAFF in staff.staff
    of_staff = "treatment" if treated else group(KEY, STAFF, view.percentage, view.holdback)
    return {"percentage": view.percentage, "holdback": view.holdback, "owner": owner, "staff": of_staff}


def _heard(view: TrafficView, text: str) -> tuple[TrafficView, bool]:
    """The view after a push, and whether only a read can tell more."""
    try:
        record = decode(text)
    except UnreadableRecordError:
        return view, True
    return view.push(record), view.wants_read(record)


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else text.encode()
