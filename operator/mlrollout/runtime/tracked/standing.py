"""Where a rollout stands, which is the one thing that several write."""

from dataclasses import dataclass

from mlrollout.domain.decision import Decision
from mlrollout.domain.merge import merge
from mlrollout.domain.reason import Reason
from mlrollout.domain.state import State
from mlrollout.domain.traffic import Traffic


@dataclass(frozen=True, slots=True)
class Users:
    """Users in treatment that a key had last.

    Attributes:
        whose: Of which object and attempt.
        until: Until when there were any, seconds since the epoch; `None` where nobody has seen yet that they are gone.
    """

    whose: tuple[str, int]
    until: float | None


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
    _serves: tuple[str, int] | None = None  # whose users there are, by owner and attempt
    _served: tuple[str, int] | None = None  # whose there were last
    _served_until: float = 0.0
    _earlier_until: float = 0.0  # until when there were any of others before these

    def decided(self, decision: Decision) -> None:
        """Go on from a decision, which was made on `state` as it is now. What it announces counts once it is saved."""
        self.decision = decision
        # Up only from what is saved: another process may have forestalled what this one announces (invariant 5).
        if not decision.announces:
            self.state = decision.state

    def merge(self, saved: State | None) -> None:
        """Go on from what stands in the status, too."""
        self.state = merge(self.state, saved)

    def glimpse(self, seen: State | None) -> None:
        """Go on from what can be understood of a status that as a whole can't be, where nothing else says as much."""
        if seen is not None and (self.state is None or seen.record.rank > self.state.record.rank):
            self.state = seen

    def catch_up(self, state: State | None) -> None:
        """Go on from what Redis holds, where that is ahead."""
        self.state = state

    def look_whom_it_serves(self, traffic: Traffic, now: float) -> None:
        """Remember whose the users in treatment are: of those that a failover brought back no status tells.

        Whoever ends them may be the next to lead, and a word may begin the next attempt before that is saved.
        """
        record = traffic.record
        served = (record.owner, record.attempt) if record is not None and traffic.in_force else None
        if self._serves is not None:
            self._served_until = now
        if served is not None:
            if served != self._served:
                self._earlier_until = self._served_until
            self._served, self._served_until = served, now
        self._serves = served

    @property
    def users(self) -> Users | None:
        """The last users that were seen of its key, for whoever names it next; `None` where there were none."""
        if self._served is None:
            return None
        return Users(self._served, self._served_until if self._serves is None else None)

    def follow(self, users: Users | None, now: float) -> None:
        """Take over which users its key had before it was this object's.

        Those who may still be there are there until somebody sees that they are not: nobody looks at a key that was
        given up with its traffic, and Redis may lose it long after that.
        """
        if users is None or users.whose == self._served:
            return
        until = now if users.until is None else users.until
        if self._served is None:
            self._served, self._served_until = users.whose, until
            self._serves = users.whose if users.until is None else None
        else:
            self._earlier_until = max(self._earlier_until, until)

    @property
    def others_until(self) -> float:
        """Until when users of another attempt than this one were seen; 0 where none were."""
        record = self.state.record if self.state is not None else None
        own = record is None or self._served == (record.owner, record.attempt)
        return self._earlier_until if own else self._served_until

    @property
    def keyless(self) -> bool:
        """Whether its key belongs to another object, by the last decision."""
        return self.decision is not None and any(alert.reason is Reason.KEY_CONFLICT for alert in self.decision.alerts)
