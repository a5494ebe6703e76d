"""Held against what libraries answer that others wrote; references/make.py tells which, and how it was asked."""

import json
import math
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest
from mlrollout.evidence.statistics.bets import factors, prices
from mlrollout.evidence.statistics.blocks import Counts
from mlrollout.evidence.statistics.intervals import of_rate
from mlrollout.evidence.statistics.mean import Gaps, of_gap

REFERENCES: dict[str, list[dict[str, Any]]] = json.loads(
    Path(__file__).with_name("references").joinpath("references.json").read_text()
)


def mixed(treatment: int, users: int, share: float, concentration: float = 10_000) -> float:
    """Our bets on every split, mixed by the same prior as theirs: numerically, 8 standard deviations to each side."""
    spread = 8 * math.sqrt(share * (1 - share) / concentration)
    one, other = concentration * share, concentration * (1 - share)
    scale = math.lgamma(concentration) - math.lgamma(one) - math.lgamma(other)
    steps, total = 2000, []
    for at in range(1, steps):
        true = share + spread * (2 * at / steps - 1)
        multiple = true / (1 - true) / (share / (1 - share))
        density = scale + (one - 1) * math.log(true) + (other - 1) * math.log1p(-true)
        total.append(math.exp(factors(users, treatment, prices(share, (multiple,)))[0] + density))
    return math.fsum(total) * 2 * spread / steps


@pytest.mark.parametrize("case", REFERENCES["split"], ids=lambda case: case["share"])
def test_bets_on_a_split_are_those_that_ssrm_test_mixes(case: dict[str, Any]) -> None:
    sums = accumulate(case["users"], lambda one, other: [one[0] + other[0], one[1] + other[1]])
    found = [mixed(treatment, treatment + control, case["share"]) for treatment, control in sums]

    assert found == pytest.approx(case["factors"], rel=1e-6)


@pytest.mark.parametrize("case", REFERENCES["rates"], ids=lambda case: f"{case['bad']}-of-{case['events']}")
def test_an_interval_for_a_share_is_as_confseq_finds_it(case: dict[str, Any]) -> None:
    """Theirs is tuned to be narrowest at this very number of events, ours at none: so it may be half as wide again."""
    ours = of_rate(Counts(case["events"], case["bad"]), case["alpha"])

    assert 0.85 < (ours.high - ours.low) / (case["high"] - case["low"]) < 1.5
    assert ours.low <= case["bad"] / case["events"] <= ours.high


@pytest.mark.parametrize("case", REFERENCES["halves"], ids=lambda case: f"{case['bad']}-of-{case['events']}")
def test_an_interval_leaves_a_share_out_just_where_confseq_has_so_much_evidence_against_it(
    case: dict[str, Any],
) -> None:
    counts = Counts(case["events"], case["bad"])
    level = math.exp(-case["log"])
    inside, outside = of_rate(counts, min(level * 0.999, 0.999)), of_rate(counts, min(level * 1.001, 0.9999))

    assert inside.low <= 0.5 <= inside.high
    if level < 0.99:
        assert not outside.low <= 0.5 <= outside.high


@pytest.mark.parametrize("case", REFERENCES["bounds"], ids=lambda case: case["variance"])
def test_the_bounds_of_a_gap_are_those_that_confseq_has_for_its_sum(case: dict[str, Any]) -> None:
    unit = Gaps(blocks=101, weight=case["variance"], mean=0.0, apart=100.0)

    assert of_gap(unit, case["alpha"], case["tuned"]).high * case["variance"] == pytest.approx(case["bound"], rel=1e-6)
