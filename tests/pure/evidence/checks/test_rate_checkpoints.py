"""What a rate remembers, for another process or another look to go on from."""

import json
import math
from dataclasses import replace
from typing import Any

import pytest
from mlrollout.evidence.checks.check import Occasion

from tests.pure.evidence.checks.counters import EPOCH, Counters, Looks, traffic
from tests.pure.evidence.checks.rates import HOUR, healthy


@pytest.mark.parametrize("checkpoint", ["", "null", "{}", "[]", "{", '{"guardrail":"other"}', "3"])
def test_a_checkpoint_that_is_none_of_ours_is_none(checkpoint: str) -> None:
    looks = Looks.at(traffic(5, healthy, HOUR))
    looks.check.restore(checkpoint)
    assert looks.every(15, HOUR) == Looks.at(looks.counters).every(15, HOUR)


def test_one_that_was_cut_is_none() -> None:
    looks = Looks.at(traffic(5, healthy, HOUR))
    looks.every(15, HOUR)
    kept = json.loads(looks.made[-1].checkpoint)
    for field in kept.keys() - {"shares", "gaps"}:
        assert not remembered({name: value for name, value in kept.items() if name != field})


@pytest.mark.parametrize(
    "broken",
    [
        {"attempt": math.inf},
        {"upto": 10**400},
        {"upto": math.nan},
        {"shares": [[math.inf, EPOCH, 0.1]]},
        {"shares": [[EPOCH, 0.1]]},
        {"shares": 7},
        {"gaps": [[EPOCH, "later"]]},
        {"calmAt": -math.inf},
    ],
)
def test_one_whose_times_are_none_is_none(broken: dict[str, object]) -> None:
    looks = Looks.at(traffic(5, healthy, HOUR))
    kept = json.loads(looks.every(15, HOUR).checkpoint)
    assert remembered(kept)
    assert not remembered(kept | broken)


def remembered(kept: dict[str, Any]) -> str:
    """What another process remembers by a checkpoint."""
    other = Looks.at(Counters())
    other.check.restore(json.dumps(kept))
    return other.check.failed(Occasion(EPOCH, 0.0), "").checkpoint


def test_one_of_the_version_before_is_read_and_what_it_did_not_keep_is_learnt() -> None:
    counters = traffic(5, healthy, 2 * HOUR)
    looks, steady = Looks.at(counters), Looks.at(counters)
    kept = json.loads(looks.every(15, HOUR).checkpoint)
    del kept["shares"], kept["gaps"]
    other = Looks.at(counters)
    other.check.restore(json.dumps(kept))
    learnt, known = other.every(15, 2 * HOUR, begin=HOUR), steady.every(15, 2 * HOUR)
    assert replace(learnt, checkpoint="") == replace(known, checkpoint="")
    shares = json.loads(learnt.checkpoint)["shares"]
    assert json.loads(learnt.checkpoint) == json.loads(known.checkpoint) | {"shares": shares}
    assert shares == [[kept["upto"], EPOCH, 0.1]]
