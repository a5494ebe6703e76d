"""Another installation that leads the same objects.

Replicas agree by one Lease. Two installations with a Lease each don't know of each other, and both lead: what
is written stays in order, but each one's status writes make the other's fail. Neither is told to stop; people are told.
"""

from dataclasses import dataclass

from mlrollout.domain.decision import Alert
from mlrollout.domain.reason import Reason

from .loop_time import NEVER, LoopTime

LASTS = 600.0
"""Seconds for which another installation counts after its last write that was seen."""
LOST = 8
"""Writes in a row that came too late, after which somebody else is at work all the time."""


@dataclass(slots=True)
class Rivalry:
    """Who else writes an object's status, as far as this process has found out.

    Attributes:
        own: This process' installation: what all replicas that agree on a leader share; empty for none.
        wrote: Whether this process has written the status since it last saw another installation's.
        other: The installation whose status came after this process' own; empty where none did.
        seen_at: When it was last seen to, by the loop's clock.
        lost: How many writes in a row came too late.
    """

    own: str = ""
    wrote: bool = False
    other: str = ""
    seen_at: LoopTime = NEVER
    lost: int = 0

    def read(self, written_by: str, now: LoopTime) -> None:
        """Take in who wrote the status that stands. A predecessor's does not count: it never comes after one's own."""
        if self.own and self.wrote and written_by not in ("", self.own):
            self.wrote, self.other, self.seen_at = False, written_by, now
        elif now > self.seen_at + LASTS:
            self.other = ""

    def saved(self) -> None:
        """Take in that the status was written."""
        self.wrote, self.lost = True, 0

    def beaten(self) -> None:
        """Take in that a write came too late."""
        self.lost += 1

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """What people should know; the same words in both installations, so that they agree on the status."""
        if self.other:
            one, two = sorted((self.own, self.other))
            message = (
                f"two installations of the operator lead this object, with the Leases {one} and {two}: take one of "
                "them away. Until then each undoes the other's status; a rollback by either stands"
            )
            return (Alert(Reason.SECOND_INSTALLATION, "object", message),)
        if self.lost >= LOST:
            message = (
                f"the last {self.lost} writes to the object came too late, for something changes it all the time: "
                "nothing can grow, and the status is old. See who writes it in metadata.managedFields"
            )
            return (Alert(Reason.STATUS_CONTESTED, "object", message),)
        return ()
