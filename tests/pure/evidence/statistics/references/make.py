"""Writes down what libraries that others wrote answer, for the tests to hold ours against.

They need what the product does not (numpy, scipy, a C++ compiler and Boost), so this runs in an environment of its own:

    python -m venv .venv-references
    .venv-references/bin/pip install --no-deps --require-hashes -r requirements/references.txt
    PATH=$PWD/.venv-references/bin:$PATH pip install --no-deps --no-build-isolation confseq==0.0.11
    .venv-references/bin/python tests/pure/evidence/statistics/references/make.py
"""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
from confseq import boundaries
from ssrm_test.ssrm_test import sequential_bayes_factors

CHANCE = random.Random(7)  # noqa: S311  # from a fixed seed


def split() -> list[dict[str, Any]]:
    """`ssrm-test`: the Bayes factor of another split than was asked for, prior Dirichlet(10 000 share)."""
    cases = []
    for share, true in ((0.1, 0.1), (0.1, 0.08), (0.3, 0.3), (0.3, 0.33), (0.5, 0.52)):
        users = [[k := sum(CHANCE.random() < true for _ in range(500)), 500 - k] for _ in range(8)]
        factors = sequential_bayes_factors(np.array(users), np.array([share, 1 - share]))
        cases.append({"share": share, "users": users, "factors": [float(one) for one in factors]})
    return cases


def rates() -> list[dict[str, Any]]:
    """`confseq`: an interval for a share at every look, tuned to be narrowest at this number of events."""
    cases = []
    for bad, events in ((0, 100), (3, 10), (10, 1000), (61, 1000), (500, 1000), (1000, 100_000)):
        low, high = boundaries.bernoulli_confidence_interval(bad, events, 0.05, events)
        cases.append({"bad": bad, "events": events, "alpha": 0.05, "low": low, "high": high})
    return cases


def halves() -> list[dict[str, Any]]:
    """`confseq`: the mixture over shares at a half, where its prior and ours (Jeffreys') are the same."""
    wide = 2 * np.log(20) + np.log(1 + 2 * np.log(20))
    cases = []
    for bad, events in ((3, 10), (60, 100), (0, 5), (5200, 10_000)):
        log = boundaries.beta_binomial_log_mixture(bad - events / 2, events / 4, wide / 2, 0.5, 0.5, 0.05, False)  # noqa: FBT003
        cases.append({"bad": bad, "events": events, "log": float(log)})
    return cases


def bounds() -> list[dict[str, Any]]:
    """`confseq`: the two-sided normal mixture bound for a sum, by its variance and the one it is tuned for."""
    cases = []
    for variance, tuned, alpha in ((10.0, 10.0, 0.05), (100.0, 50.0, 0.01), (1e6, 2500.0, 0.05), (3.0, 2500.0, 0.2)):
        bound = float(boundaries.normal_mixture_bound(variance, alpha, tuned, alpha, False))  # noqa: FBT003
        cases.append({"variance": variance, "tuned": tuned, "alpha": alpha, "bound": bound})
    return cases


if __name__ == "__main__":
    found = {"split": split(), "rates": rates(), "halves": halves(), "bounds": bounds()}
    Path(__file__).with_name("references.json").write_text(json.dumps(found, indent=1) + "\n")
