"""Whether everything agrees and nothing is left to do: what a world comes to when all is calm."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mlrollout.api import GROUP
from mlrollout.api.duration import parse
from mlrollout.api.status import RecordStatus
from mlrollout.domain.record import Record
from mlrollout.domain.request import Verb
from mlrollout.ports import Ref

from .clients import Client
from .history import Instance, Issued, Stored
from .model import harmless

if TYPE_CHECKING:
    from .world import World

_REST = frozenset({"Completed", "AwaitingApproval", "Paused", "KeyConflict", "InvalidSpec", "InvalidQuery"})
"""Reasons of the condition `Ready` under which nothing moves until a person does something."""
_UNHEALTHY = frozenset({"GuardrailsUnhealthy", "AwaitingRequirements"})
"""Likewise, as long as the model is as it is."""


def open_ends(world: "World") -> list[str]:
    """What does not agree yet, or is still under way; for people. Objects that are sick on purpose are left out."""
    return [text for ref in world.api.objects if ref.name != "sick" for text in _of_object(world, ref)]


def _of_object(world: "World", ref: Ref) -> Iterator[str]:
    found = world.api.objects[ref]
    status = found.get("status", {})
    if "deletionTimestamp" in found["metadata"]:
        yield f"{ref} is still being deleted"
    annotations = set(found["metadata"].get("annotations", ()))
    if "record" not in status and _may_not_begin(world, found):
        annotations.discard(f"{GROUP}/{Verb.ROLLBACK}")  # it keeps the object from beginning, whenever that would be
    elif "record" not in status:
        yield f"{ref} has no record in its status"
    if annotations:
        yield f"{ref} still has the annotations {str(found['metadata']['annotations'])[:200]}"
    if "record" not in status:
        return
    if status["observedGeneration"] != found["metadata"]["generation"]:
        yield f"{ref}: the status is about another generation"
    if not _waits_with_its_raise(world, ref, found):
        record = Record(**dict(RecordStatus(**status["record"])))
        yield from _agreement(world, found["spec"]["traffic"]["key"], record)
    yield from _movement(world, ref, found)
    yield from _named(world, ref, found)


def _named(world: "World", ref: Ref, found: Mapping[str, Any]) -> Iterator[str]:
    """Whether what its source names last is rolled out, or waits for a person, and it knows of what is complete."""
    status = found["status"]
    names = world.registries[ref.name].names[-1] if ref.name in world.registries else status["revision"]
    if names not in (status["revision"], status.get("waiting", {}).get("revision")):
        yield f"{ref} is at {status['revision']}, and {names} is named"
    progress = status["progress"]
    if (
        "mlflow" in found["spec"].get("revisionFrom", {})
        and progress.get("completed")
        and not progress.get("announced")
    ):
        yield f"{ref} is complete, and its registry does not know"


def _may_not_begin(world: "World", found: Mapping[str, Any]) -> bool:
    """Whether its key holds what may be another program's: it begins once a person has changed that, as documented."""
    conditions = found.get("status", {}).get("conditions", ())
    refused = any(one["type"] == "Ready" and one["reason"] == "KeyRefused" for one in conditions)
    traffic = world.redis("redis").read(found["spec"]["traffic"]["key"])
    return refused and traffic.record is None and traffic.key is not None and traffic.percentage is None


def _agreement(world: "World", key: str, record: Record) -> Iterator[str]:
    traffic = world.redis("redis").read(key)
    if traffic.record != record:
        yield f"{key}: Redis holds {traffic.record} and the status {record}"
    if traffic.key != str(record.percentage):
        yield f"{key}: the key is {traffic.key!r} and the status {record.percentage} %"
    for client in world.clients:
        if client.key == key and client.percentage != record.percentage and not _saw_what_was_lost(world, client):
            yield f"{key}: client {client.name} serves {client.percentage} % and the status says {record.percentage} %"


def _saw_what_was_lost(world: "World", client: Client) -> bool:
    """Whether it alone remembers a way down: Redis lost it before anybody had saved it, and whoever made it is gone.

    Its application gives nobody more until a later record, or after a rollback until the next attempt: documented.
    """
    seen = client.record
    lost = any(step.act in ("fail_over", "flush") for step in world.plan.steps)
    if not lost or seen is None:
        return False
    mark = seen.owner, *_mark(seen)
    saved = (RecordStatus(**entry.object["status"]["record"]) for entry in world.history.of(Stored) if _begun(entry))
    if any(_mark(one) == mark[1:] for one in saved):
        return False
    writers = {
        entry.by for entry in world.history.of(Issued) if (entry.write.record.owner, *_mark(entry.write.record)) == mark
    }
    return writers <= {entry.by for entry in world.history.of(Instance) if entry.what == "crashes"}


def _begun(entry: Stored) -> bool:
    return "record" in entry.object.get("status", {})


def _mark(record: Record | RecordStatus) -> tuple[int, ...]:
    """What tells a way down from others: a rollback ends an attempt, whoever brings it about."""
    return (record.attempt,) if record.latched else (record.attempt, record.sequence, record.percentage)


def _waits_with_its_raise(world: "World", ref: Ref, found: Mapping[str, Any]) -> bool:
    """Whether it is held between the decision to raise and the raise: then Redis is behind on purpose."""
    conditions: Mapping[str, Mapping[str, str]] = {one["type"]: one for one in found["status"]["conditions"]}
    reason = conditions["Ready"]["reason"]
    held = reason == "Paused" or (reason in _UNHEALTHY and _harmful(world, ref, found))
    return held and conditions["TrafficApplied"]["status"] == "False"


def _harmful(world: "World", ref: Ref, found: Mapping[str, Any]) -> bool:
    """Whether a guardrail may rightly hold it. What is evidence against a split stays so for the attempt, be it mended.

    And by a clock that is wrong, what users did at one percentage is taken for what they do at another.
    """
    broken = bool(world.prometheus.app(ref.name).weather.broken_splits)
    skewed = any(step.act == "skew" for step in world.plan.steps)
    split = any("balance" in one for one in found["spec"]["guardrails"])
    return not harmless(found["status"]["record"].get("revision", "")) or broken or (skewed and split)


def _movement(world: "World", ref: Ref, found: Mapping[str, Any]) -> Iterator[str]:
    conditions = {one["type"]: one for one in found["status"]["conditions"]}
    ready = conditions["Ready"]
    latched = found["status"]["record"].get("latched", False)
    at_rest = latched or ready["reason"] in _REST or _waits_with_its_raise(world, ref, found)
    at_rest |= ready["reason"] == "GuardrailsUnknown" and comes_and_goes(world, found["spec"])
    if not (at_rest or (ready["reason"] in _UNHEALTHY and _harmful(world, ref, found))):
        yield f"{ref} is still on its way: {ready['reason']}: {ready['message']}"


def comes_and_goes(world: "World", spec: Mapping[str, Any]) -> bool:
    """Whether verdicts change with the looks, and an Event says that the clocks are apart.

    By a clock that is ahead by more than a guardrail's `maxAge`, its samples are too old until the next ones have come.
    """
    ahead = sum(abs(float(str(step.value))) for step in world.plan.steps if step.act == "skew")
    return any(parse(one.get("maxAge", "2m")) < ahead for one in spec["guardrails"] if "query" not in one)
