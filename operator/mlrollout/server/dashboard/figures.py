"""The figures of a rollout: the five that every ML feature is held to, and those that the configuration adds. Pure.

The five are worked out from what was added to the counters of the SDK and of the survey in a window, by one query for
all of them. Where nothing was counted there is no figure, and one that is not there meets no target and misses none.
"""

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from string import Template
from typing import Literal

from mlrollout.ports import Ref
from mlrollout.server.ab import figures as counted
from mlrollout.server.ab.models import Figures
from mlrollout.server.config import BusinessFigure

from .figure_models import FigureTarget, GroupFigure, Op, PlotPoint, ShownFigure, Titles

Labels = Mapping[str, str]
TrendSamples = Sequence[tuple[float, float]]
"""Times, in seconds since the epoch, and values."""
GroupName = Literal["treatment", "control"]

GROUPS: tuple[GroupName, GroupName] = ("treatment", "control")
POINTS = 60
"""Points of a trend."""
_HELD: Mapping[Op, Callable[[float, float], bool]] = {
    Op.AT_LEAST: operator.ge,
    Op.AT_MOST: operator.le,
    Op.BELOW: operator.lt,
    Op.ABOVE: operator.gt,
}
_PER_CENT = 100.0


@dataclass(frozen=True, slots=True)
class FigureKind:
    """One of the five.

    Attributes:
        key: Its name, for programs.
        title: Its name, for people.
        unit: Its unit.
        target: What it shall be.
        read: The figure, of all that was counted.
        samples: The counters that say how many events it stands on.
        factor: What it is multiplied by to be shown.
    """

    key: str
    title: Titles
    unit: str
    target: FigureTarget
    read: Callable[[Figures], float | None]
    samples: tuple[str, ...]
    factor: float = 1.0


FIVE: Sequence[FigureKind] = (
    FigureKind(
        "success_rate",
        Titles(en="ML success rate", ko="ML 성공률"),
        "%",
        FigureTarget(op=Op.AT_LEAST, value=95.0),
        lambda found: found.success_rate,
        ("success", "failure"),
        _PER_CENT,
    ),
    FigureKind(
        "average_score",
        Titles(en="Average score", ko="평균 점수"),
        "",
        FigureTarget(op=Op.AT_LEAST, value=0.70),
        lambda found: found.average_score,
        ("scores",),
    ),
    FigureKind(
        "response_time",
        Titles(en="Response time", ko="응답 시간"),
        "s",
        FigureTarget(op=Op.BELOW, value=2.0),
        lambda found: found.average_response_time,
        ("times",),
    ),
    FigureKind(
        "error_rate",
        Titles(en="Error rate", ko="오류율"),
        "%",
        FigureTarget(op=Op.BELOW, value=1.0),
        lambda found: found.error_rate,
        ("success", "failure"),
        _PER_CENT,
    ),
    FigureKind(
        "satisfaction",
        Titles(en="User satisfaction", ko="사용자 만족도"),
        "",
        FigureTarget(op=Op.AT_LEAST, value=4.0),
        lambda found: found.average_satisfaction,
        ("ratings",),
    ),
)
"""In the order in which they are shown."""


@dataclass(frozen=True, slots=True)
class TrendRange:
    """The moments that a trend is made of.

    Attributes:
        last: The last, seconds since the epoch.
        step: Seconds from one to the next.
    """

    last: int
    step: int

    @property
    def first(self) -> int:
        """The first."""
        return self.last - self.step * (POINTS - 1)

    @property
    def moments(self) -> range:
        """All of them."""
        return range(self.first, self.last + 1, self.step)


def query(prefix: str, window: float) -> str:
    """What all of the five are worked out from."""
    return counted.query(prefix, round(window))


def five(trend: TrendRange, answer: Iterable[tuple[Labels, TrendSamples]]) -> tuple[ShownFigure, ...]:
    """The five, by the answer to `query` at each moment of a trend."""
    window = counted.QueryRange(trend.first, trend.last, trend.step)
    rounded = ((labels, [(round(at), value) for at, value in samples]) for labels, samples in answer)
    series = counted.series(window, rounded)
    return tuple(_one_of_five(kind, series, trend.last) for kind in FIVE)


