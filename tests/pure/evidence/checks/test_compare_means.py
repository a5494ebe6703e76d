"""The means of two groups."""

from dataclasses import replace
from typing import Any

import pytest
from mlrollout.api.guardrail import Proof
from mlrollout.evidence.checks.kinds import check_of
from mlrollout.evidence.checks.sequential import SequentialCheck
from mlrollout.evidence.measurement import Verdict

from tests.pure.evidence.checks.comparisons import breach, verdicts
from tests.pure.evidence.checks.counters import EPOCH, Counters, Looks, read
from tests.pure.evidence.checks.groups import HOUR, SCORE, WORSE, scored


def test_like_means_pass_once_it_is_known_how_far_values_lie_apart() -> None:
    looks = Looks.at(scored(0.8, 0.8), SCORE)
    young = looks.every(15, 200)
    assert young.verdict is Verdict.INCONCLUSIVE
    assert "how far values lie apart is still to be learnt (" in young.message
    found = looks.every(15, HOUR, begin=200)
    assert (found.verdict, found.proven) == (Verdict.PASS, Proof.SAFE)
    assert "treatment's mean is 0." in found.message
    assert Verdict.BREACH not in verdicts(looks)


@pytest.mark.parametrize(
    ("compare", "means", "told"),
    [
        ({"worse": "Lower", "difference": 0.05}, (0.6, 0.8), "0.2"),
        ({"worse": "Lower", "ratio": 1.1}, (0.6, 0.8), "1.3"),
        ({"worse": "Higher", "ratio": 1.1}, (1.2, 0.8), "1.5"),
        ({"difference": 0.05}, (1.2, 0.8), "0.4"),
    ],
)
def test_a_worse_mean_is_a_breach(compare: dict[str, Any], means: tuple[float, float], told: str) -> None:
    raw = {"name": "score", "compare": {"sum": "score_sum", "count": "score_count"} | compare}
    looks = Looks.at(scored(*means), raw)
    looks.every(15, HOUR)
    found = breach(looks)
    assert found.value == pytest.approx(float(told), abs=0.06)
    assert ", surely more than " in found.message
    assert "; chance of a false alarm below 1 %" in found.message
    better = Looks.at(scored(*reversed(means)), raw)
    better.every(15, HOUR)
    assert Verdict.BREACH not in verdicts(better)
    assert "; no worse, surely less than" in better.made[-1].message


def test_a_mean_that_gets_worse_late_is_told_since_when() -> None:
    early, worse = scored(0.8, 0.8, HOUR), scored(0.6, 0.8, HOUR, seed=2)
    joined = Counters()
    for name, all_ in early.series.items():
        for one, other in zip(all_, worse.series[name], strict=True):
            last, end = one.samples[-1], one.samples[-1]
            more = tuple((last[0] + at - other.samples[0][0], end[1] + value) for at, value in other.samples[1:])
            joined.series.setdefault(name, []).append(replace(one, samples=one.samples + more))
    looks = Looks.at(joined, SCORE)
    looks.every(15, 2 * HOUR)
    found = breach(looks)
    assert found.at > EPOCH + HOUR
    assert found.message.startswith("since 2027-")
    assert "; in all of this stage treatment's mean is" in found.message


def test_a_block_lasts_as_long_as_the_interval_and_one_of_means_never_a_moment() -> None:
    asked = [check_of(read(raw | {"interval": interval})) for raw in (WORSE, SCORE) for interval in ("1s", "1m")]
    found = [one.blocks.step for one in asked if isinstance(one, SequentialCheck)]

    assert found == [1, 60, 15, 60]


def test_means_that_are_nothing_have_no_ratio() -> None:
    counters = Counters()
    for group in ("treatment", "control"):
        counters.scraped("score_sum", iter([0.0] * 240), group=group)
        counters.scraped("score_count", iter([5.0] * 240), group=group)
    raw = {"name": "score", "compare": {"sum": "score_sum", "count": "score_count", "ratio": 1.1}}
    found = Looks.at(counters, raw).every(15, HOUR)
    assert found.verdict is Verdict.INCONCLUSIVE  # values that are all the same teach nothing


def test_a_mean_of_nothing_is_told_as_such() -> None:
    counters = Counters()
    for group in ("treatment", "control"):
        counters.scraped("score_sum", iter([0.0] * 240), group=group)
        counters.scraped("score_count", iter([0.0] * 240), group=group)
    found = Looks.at(counters, SCORE).every(15, HOUR)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "treatment's mean is not known yet, legacy's is not known yet" in found.message
