"""Counters of two groups, played: bad events, seconds and scores, with cohorts or without."""

import random
from collections.abc import Callable, Sequence
from typing import Any

from tests.pure.evidence.checks.counters import EPOCH, SCRAPE, Counters

HOUR = 3600.0
BEGIN = EPOCH - SCRAPE
Share = Callable[[float], float]

COMPARE: dict[str, Any] = {"bad": "failed_total", "all": "all_total", "ratio": 1.5}
WORSE: dict[str, Any] = {"name": "worse", "compare": COMPARE}
SCORE: dict[str, Any] = {
    "name": "score",
    "compare": {"sum": "score_sum", "count": "score_count", "worse": "Lower", "difference": 0.05},
}


def always(share: float) -> Share:
    """The same all the time."""
    return lambda _: share


def played(
    counters: Counters,
    group: str,
    per_scrape: Callable[[float], float],
    share: Share,
    seconds: float,
    seed: int = 1,
    **labels: str,
) -> None:
    """So many events a scrape of a group, of which this share is bad at that time; drawn by chance."""
    drawn = random.Random(f"{seed} {group} {labels}")  # noqa: S311 - no secret
    times = [place * SCRAPE for place in range(int(seconds / SCRAPE))]
    events = [float(int(per_scrape(at)) + (drawn.random() < per_scrape(at) % 1)) for at in times]
    failed = [
        float(sum(drawn.random() < share(at) for _ in range(int(count))))
        for at, count in zip(times, events, strict=True)
    ]
    counters.scraped("all_total", iter(events), begin=BEGIN, group=group, **labels)
    counters.scraped("failed_total", iter(failed), begin=BEGIN, group=group, **labels)


def both(treatment: Share, control: Share, seconds: float = HOUR, *, each: float = 5, seed: int = 1) -> Counters:
    """As many events of both groups."""
    counters = Counters()
    played(counters, "treatment", always(each), treatment, seconds, seed)
    played(counters, "control", always(each), control, seconds, seed)
    return counters


def unlucky(seconds: float, cohorts: Sequence[str], seed: int = 1) -> Counters:
    """Users who try ten times each, and always fail or always succeed: the same in both groups."""
    counters, scrapes = Counters(), int(seconds / SCRAPE)
    for group in ("treatment", "control"):
        drawn = random.Random(f"{seed} {group}")  # noqa: S311 - no secret
        users = {cohort: [0] * scrapes for cohort in cohorts}
        bad = {cohort: [0] * scrapes for cohort in cohorts}
        for place in range(scrapes):
            for _ in range(3):
                cohort = drawn.choice(cohorts)
                users[cohort][place] += 10
                bad[cohort][place] += 10 * (drawn.random() < 0.1)
        for cohort in cohorts:
            labels = {"group": group} | ({"cohort": cohort} if len(cohorts) > 1 else {})
            counters.scraped("all_total", map(float, users[cohort]), begin=BEGIN, **labels)
            counters.scraped("failed_total", map(float, bad[cohort]), begin=BEGIN, **labels)
    return counters


def scored(treatment: float, control: float, seconds: float = HOUR, *, seed: int = 1) -> Counters:
    """Scores with these means in the groups, five in each scrape, and as far apart as 0.1."""
    counters = Counters()
    for group, mean in (("treatment", treatment), ("control", control)):
        drawn = random.Random(f"{seed} {group}")  # noqa: S311 - no secret
        scores = [sum(max(0.0, drawn.gauss(mean, 0.1)) for _ in range(5)) for _ in range(int(seconds / SCRAPE))]
        counters.scraped("score_sum", iter(scores), group=group)
        counters.scraped("score_count", iter([5.0] * len(scores)), group=group)
    return counters
