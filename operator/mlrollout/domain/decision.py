"""What a decision is made from beside spec and state, and what it says."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlrollout.evidence.measurement import MeasurementHistory

from .claim import Claim
from .reason import Reason
from .request import Request
from .state import NamedRevision, State
from .traffic import Intent, Lower, Traffic


@dataclass(frozen=True, slots=True)
class Observation:
    """Everything the operator has seen of the world, for one decision.

    Attributes:
        uid: The object's own uid, the owner of its record.
        holder: The object's `namespace/name`.
        traffic: What stands in Redis; `None` where Redis can't be asked.
        trouble: Why it can't be asked; for people.
        measurements: What was measured of each guardrail, by its name.
        verbs: The verbs found in annotations.
        removed: The tokens of hearings whose annotation is known to have been removed, so that one which stands
            there is another request, be its words the same.
        created: When the object was created, seconds since the epoch; 0 where nobody knows.
        cluster: Which cluster it is in: the uid of the namespace `kube-system`; empty where that can't be known.
        unguarded: What of the spec can't be understood, where that has left traffic with nothing that could take it
            down for longer than may be; empty otherwise.
        claim: Who else was last seen to want its key.
        named: What the source of its revision names; `None` where that is not known now.
        asked: When it was asked what it names, seconds since the epoch.
        unnamed: Why that is not known, once that has lasted; for people.
        announced: The attempt whose completion that source is known to know of; 0 for none.
        unannounced: Why the source can't be told of a completion, once that has lasted; for people.
        held: Whether the operator holds the rollout where it is, for something that has to be mended, or since it goes.
        others_until: Until when this process has seen users of another attempt; 0 where it never has. A failover may
            have brought them back, and no status says so.
    """

    uid: str
    holder: str
    traffic: Traffic | None = None
    trouble: str = ""
    measurements: Mapping[str, MeasurementHistory] = field(default_factory=dict)
    verbs: Mapping[str, Request] = field(default_factory=dict)
    removed: frozenset[str] = frozenset()
    created: float = 0.0
    cluster: str = ""
    unguarded: str = ""
    claim: Claim | None = None
    named: NamedRevision | None = None
    asked: float = 0.0
    unnamed: str = ""
    announced: int = 0
    unannounced: str = ""
    held: bool = False
    others_until: float = 0.0


@dataclass(frozen=True, slots=True)
class Blocker:
    """What keeps traffic from growing."""

    reason: Reason
    message: str


Blockers = tuple[Blocker, ...]
"""Everything that keeps traffic from growing; what a person did comes first."""


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that goes on and a person should hear of; repeated while it lasts, unlike a transition.

    Attributes:
        reason: What it is.
        subject: What it is about; with the reason, tells it from others.
        message: For people.
        warning: Whether it is a warning.
        once: What tells it from others in the object's whole life, if it is told once and not repeated; else empty.
    """

    reason: Reason
    subject: str
    message: str
    warning: bool = True
    once: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What shall be done.

    Attributes:
        state: Where the rollout stands from now on; `None` where it can't begin yet.
        write: What shall be written to Redis, if anything.
        announces: Whether the state begins an attempt or a higher percentage, or completes. Then it counts once it is
            saved, and is decided anew where that fails. Everything else counts at once, and is saved when the write is
            done.
        again: When to decide again even if nothing happens, seconds since the epoch.
        alerts: What a person should hear of.
        blockers: Everything that keeps traffic from growing now; what a person did first.
    """

    state: State | None
    write: Intent | None = None
    announces: bool = False
    again: float | None = None
    alerts: tuple[Alert, ...] = ()
    blockers: Blockers = ()

    def lowers(self, before: State | None) -> bool:
        """Whether it takes traffic down from where that state has it, by a write."""
        if before is None or self.state is None or not isinstance(self.write, Lower):
            return False
        return self.state.record.percentage < max(before.record.percentage, before.applied)

    def rolls_back(self, before: State | None) -> bool:
        """Whether it is a way down that lasts for the rest of the attempt."""
        return self.lowers(before) and self.state is not None and self.state.record.latched
