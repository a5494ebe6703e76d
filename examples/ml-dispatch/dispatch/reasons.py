"""Why a vehicle is recommended, in the words of whoever dispatches."""

from collections.abc import Mapping
from dataclasses import dataclass

from .breakdown import LATEST, Breakdown
from .orders import Order, Vehicle

_COUNTS = 0.3
"""Log-odds: less than this changes a score by some hundredths."""


@dataclass(frozen=True, slots=True)
class Point:
    """How one thing that the model looked at is told."""

    merit: str
    fault: str


@dataclass(frozen=True, slots=True)
class Language:
    """A language; each text but the last three is a template.

    Attributes:
        near: With the kilometres to the pick-up.
        rested: With the turns so far.
        late: With the minutes after the window.
        voltage: With what its cold box has, and what the order needs.
        liked: How the order ends.
        in_time: Where it comes inside the window.
        but: Before a fault.
        nothing: Where nothing speaks for it or against it.
    """

    near: str
    rested: Point
    late: str
    voltage: Point
    liked: Point
    in_time: str
    but: str
    nothing: str


ENGLISH = Language(
    near="{way:.1f} km away",
    rested=Point("turns so far: {turns}", "turns already: {turns}"),
    late="late by {late:.0f} min",
    voltage=Point("has {has}", "has {has}, not {needs}"),
    liked=Point("ends near the driver's home", "ends far from the driver's home"),
    in_time="arrives in time",
    but="but {fault}",
    nothing="no worse than others",
)
KOREAN = Language(
    near="상차지까지 {way:.1f} km",
    rested=Point("지금까지 {turns}회전", "이미 {turns}회전"),
    late="{late:.0f}분 늦음",
    voltage=Point("{has} 탑재", "{needs}가 아닌 {has} 탑재"),
    liked=Point("기사 자택 근처에서 종료", "기사 자택에서 먼 곳에서 종료"),
    in_time="시간 내 도착",
    but="다만 {fault}",
    nothing="다른 차량과 비슷함",
)


def language(accepted: str) -> Language:
    """The one that a header `Accept-Language` puts first, or else English."""
    return KOREAN if accepted.strip().lower().startswith("ko") else ENGLISH


def reason(merits: Mapping[str, float], order: Order, vehicle: Vehicle, seen: Breakdown, spoken: Language) -> str:
    """Its two greatest merits, and its greatest fault if it has one that counts.

    Args:
        merits: Log-odds that each adds to those of an average dispatch.
        order: What is to be dispatched.
        vehicle: Which vehicle.
        seen: What the model looked at.
        spoken: The language.
    """
    points = _points(order, vehicle, seen, spoken)
    ranked = sorted(points, key=lambda name: merits[name], reverse=True)
    good = [points[name].merit for name in ranked[:2] if merits[name] > 0]
    worst = ranked[-1]
    bad = [spoken.but.format(fault=points[worst].fault)] if merits[worst] < -_COUNTS else []
    return ", ".join(good + bad) or spoken.nothing


def _points(order: Order, vehicle: Vehicle, seen: Breakdown, spoken: Language) -> dict[str, Point]:
    near = spoken.near.format(way=vehicle.position.to(order.pickup))
    late = spoken.late.format(late=(1 - seen.time_window) * LATEST.total_seconds() / 60)
    points = {
        "near": Point(near, near),
        "rested": _filled(spoken.rested, turns=vehicle.turns),
        "in_time": Point(spoken.in_time if seen.time_window == 1 else late, late),
        "liked": spoken.liked,
    }
    if order.needs_voltage:
        points["voltage"] = _filled(spoken.voltage, has=vehicle.voltage, needs=order.needs_voltage)
    return points


def _filled(point: Point, **values: object) -> Point:
    return Point(point.merit.format(**values), point.fault.format(**values))
