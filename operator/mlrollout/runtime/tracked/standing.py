"""Where a rollout stands, which is the one thing that several write."""

from dataclasses import dataclass

from mlrollout.domain.attempt import another_serves
from mlrollout.domain.decision import Decision
from mlrollout.domain.merge import merge
from mlrollout.domain.reason import Reason
from mlrollout.domain.state import State
from mlrollout.domain.traffic import Traffic


@dataclass(slots=True, eq=False)
class Standing:
    """Where the rollout stands, by the last decision.

    The main lane and the way down write what they decide, and what the API server says is merged into it: by a watch, a
    list, or the answer to a write. They need no lock, for three reasons.

    - Each of them reads the state and writes the next one without waiting in between, so none overwrites what it has
      not seen. A lane that has waited decides anew.
    - What begins an attempt or a higher percentage, or completes, is no part of the state before it is saved
      (invariant 5). So all that two lanes can hold against each other are ways down.
    - What follows from the state is written under the order of records, in Redis as in the status. So whose write
      arrives first makes no difference: the greater record stands, and that is a rollback's (invariant 3).

    Attributes:
        state: Where it stands; `None` before the first decision.
        decision: The last decision; its alerts and blockers are what people are told.
        others_until: Until when users of an earlier attempt were seen; 0 where none were.
    """

    state: State | None = None
    decision: Decision | None = None
    others_until: float = 0.0
    _others_are_served: bool = False

    def decided(self, decision: Decision) -> None:
        """Go on from a decision, which was made on `state` as it is now. What it announces counts once it is saved."""
        self.decision = decision
        # Up only from what is saved: another process may have forestalled what this one announces (invariant 5).
        if not decision.announces:
            self.state = decision.state

    def merge(self, saved: State | None) -> None:
        """Go on from what stands in the status, too."""
        self.state = merge(self.state, saved)

    def catch_up(self, state: State | None) -> None:
        """Go on from what Redis holds, where that is ahead."""
        self.state = state

    def look_whom_it_serves(self, traffic: Traffic | None, now: float) -> None:
        """Remember whether the users in treatment are an earlier attempt's: whoever ends that may be the next to lead.

        Until it is known that they are not any more, they may be.
        """
        if traffic is None or self.state is None:
            return
        served, self._others_are_served = self._others_are_served, another_serves(self.state.record, traffic)
        if served or self._others_are_served:
            self.others_until = now

    @property
    def keyless(self) -> bool:
        """Whether its key belongs to another object, by the last decision."""
        return self.decision is not None and any(alert.reason is Reason.KEY_CONFLICT for alert in self.decision.alerts)
