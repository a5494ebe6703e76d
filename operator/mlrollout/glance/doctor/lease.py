"""Whether an operator runs, by the Lease that its leader renews every second."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlrollout.api.duration import brief
from mlrollout.api.lease import OF_ALL
from mlrollout.glance.fields import Fields

from .diagnosis import Diagnosis, DiagnosisLevel, ok

ABOUT = "operator"
_ROUGH = 2.0
"""Seconds by which a time of the API server may be off: its answers tell whole seconds."""
_START = "see its pod and its log: kubectl get pods -A -l app.kubernetes.io/part-of=mlrollout"


@dataclass(frozen=True, slots=True)
class LeaseGlance:
    """A Lease of operators.

    Attributes:
        namespace: Where it is.
        name: What it is called.
        holder: Who leads; empty for nobody.
        duration: Seconds of silence after which another may lead.
        acquired: When the holder began to lead, by the holder's clock.
        renewed: When it last said that it lives, by its clock.
        saved: The same by the API server's clock, to the second.
    """

    namespace: str
    name: str
    holder: str
    duration: float
    acquired: float | None
    renewed: float | None
    saved: float | None

    @property
    def watched(self) -> str:
        """The namespace that the operators of it look after; empty for all."""
        return self.name.removeprefix(OF_ALL).removeprefix("-")

    @property
    def last(self) -> float | None:
        """When the holder last said that it lives, by the best clock there is."""
        return self.renewed if self.saved is None else self.saved

    @property
    def ahead(self) -> float | None:
        """Seconds by which the holder's clock is ahead of the API server's; `None` if unknown."""
        return None if self.saved is None or self.renewed is None else self.renewed - self.saved

    def lives(self, now: float) -> bool:
        """Whether somebody leads at this time by the API server's clock."""
        return bool(self.holder) and self.last is not None and now - self.last <= self.duration + _ROUGH

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


def lease(found: Mapping[str, Any]) -> LeaseGlance:
    """What a Lease tells."""
    metadata, spec = Fields(found).part("metadata"), Fields(found).part("spec")
    written = [one.moment("time") for one in metadata.parts("managedFields")]
    return LeaseGlance(
        namespace=metadata.text("namespace"),
        name=metadata.text("name"),
        holder=spec.text("holderIdentity"),
        duration=spec.number("leaseDurationSeconds") or 0.0,
        acquired=spec.moment("acquireTime"),
        renewed=spec.moment("renewTime"),
        saved=max((at for at in written if at is not None), default=None),
    )


def operators(
    leases: Sequence[LeaseGlance], now: float, spaces: Collection[str], lives: str = ""
) -> Sequence[Diagnosis]:
    """Whether one runs for all namespaces, or else for each that has objects.

    Args:
        leases: Every Lease of operators.
        now: By the API server's clock.
        spaces: The namespaces that have objects: that nobody looks after another is no fault.
        lives: The one namespace that Leases were looked for in; empty for all.
    """
    alive = {one.watched for one in leases if one.lives(now)}
    if not alive or "" in alive:
        return (operator(leases, now, "", lives),)
    return [
        operator([one for one in leases if one.watched in ("", space)], now, space, lives)
        for space in sorted(alive.union(spaces))
    ]


def operator(leases: Sequence[LeaseGlance], now: float, space: str, lives: str = "") -> Diagnosis:
    """Whether one runs.

    Args:
        leases: Every Lease of operators that look after the namespace in question.
        now: By the API server's clock.
        space: That namespace; empty for all.
        lives: The one namespace that Leases were looked for in; empty for all.
    """
    alive = [one for one in leases if one.lives(now)]
    if len(alive) > 1:
        told = f"{len(alive)} installations look after the same objects, by the Leases {' and '.join(map(str, alive))}"
        return Diagnosis(ABOUT, DiagnosisLevel.WARNING, told, "keep one: see watchNamespace in the chart")
    if alive:
        (one,) = alive
        since = "" if one.acquired is None else f" since {brief(max(0.0, now - one.acquired + (one.ahead or 0.0)))}"
        return ok(ABOUT, f"{one.holder} leads{since} by the Lease {one}, and renewed it {_ago(one, now)}")
    if not leases:
        return _none(f"the namespace {space}" if space else "any namespace", lives)
    newest = max(leases, key=lambda one: one.last or 0.0)
    who = f"{newest.holder}, which led, has not renewed it" if newest.holder else "its last leader has given it up"
    told = f"none runs: by the Lease {newest}, {who}; the last word came {_ago(newest, now)}"
    return Diagnosis(ABOUT, DiagnosisLevel.FAILED, told, _START)


def _none(whom: str, lives: str) -> Diagnosis:
    """That there is no Lease; where it was looked for in one namespace alone, that may be another's."""
    if lives:
        told = f"there is no Lease of one for {whom} in the namespace {lives}"
        return Diagnosis(
            ABOUT, DiagnosisLevel.FAILED, told, "leave --operator-namespace out to have it looked for everywhere"
        )
    told = f"none has ever run for {whom}: there is no Lease of one"
    return Diagnosis(ABOUT, DiagnosisLevel.FAILED, told, "install the chart, or see its watchNamespace")


def last_word(found: Sequence[Mapping[str, Any]], now: float) -> str:
    """What objects tell of the operator where its Lease may not be seen; empty where they tell nothing."""
    managed = [one for each in found for one in Fields(each).part("metadata").parts("managedFields")]
    written = [one.moment("time") for one in managed if one.text("subresource") == "status"]
    newest = max((at for at in written if at is not None), default=None)
    return "" if newest is None else f"; the status of an object was last written {brief(max(0.0, now - newest))} ago"


def _ago(one: LeaseGlance, now: float) -> str:
    return "at an unknown time" if one.last is None else f"{brief(max(0.0, now - one.last))} ago"
