"""`python -m dispatch.train`: learn a model from the history, say how good it is, and save it.

Quality is measured on dispatches that were held back. `auc` is how often, of one dispatch that went well and one that
did not, the former has the higher score: 0.5 is chance. What the legacy path goes by, the distance, is measured beside
it, and so is a boosted model, which could follow any curve.
"""

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, roc_auc_score
from threadpoolctl import threadpool_limits

from .breakdown import Breakdown
from .history import history
from .model import FEATURES, ModelFile, inputs, save

MODELS = Path(__file__).parent.parent / "models"
REVISION = "ranker-1"
DISPATCHES = 20_000

Numbers: TypeAlias = NDArray[np.float64]


def train(revision: str, dispatches: int = DISPATCHES, seed: int = 1) -> ModelFile:
    """A model of the history's first four fifths, measured on the last one."""
    seen, well = _arrays(history(dispatches, seed))
    with threadpool_limits(limits=1):  # so little is done sooner by one thread than by many that wait for each other
        return _learn(revision, seen, well)


def _learn(revision: str, seen: Numbers, well: Numbers) -> ModelFile:
    known = len(well) * 4 // 5
    model = LogisticRegression().fit(seen[:known], well[:known])
    boosted = HistGradientBoostingClassifier(random_state=1).fit(seen[:known], well[:known])
    held_back, truth = seen[known:], well[known:]
    scores = model.predict_proba(held_back)[:, 1]
    quality = {
        "auc": roc_auc_score(truth, scores),
        "auc_of_distance": roc_auc_score(truth, held_back[:, FEATURES.index("near")]),
        "auc_boosted": roc_auc_score(truth, boosted.predict_proba(held_back)[:, 1]),
        "brier": brier_score_loss(truth, scores),
        "went_well": float(np.mean(truth)),
        "average_score": float(np.mean(scores)),
    }
    return ModelFile(
        revision=revision,
        features=list(FEATURES),
        weights=_rounded(model.coef_[0]),
        averages=_rounded(seen[:known].mean(axis=0)),
        intercept=round(float(model.intercept_[0]), 6),
        quality={name: round(float(value), 4) for name, value in quality.items()},
    )


def _arrays(told: Iterable[tuple[Breakdown, bool]]) -> tuple[Numbers, Numbers]:
    seen, well = zip(*((inputs(points), outcome) for points, outcome in told), strict=True)
    return np.array(seen, dtype=np.float64), np.array(well, dtype=np.float64)


def _rounded(values: Numbers) -> list[float]:
    return [round(float(value), 6) for value in values]


def main() -> None:
    """Train, save, tell."""
    parser = argparse.ArgumentParser(prog="dispatch.train", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--revision", default=REVISION, help=f"what to call it (default: {REVISION})")
    parser.add_argument("--dispatches", type=int, default=DISPATCHES, help=f"how much history (default: {DISPATCHES})")
    parser.add_argument("--seed", type=int, default=1, help="of the history (default: 1)")
    parser.add_argument("--folder", type=Path, default=MODELS, help="where to save it (default: models)")
    options = parser.parse_args()
    model = train(options.revision, options.dispatches, options.seed)
    print(f"saved {save(model, options.folder)}")
    for name, value in {**dict(zip(FEATURES, model.weights, strict=True)), **model.quality}.items():
        print(f"{name:<16} {value:8.4f}")


if __name__ == "__main__":
    main()
