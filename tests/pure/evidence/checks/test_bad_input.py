"""Every kind that tests at every look, given what is no count: from the start, and after ten good minutes.

Of each a clear word is said; nothing passes while it lasts, and nothing is taken back for it.
"""

import math
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from mlrollout.evidence.answer import Answer
from mlrollout.evidence.checks.check import Failure, Occasion, Unmeasurable
from mlrollout.evidence.checks.kinds import check_of
from mlrollout.evidence.measurement import Measurement, Verdict
from mlrollout.evidence.statistics.counting.series import Series

from tests.pure.evidence.checks.counters import EPOCH, SCRAPE, Counters, Looks, read

GOOD, END = 600.0, 1800.0
EACH = 20
"""Events of each group in each scrape."""
KINDS: Mapping[str, dict[str, Any]] = {
    "rate": {"rate": {"bad": "failed_total", "all": "all_total", "max": 0.05}},
    "rate-above": {"rate": {"histogram": "seconds_bucket", "above": "2", "max": 0.05}},
    "compare": {"compare": {"bad": "failed_total", "all": "all_total", "ratio": 1.5, "max": 0.05}},
    "compare-above": {"compare": {"histogram": "seconds_bucket", "above": "2", "difference": 0.02}},
    "compare-means": {"compare": {"sum": "seconds_sum", "count": "all_total", "difference": 0.2}},
    "balance": {"balance": {"users": "users_total"}},
}
PAIRS, BUCKETS, GROUPS = ("rate", "compare"), ("rate-above", "compare-above"), ("compare", "compare-above", "balance")
PART = {"failed_total", "seconds_bucket", "seconds_sum", "users_total"}
"""For each kind, what it counts besides all events."""

Samples = tuple[tuple[float, float], ...]
Spoil = Callable[[Series], Series | None]
"""What becomes of a series of the treatment; `None` where it is not exported any more."""


def good() -> Counters:
    """An application whose groups are alike, and whose split is as it was asked for."""
    drawn, counters = random.Random(1), Counters()  # noqa: S311 - no secret
    scrapes = int(END / SCRAPE)
    for group, share in (("treatment", 0.1), ("control", 0.9)):
        events = [float(EACH)] * scrapes
        failed = [float(sum(drawn.random() < 0.01 for _ in range(EACH))) for _ in range(scrapes)]
        good_ones = [all_ - bad for all_, bad in zip(events, failed, strict=True)]
        grown = {
            "all_total": events,
            "failed_total": failed,
            "seconds_sum": [sum(drawn.random() for _ in range(EACH)) for _ in events],
            "users_total": [EACH * share] * scrapes,
        }
        for name, steps in grown.items():
            counters.scraped(name, iter(steps), group=group, job="app", instance="a")
        for edge, steps in (("2", good_ones), ("+Inf", events)):
            counters.scraped("seconds_bucket", iter(steps), group=group, job="app", instance="a", le=edge)
    return counters


def spoilt(names: set[str], spoil: Spoil, since: float) -> Counters:
    """The same, of whose series some are spoilt from some time on."""
    counters = good()
    for name in names:
        counters.series[name] = [made for one in counters.series[name] for made in _since(one, spoil, EPOCH + since)]
    return counters


def _since(one: Series, spoil: Spoil, since: float) -> Iterator[Series]:
    before = tuple(sample for sample in one.samples if sample[0] < since)
    treated = one.labels["group"] == "treatment"
    made = spoil(replace(one, samples=one.samples[len(before) :])) if treated else one
    if made is not None and made.labels == one.labels and treated:
        yield replace(made, samples=before + made.samples)
        return
    yield from [replace(one, samples=before)] if before and treated else []
    yield from [made] if made is not None else []


def each(value: Callable[[int, float], float]) -> Spoil:
    """Other values, by the place of the sample and what it was."""
    return lambda one: replace(
        one, samples=tuple((at, value(place, was)) for place, (at, was) in enumerate(one.samples))
    )


def of_edge(spoil: Spoil) -> Spoil:
    """Of buckets, those of the edge alone; of others all."""
    return lambda one: one if one.labels.get("le") == "+Inf" else spoil(one)


@dataclass(frozen=True)
class BadInput:
    """What is wrong.

    Attributes:
        name: For the test's name.
        kinds: Which kinds it is wrong for.
        names: Which counters are spoilt.
        spoil: How.
        words: What is said of it, among others.
    """

    name: str
    kinds: tuple[str, ...]
    names: set[str]
    spoil: Spoil
    words: str


EVERY = tuple(KINDS)
BAD_INPUT = (
    BadInput("nan", EVERY, PART, each(lambda *_: math.nan), "has a sample that is nan"),
    BadInput("infinite", EVERY, PART, each(lambda *_: math.inf), "has a sample that is inf"),
    BadInput("negative", EVERY, PART, each(lambda _, was: -1 - was), "below zero"),
    BadInput(
        "fractions", (*PAIRS, *BUCKETS, "balance"), PART, each(lambda _, was: was + 0.5), "counted in whole numbers"
    ),
    BadInput("no-number-of-events", ("compare-means", *PAIRS), {"all_total"}, each(lambda *_: math.nan), "is nan"),
    BadInput("falling", EVERY[:-1], PART, of_edge(each(lambda place, _: 1000.0 - place)), "is it a gauge?"),
    BadInput(
        "more-bad-than-all",
        (*PAIRS, *BUCKETS),
        {"failed_total", "seconds_bucket"},
        of_edge(each(lambda place, was: was + 90 * place)),
        " events ",
    ),
    BadInput("group-gone", (*GROUPS, "compare-means"), {"all_total", *PART}, lambda _: None, "group treatment: no s"),
    BadInput("edge-gone", BUCKETS, {"seconds_bucket"}, of_edge(lambda _: None), "edge 2"),
    BadInput(
        "other-edge",
        BUCKETS,
        {"seconds_bucket"},
        of_edge(lambda one: replace(one, labels={**one.labels, "le": "3"})),
        "edge 2",
    ),
    BadInput("native", BUCKETS, {"seconds_bucket"}, lambda one: replace(one, native=True), "a native histogram"),
    BadInput(
        "no-group",
        (*GROUPS, "compare-means"),
        {"all_total", *PART},
        lambda one: replace(one, labels={name: value for name, value in one.labels.items() if name != "group"}),
        "has no label `group`",
    ),
)


