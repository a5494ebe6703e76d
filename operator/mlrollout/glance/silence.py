"""Whether the operator has written nothing for longer than one that lives would."""

from collections.abc import Iterator, Mapping
from typing import Any

from mlrollout.api import GROUP

from .fields import Fields

SILENT = 300.0
"""Seconds from when the operator should have written from which nobody is taken to look at a rollout."""
COUNTED_EVERY = 300.0
"""Seconds between two writes for the sake of evidence alone, as `domain/saving.py` has it."""
UNCOUNTED = 3600.0
"""Seconds that a block of evidence may grow while nothing is scraped, as `evidence/checks/block_test.py` has it."""
_FINALIZER = f"{GROUP}/traffic"
_INTERVAL, _MAX_AGE = 15.0, 120.0  # of a guardrail that says nothing else
_BY_SHARE = "balance"
"""The kind of guardrail that counts only while Redis says which share of the users is in treatment."""


def silence(found: Mapping[str, Any], now: float) -> float | None:
    """For how many seconds the operator was not heard of, where that can't be but for its absence; else `None`.

    A status is written only where something in it has changed (`domain/saving.py`), so that its age alone says nothing:
    where no guardrail keeps a checkpoint, it may rest for days under an operator that is well.

    Args:
        found: The object.
        now: When it is looked at, seconds since the epoch.
    """
    whole = Fields(found)
    heard = last_written(whole) or whole.part("metadata").moment("creationTimestamp")
    due = min(_due(whole), default=None)
    return None if heard is None or due is None or now - max(heard, due) <= SILENT else now - heard


def last_written(whole: Fields) -> float | None:
    """When the status was last written; `None` where the object does not say so."""
    return _newest(whole, of_status=True)


def _newest(whole: Fields, *, of_status: bool) -> float | None:
    managed = whole.part("metadata").parts("managedFields")
    found = (one.moment("time") for one in managed if (one.text("subresource") == "status") is of_status)
    return max((at for at in found if at is not None), default=None)


def _due(whole: Fields) -> Iterator[float]:
    """The moments at which an operator that lives writes at the latest, whatever else it does."""
    metadata, status = whole.part("metadata"), whole.part("status")
    deleted = metadata.moment("deletionTimestamp")
    if deleted is not None:
        # It waits a minute for Redis and then lets go; once it has, nothing more of it is to come.
        finalizers = whole.mapping("metadata").get("finalizers")
        if isinstance(finalizers, list) and _FINALIZER in finalizers:
            yield deleted
        return
    yield from _unseen(whole)
    conditions = {one.text("type"): one for one in status.parts("conditions")}
    written = last_written(whole)
    resting = status.part("record").flag("latched") or conditions.get("Stalled", Fields(None)).text("status") == "True"
    if written is None or resting:
        return
    if conditions.get("Ready", Fields(None)).text("reason") == "Progressing":
        # Healthy time goes on with each look, and is saved; once it is served, the next stage is.
        yield written + min(map(_interval, whole.part("spec").parts("guardrails")), default=_INTERVAL)
    known = conditions.get("TrafficApplied", Fields(None)).text("status") == "True"
    yield from (written + seconds for seconds in _counting(whole, known=known))


def _unseen(whole: Fields) -> Iterator[float]:
    """When somebody changed what the operator takes in at once, where it has not: the spec, or that there is one."""
    metadata, status = whole.part("metadata"), whole.part("status")
    ready = [one.text("reason") for one in status.parts("conditions") if one.text("type") == "Ready"]
    created = metadata.moment("creationTimestamp")
    if ready == ["AwaitingOperator"] and created is not None:
        yield created
        return
    changed = _newest(whole, of_status=False)
    if status.whole("observedGeneration") < metadata.whole("generation") and ready and changed is not None:
        yield changed


def _counting(whole: Fields, *, known: bool) -> Iterator[float]:
    """Seconds after its last word by which each guardrail that counts has counted more, which is saved."""
    spec, status = whole.part("spec"), whole.part("status")
    in_stage = status.part("record").text("stage") and status.part("progress").moment("since") is not None
    over = status.part("progress").flag("completed") and spec.text("afterCompletion") == "Stop"
    if not in_stage or over:
        return
    said = {one.text("name"): one for one in status.parts("guardrails")}
    for asked in spec.parts("guardrails"):
        one = said.get(asked.text("name"), Fields(None))
        if "checkpoint" not in one or (_BY_SHARE in asked and not known):
            continue
        # A source that fails, and a breach that is held while it does, leave everything as it is for as long.
        wait = {"Pass": 0.0, "Inconclusive": 0.0, "NoData": UNCOUNTED}.get(one.text("finding"))
        if wait is not None:
            max_age = asked.seconds("maxAge")
            yield COUNTED_EVERY + wait + (_MAX_AGE if max_age is None else max_age) + 2 * _interval(asked)


def _interval(guardrail: Fields) -> float:
    found = guardrail.seconds("interval")
    return _INTERVAL if found is None else found