def unknown_five(why: str) -> tuple[ShownFigure, ...]:
    """The five where nothing is known of them."""
    return tuple(_unknown(one.key, one.title, one.unit, one.target, why) for one in FIVE)


def business_query(figure: BusinessFigure, ref: Ref, prefix: str, window: float) -> str:
    """The query of a further figure for one rollout."""
    said = {"metrics": prefix, "window": f"{round(window)}s", "namespace": ref.namespace, "name": ref.name}
    return Template(figure.query).safe_substitute(said)


def business(figure: BusinessFigure, trend: TrendRange, answer: Iterable[tuple[Labels, TrendSamples]]) -> ShownFigure:
    """A further figure, by the answer to its query."""
    said: dict[str, Mapping[float, float]] = {
        labels.get("group", ""): {round(at): value for at, value in samples} for labels, samples in answer
    }
    points = {group: _points(trend, said.get(group, {})) for group in GROUPS}
    now = {group: points[group][-1][1] for group in GROUPS}
    change = _change(now["treatment"], now["control"])
    target = _target(figure)
    held = {group: change if target.relative and group == "treatment" else now[group] for group in GROUPS}
    if target.relative:
        held["control"] = None
    return ShownFigure(
        key=figure.key,
        title=_titles(figure),
        unit=figure.unit,
        target=target,
        groups={
            group: GroupFigure(value=now[group], samples=None, points=points[group], ok=meets(target, held[group]))
            for group in GROUPS
        },
        change=change,
        error=None,
    )


def unknown_business(figure: BusinessFigure, why: str) -> ShownFigure:
    """The same where nothing is known of it."""
    return _unknown(figure.key, _titles(figure), figure.unit, _target(figure), why)


def meets(target: FigureTarget, value: float | None) -> bool | None:
    """Whether a value meets a target; `None` where there is none."""
    return None if value is None else _HELD[target.op](value, target.value)


def _one_of_five(kind: FigureKind, series: Mapping[int, counted.FigureCounts], last: int) -> ShownFigure:
    return ShownFigure(
        key=kind.key,
        title=kind.title,
        unit=kind.unit,
        target=kind.target,
        groups={group: _group(kind, group, series, last) for group in GROUPS},
        change=None,
        error=None,
    )


def _group(kind: FigureKind, group: GroupName, series: Mapping[int, counted.FigureCounts], last: int) -> GroupFigure:
    points = tuple((float(at), _value(kind, group, counts)) for at, counts in series.items())
    value, now = points[-1][1], series[last]
    known = [now[group, name] for name in kind.samples if (group, name) in now]
    return GroupFigure(
        value=value,
        samples=float(round(sum(known))) if known else None,
        points=points,
        ok=meets(kind.target, value),
    )


def _value(kind: FigureKind, group: GroupName, counts: counted.FigureCounts) -> float | None:
    found = kind.read(counted.figures(counts, [group]))
    return None if found is None or not isfinite(found) else found * kind.factor


def _points(trend: TrendRange, said: Mapping[float, float]) -> tuple[PlotPoint, ...]:
    return tuple(
        (float(at), value if (value := said.get(at)) is not None and isfinite(value) else None) for at in trend.moments
    )


def _change(treatment: float | None, control: float | None) -> float | None:
    """The treatment's change against the control, in per cent."""
    return None if treatment is None or not control else (treatment / control - 1) * _PER_CENT


def _titles(figure: BusinessFigure) -> Titles:
    return Titles(en=figure.title.en, ko=figure.title.ko or figure.title.en)


def _target(figure: BusinessFigure) -> FigureTarget:
    said = figure.target
    return FigureTarget(op=Op(said.op), value=said.value, relative=said.relative)


def _unknown(key: str, title: Titles, unit: str, target: FigureTarget, why: str) -> ShownFigure:
    nothing = GroupFigure(value=None, samples=None, points=(), ok=None)
    return ShownFigure(
        key=key, title=title, unit=unit, target=target, groups=dict.fromkeys(GROUPS, nothing), change=None, error=why
    )
