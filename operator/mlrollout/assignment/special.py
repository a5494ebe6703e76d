"""What counts for single users, besides the split: what the application asks, and the rollout's holdback."""

from dataclasses import dataclass, replace

from mlrollout.domain.record import Record

from .bucket import Group, limit
from .exposed import Exposures
from .overrides import Overrides
from .view import UNDER_WAY, Reason, TrafficView


@dataclass(frozen=True, slots=True)
class Special:
    """Staff, overrides, telling of exposures, and the holdback, as they count under one view.

    Attributes:
        staff: Who is in treatment before everybody else.
        overrides: Groups given by hand.
        exposures: Calls the application back about who was given which group.
        in_treatment: Whether users are in treatment at all: the percentage in force is above 0.
        record: The record that exposures are told under.
        held: The least hash, of the user under the holdback's salt, that is not held back.
    """

    staff: frozenset[str] = frozenset()
    overrides: Overrides | None = None
    exposures: Exposures | None = None
    in_treatment: bool = False
    record: Record | None = None
    held: int = 0

    def under(self, view: TrafficView, *, runs_another: bool) -> "Special | None":
        """The parts of it that are in force under a view; `None` where none is.

        Args:
            view: What is known.
            runs_another: Whether this process runs another revision than the one that is rolled out.
        """
        under_way = view.reason in UNDER_WAY and not runs_another
        held = limit(view.holdback) if under_way else 0
        if not (self.staff or self.overrides or self.exposures or held):
            return None
        begun = under_way and view.record is not None and view.record.sequence > 0
        # At 0 % nothing tells a stage from a key that somebody set to 0, nor from what a deleted object left: nobody
        # guards then, so nobody may stay in treatment (invariant 2).
        in_treatment = under_way and view.percentage > 0
        return replace(
            self,
            staff=self.staff if in_treatment else frozenset(),
            exposures=self.exposures if begun else None,
            in_treatment=in_treatment,
            record=view.record,
            held=held,
        )

    def chosen(self, user_id: str, *, counts: bool) -> Group | None:
        """The group that was given to a user by hand; `None` for none, or for treatment that doesn't count.

        Args:
            user_id: The user.
            counts: Whether what is known of the rollout counts.
        """
        if self.overrides is None:
            return None
        group = self.overrides.of(user_id)
        by_right = group is Group.CONTROL or self.overrides.always or (counts and self.in_treatment)
        return group if by_right else None

    def expose(self, user_id: str, group: Group, reason: Reason) -> None:
        """Tell the application that a user was given a group, other than by hand."""
        if self.exposures is not None and self.record is not None:
            self.exposures.add(user_id, group, reason, self.record)
