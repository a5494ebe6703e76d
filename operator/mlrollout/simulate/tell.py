"""A forecast, for people and for programs."""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from mlrollout.api.duration import brief
from mlrollout.evidence.wording import percent

from .outcome import ALLOWED, TIMES, Covered, Detection, Forecast, Healthy


def as_json(forecast: Forecast) -> dict[str, Any]:
    """For programs: seconds, shares and counts."""
    parameters, healthy = forecast.parameters, forecast.healthy
    return {
        "traffic": parameters.load.requests,
        "bad": parameters.load.bad,
        "past": None if parameters.load.past is None else parameters.load.past.seconds,
        "scrape": parameters.scrape,
        "seed": parameters.seed,
        "guardrails": [
            {"name": one.name, "simulated": not one.why_not, **({"why": one.why_not} if one.why_not else {})}
            for one in forecast.covered
        ],
        "healthy": {
            "tries": healthy.tries,
            "rolledBack": healthy.taken_back,
            "chance": healthy.chance,
            "by": dict(healthy.by),
            "rolledBackAfter": healthy.after,
            "reachedLastStage": healthy.arrived,
            "reachedLastStageAfter": healthy.arrival,
            "completed": healthy.completed,
            "completedAfter": healthy.completion,
            "waitsFor": healthy.waits or None,
        },
        "found": [
            {
                "stage": one.stage,
                "times": one.times,
                "bad": one.share,
                "tries": one.tries,
                "found": one.found,
                "within": one.within,
                "after": one.after,
                "users": None if one.users is None else round(one.users),
            }
            for one in forecast.detections
        ],
        "allowed": ALLOWED,
        "well": forecast.well,
    }


def as_text(forecast: Forecast) -> str:
    """For people."""
    parameters = forecast.parameters
    healthy = parameters.load
    load = f"{healthy.requests:.6g} requests a second of all users, of which {percent(healthy.bad)} are bad"
    if healthy.past is not None:
        load = f"the traffic of the last {brief(healthy.past.seconds)}: in the mean {load}"
    parts = (
        [f"{parameters.tries} rollouts of a healthy model, at {load}"],
        _coverage(forecast.covered),
        _healthy(forecast.healthy),
        _detections(forecast.detections),
    )
    return "\n\n".join("\n".join(part) for part in parts)


def _coverage(covered: Sequence[Covered]) -> Iterator[str]:
    rows = [
        (one.name, "simulated" if not one.why_not else f"taken as always passing: {one.why_not}") for one in covered
    ]
    return _table([("guardrail", ""), *rows])


def _healthy(healthy: Healthy) -> Iterator[str]:
    back = f"{healthy.taken_back} of {healthy.tries} ({percent(healthy.chance)})"
    if healthy.after is not None:
        by = ", ".join(f"{name} {count}" for name, count in sorted(healthy.by.items(), key=lambda one: -one[1]))
        back += f", after {brief(healthy.after)} in the median; by {by or 'missing evidence'}"
    rows = [("rolled back for nothing", back)]
    rows.append(("reach the last stage", _share(healthy.arrived, healthy.tries, healthy.arrival)))
    rows.append(("complete", _share(healthy.completed, healthy.tries, healthy.completion)))
    if healthy.waits:
        rows.append(("the others wait", healthy.waits))
    return _table(rows)


def _share(count: int, tries: int, after: float | None) -> str:
    return f"{count} of {tries}" + (f", after {brief(after)} in the median" if after is not None else "")


def _detections(found: Sequence[Detection]) -> Iterator[str]:
    """A line for each badness, a column for each stage."""
    stages = list(dict.fromkeys(one.stage for one in found))
    rows: list[tuple[str, ...]] = [("a model that is bad from a stage's begin is found in", *stages)]
    for times in TIMES:
        row = [one for one in found if one.times == times]
        rows.append((f"{times:g} times worse ({percent(row[0].share)} bad)", *(_when(one) for one in row)))
    return _table(rows)


def _when(found: Detection) -> str:
    if found.after is None or found.users is None:
        return f"{found.found} of {found.tries} in {brief(found.within)}"
    rest = "" if found.found == found.tries else f" ({found.found} of {found.tries})"
    return f"{brief(found.after)}, {math.ceil(found.users)} users{rest}"


def _table(rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    rows = list(rows)
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
