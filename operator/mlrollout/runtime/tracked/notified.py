"""How far receivers of notifications have been told of one object: what this process knows, and the status shall."""

from collections import Counter
from dataclasses import dataclass, field

from mlrollout.api.status import OngoingStatus, ReceiverStatus, Status
from mlrollout.domain.notices import Cursor, Notice
from mlrollout.domain.ongoing import Subject
from mlrollout.runtime.loop_time import LoopTime


@dataclass(slots=True, frozen=True)
class Failing:
    """Why a receiver has not been told.

    Attributes:
        since: The first failure since it was last told something, by the loop's clock.
        why: The last one.
        hopeless: Whether a person has to change something.
    """

    since: LoopTime
    why: str
    hopeless: bool = False


@dataclass(slots=True, frozen=True)
class Lasting:
    """How long something has gone on, by the loop's clock."""

    first: LoopTime
    last: LoopTime


@dataclass(slots=True)
class Notified:
    """Written by the sink of notifications and its lanes, and by nobody else.

    Attributes:
        delivered: For each receiver, how far it has been told by this process.
        known: For each receiver, how far it was last known to have been told, by whoever told it.
        refused: For each receiver, how much it has refused since it last took something.
        failing: Each receiver that can't be told now.
        seen: What goes on, or did until lately.
        ongoing: What the next status shall hold of that.
        kept: What the last status that held any held of it.
        receivers: How far each receiver has been told, as the next status shall hold it.
        last_word: What became of an object that goes, for whoever should know; no status holds it.
        last_told: The receivers that have been told that.
    """

    delivered: dict[str, Cursor] = field(default_factory=dict)
    known: dict[str, Cursor] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    failing: dict[str, Failing] = field(default_factory=dict)
    seen: dict[Subject, Lasting] = field(default_factory=dict)
    ongoing: tuple[OngoingStatus, ...] = ()
    kept: tuple[OngoingStatus, ...] = ()
    receivers: tuple[ReceiverStatus, ...] = ()
    last_word: Notice | None = None
    last_told: set[str] = field(default_factory=set)

    def keeps(self, saved: Status) -> tuple[OngoingStatus, ...]:
        """What goes on, or did, as a status holds it, or did.

        A second installation, which tells nobody, leaves it out. Numbered anew, each would be news to everybody again.
        """
        self.kept = tuple(saved.ongoing) or self.kept
        return self.kept

    def is_unsaved(self, saved: Status) -> bool:
        """Whether something arrived that the status does not say: whoever took over would send it again."""
        kept = {one.name: Cursor(one.serial, one.ongoing) for one in saved.receivers}
        return any(kept.get(key, Cursor()).ahead(told) != kept.get(key) for key, told in self.delivered.items())
