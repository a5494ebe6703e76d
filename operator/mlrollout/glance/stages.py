"""The stages of a rollout: which are behind it, which it stands in, which are ahead."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from .fields import Fields


class StagePlace(StrEnum):
    """Where a stage lies, seen from where the rollout stands."""

    BEHIND = "behind"
    HERE = "here"
    AHEAD = "ahead"
    FAILED = "failed"
    """The rollback came in it."""


@dataclass(frozen=True, slots=True)
class StageGlance:
    """One stage.

    Attributes:
        name: Its name.
        percentage: Its share of users in treatment.
        place: Where it lies.
        duration: Seconds of healthy time that it asks for.
        soonest: Seconds after which it may be left, where it may be left early; else its duration.
        manual: Whether it is entered on a person's word alone.
        served: Seconds of healthy time so far; `None` where it is not the one that the rollout stands in.
        entered: When it was entered; `None` where it was not, or nobody knows any more.
        left: When it was left.
    """

    name: str
    percentage: int
    place: StagePlace
    duration: float
    soonest: float
    manual: bool
    served: float | None = None
    entered: float | None = None
    left: float | None = None

    @property
    def share(self) -> float:
        """How much of its time is served, from 0 to 1."""
        if self.place is StagePlace.HERE:
            return self._part(self.served)
        if self.place is StagePlace.FAILED:
            return self._part(None if self.entered is None or self.left is None else self.left - self.entered)
        return 1.0 if self.place is StagePlace.BEHIND else 0.0

    def _part(self, seconds: float | None) -> float:
        return min(1.0, (seconds or 0.0) / self.duration) if self.duration else 1.0

    @property
    def rest(self) -> float:
        """Seconds of healthy time after which it may be left."""
        return max(0.0, self.soonest - (self.served or 0.0))


def stages(spec: Fields, status: Fields, gained: float) -> tuple[StageGlance, ...]:
    """The stages of the spec, in their order.

    Args:
        spec: The spec.
        status: The status.
        gained: Seconds of healthy time since it was saved, as far as that can be known.
    """
    wanted = spec.parts("stages")
    runs = {run.text("name"): run for run in status.parts("stages")}  # of two of a name the later one
    names = [stage.text("name") for stage in wanted]
    outcomes = [runs[name].text("outcome") if name in runs else "" for name in names]
    places = _places(names, outcomes, status)
    served = (status.part("progress").number("healthySeconds") or 0.0) + gained
    return tuple(
        _stage(stage, place, runs.get(name, Fields(None)), served)
        for stage, place, name in zip(wanted, places, names, strict=True)
    )


def _places(names: Sequence[str], outcomes: Sequence[str], status: Fields) -> Sequence[StagePlace]:
    if status.part("record").flag("latched"):
        ended = {"RolledBack": StagePlace.FAILED, "Passed": StagePlace.BEHIND}
        return [ended.get(outcome, StagePlace.AHEAD) for outcome in outcomes]
    if status.part("progress").flag("completed"):
        return [StagePlace.BEHIND] * len(names)
    here = status.text("stage")
    at = names.index(here) if here in names else -1
    return [
        StagePlace.BEHIND if place < at else StagePlace.HERE if place == at else StagePlace.AHEAD
        for place in range(len(names))
    ]


def _stage(stage: Fields, place: StagePlace, run: Fields, served: float) -> StageGlance:
    duration = stage.seconds("duration") or 0.0
    early = stage.part("early").seconds("after")
    return StageGlance(
        name=stage.text("name"),
        percentage=stage.whole("percentage"),
        place=place,
        duration=duration,
        soonest=duration if early is None else min(early, duration),
        manual=stage.text("approval") == "Manual",
        served=min(served, duration) if place is StagePlace.HERE else None,
        entered=run.moment("entered") if place is not StagePlace.AHEAD else None,
        left=run.moment("left") if place is not StagePlace.AHEAD else None,
    )
