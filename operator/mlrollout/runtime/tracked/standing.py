"""Where a rollout stands, which is the one thing that several write."""

from dataclasses import dataclass

from mlrollout.domain.decision import Decision
from mlrollout.domain.merge import merge
from mlrollout.domain.reason import Reason
from mlrollout.domain.state import State


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
    """

    state: State | None = None
    decision: Decision | None = None

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

    @property
    def keyless(self) -> bool:
        """Whether its key belongs to another object, by the last decision."""
        return self.decision is not None and any(alert.reason is Reason.KEY_CONFLICT for alert in self.decision.alerts)
