"""The figures of a rollout, as the page is sent them."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from .models import PageModel, Timestamp

PlotPoint = tuple[float, float | None]
"""Seconds since the epoch, and what was found there."""


class Op(StrEnum):
    """How a figure is held against its target."""

    AT_LEAST = ">="
    AT_MOST = "<="
    BELOW = "<"
    ABOVE = ">"


class Titles(PageModel):
    """A title in the languages of the page."""

    en: Annotated[str, Field(min_length=1, max_length=80)]
    """In English."""
    ko: Annotated[str, Field(min_length=1, max_length=80)]
    """In Korean."""


class FigureTarget(PageModel):
    """What a figure shall be."""

    op: Op
    """How it is held against the value."""
    value: float
    """The value."""
    relative: bool = False
    """Whether it is about the treatment's change against the control, in per cent."""


class GroupFigure(PageModel):
    """A figure of one group."""

    value: float | None
    """What it is now."""
    samples: float | None
    """How many events it stands on; `null` where that is not counted."""
    points: tuple[PlotPoint, ...]
    """What it was, oldest first."""
    ok: bool | None
    """Whether it meets the target; `null` where that can't be said."""


class ShownFigure(PageModel):
    """A figure of both groups."""

    key: str
    """Its name, for programs."""
    title: Titles
    """Its name, for people."""
    unit: str
    """`%`, `s`, or what the configuration says; empty for none."""
    target: FigureTarget
    """What it shall be."""
    groups: dict[Literal["treatment", "control"], GroupFigure]
    """By group."""
    change: float | None
    """Of a relative one, the treatment's change against the control, in per cent."""
    error: str | None
    """Why nothing is known; `null` where Prometheus answered."""


class TrackEvent(PageModel):
    """Something that changed the percentage."""

    at: float
    """Seconds since the epoch."""
    reason: str
    """What happened, in one word."""
    by: str | None
    """The person who asked for it; `null` for nobody."""
    was: int | None = Field(alias="from")
    """The percentage before it."""
    to: int
    """The percentage after it."""
    message: str
    """The same for people."""


class PercentageTrack(PageModel):
    """The percentage over time, as the history has it: it holds from a point to the next."""

    points: tuple[PlotPoint, ...]
    """The points, oldest first; the last is now."""
    events: tuple[TrackEvent, ...]
    """What changed it."""


class RolloutFigures(PageModel):
    """The figures of one rollout."""

    as_of: Timestamp
    """When they were asked for."""
    interval: float
    """Seconds until they are asked for again."""
    window: float
    """Seconds that each value looks back."""
    metrics: str
    """What the names of its application's metrics begin with; empty where nobody says."""
    figures: tuple[ShownFigure, ...]
    """The figures, in their order."""
    percentage: PercentageTrack
    """The percentage over time."""