def cases() -> Iterator[Any]:
    for wrong in BAD_INPUT:
        for kind in wrong.kinds:
            for when, since in (("from-the-start", -SCRAPE), ("later", GOOD)):
                yield pytest.param(wrong, kind, since, id=f"{wrong.name}-{kind}-{when}")


@pytest.mark.parametrize(("wrong", "kind", "since"), [*cases()])
def test_it_is_told_and_neither_passes_nor_takes_anything_back(wrong: BadInput, kind: str, since: float) -> None:
    looks = Looks.at(spoilt(wrong.names, wrong.spoil, since), {"name": "g", **KINDS[kind]})
    looks.every(15, END)
    late = [one for one in looks.made if one.at > EPOCH + max(0, since) + 300]

    assert Verdict.BREACH not in {one.verdict for one in looks.made}
    assert Verdict.PASS not in {one.verdict for one in late}
    assert looks.made[-1].verdict in (Verdict.ERROR, Verdict.NO_DATA)
    assert wrong.words in looks.made[-1].message


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_well_passes(kind: str) -> None:
    looks = Looks.at(good(), {"name": "g", **KINDS[kind]})

    assert looks.every(15, END).verdict is Verdict.PASS


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_scraped_more_seldom_than_a_block_is_long_passes_all_the_same(kind: str) -> None:
    counters = good()
    for name, all_ in counters.series.items():
        counters.series[name] = [replace(one, samples=one.samples[::4]) for one in all_]
    looks = Looks.at(counters, {"name": "g", **KINDS[kind]})
    looks.every(15, END)

    assert looks.made[-1].verdict is Verdict.PASS
    assert Verdict.BREACH not in {one.verdict for one in looks.made}


@pytest.mark.parametrize("kind", KINDS)
def test_ten_thousand_series_behind_one_selector_are_refused(kind: str) -> None:
    counters = good()
    for name, all_ in counters.series.items():
        counters.series[name] = [
            replace(all_[0], labels={**all_[0].labels, "user": str(user)}, samples=all_[0].samples[:3])
            for user in range(10_001)
        ]
    found = Looks.at(counters, {"name": "g", **KINDS[kind]}).look(60)

    assert found.verdict is Verdict.ERROR
    assert "10001 series are more than the 10000 that can be read" in found.message


@pytest.mark.parametrize("kind", KINDS)
def test_a_selector_with_a_function_is_refused(kind: str) -> None:
    ((mark, fields),) = KINDS[kind].items()
    for field in [name for name, value in fields.items() if str(value).endswith(("_total", "_bucket", "_sum"))]:
        wrong = {mark: fields | {field: f"rate({fields[field]}[5m])"}}
        check = check_of(read({"name": "g", **wrong}))

        assert isinstance(check, Unmeasurable)
        assert (check.where, "a function in it (`rate`)" in check.reason) == (f"{mark}.{field}", True)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("low", "high", "length"), [(0, 3, 1), (1, 9, 12), (20, 31, 30)])
def test_a_gauge_holds_the_first_stage_however_slowly_it_moves(kind: str, low: float, high: float, length: int) -> None:
    """Once users come, what it rises by can't be told from failures."""
    wave = of_edge(each(lambda place, _: high if place // length % 2 else low))
    looks = Looks.at(spoilt(PART, wave, -SCRAPE), {"name": "g", **KINDS[kind]})
    looks.look(END - 10, None)
    found = looks.look(END, None)

    assert found.verdict is Verdict.ERROR
    assert "gauge" in found.message


@pytest.mark.parametrize("kind", KINDS)
def test_counters_that_were_well_are_not_asked_about_again(kind: str) -> None:
    looks = Looks.at(good(), {"name": "g", **KINDS[kind]})
    found = [looks.look(at, None) for at in (END - 30, END - 15)]
    ranges = sorted(int(one.promql.rpartition("[")[2].removesuffix("s]")) for one in looks.counters.asked)
    selectors = len({one.promql.rpartition("[")[0] for one in looks.counters.asked})

    assert {one.verdict for one in found} == {Verdict.INCONCLUSIVE}
    assert (len(ranges), ranges[-1], ranges[-1 - selectors]) == (3 * selectors, 3600, 345)


def test_an_earlier_hour_that_cannot_be_had_holds_nothing() -> None:
    looks = Looks.at(good(), {"name": "g", **KINDS["rate"]})
    occasion = Occasion(EPOCH + END, 0.0, None)
    answers: dict[str, Answer | Failure] = {}
    while not isinstance(found := looks.check.proceed(occasion, answers), Measurement):
        answers |= {
            name: Failure("too much") if name.startswith("earlier.") else looks.counters.answer(question)
            for name, question in found.items()
        }
    assert found.verdict is Verdict.INCONCLUSIVE
