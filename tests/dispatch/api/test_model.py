"""The model: trained on the example's history, better than the distance, and its file is never believed blindly."""

import json
import pickle
from pathlib import Path
from random import Random
from statistics import mean

import pytest
from dispatch import fleet
from dispatch.breakdown import Breakdown, breakdown
from dispatch.history import DAY, chance
from dispatch.model import FEATURES, LARGEST_FILE, ModelError, load, save
from dispatch.nearest import nearest
from dispatch.recommend import recommend
from dispatch.train import MODELS, REVISION, train

GOOD = json.loads((MODELS / f"{REVISION}.json").read_text())


def test_the_model_that_is_shipped_comes_from_the_history() -> None:
    again = train(REVISION)

    assert again.weights == pytest.approx(GOOD["weights"], rel=1e-3)
    assert again.quality == pytest.approx(GOOD["quality"], abs=1e-3)


def test_training_saves_what_loading_reads(tmp_path: Path) -> None:
    model = load(save(train("ranker-2", dispatches=300), tmp_path))

    assert model.revision == "ranker-2"
    assert len(model.weights) == len(FEATURES)
    assert [file.name for file in tmp_path.iterdir()] == ["ranker-2.json"]


def test_it_knows_more_than_the_distance_and_a_boosted_one_knows_no_more() -> None:
    quality = GOOD["quality"]

    assert quality["auc"] > quality["auc_of_distance"] + 0.1
    assert quality["auc"] > quality["auc_boosted"] - 0.01
    assert quality["average_score"] == pytest.approx(quality["went_well"], abs=0.02)


def test_what_it_recommends_goes_well_more_often_than_the_nearest() -> None:
    model, rng = load(MODELS / f"{REVISION}.json"), Random(5)  # noqa: S311 - made-up orders
    vehicles = [fleet.vehicle(rng, number) for number in range(1, fleet.VEHICLES + 1)]
    most = max(vehicle.turns for vehicle in vehicles)
    orders = [order for number in range(300) if nearest(order := fleet.order(rng, number, DAY), vehicles)]

    best = [recommend(model, order, vehicles, DAY)[0] for order in orders]
    legacy = [breakdown(order, nearest(order, vehicles)[0][0], most, DAY) for order in orders]

    assert mean(chance(one.seen) for one in best) > mean(map(chance, legacy)) + 0.1
    assert mean(one.score for one in best) == pytest.approx(mean(chance(one.seen) for one in best), abs=0.05)


def test_merits_add_up_to_the_score() -> None:
    model = load(MODELS / f"{REVISION}.json")
    seen = Breakdown(distance=0.2, rotation=0.5, time_window=1, preference=0.4, voltage=False)
    average = model.intercept + sum(w * x for w, x in zip(model.weights, model.averages, strict=True))

    odds = average + sum(model.merits(seen).values())

    assert model.score(seen) == pytest.approx(1 / (1 + 2.718281828459045**-odds))


def _with(**differs: object) -> bytes:
    return json.dumps(GOOD | differs).encode()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "can't be loaded"),
        (b"<html>504 Gateway Time-out</html>", "can't be loaded"),
        (b"[]", "can't be loaded"),
        (b"null", "can't be loaded"),
        (b"\xff\xfe\x00", "can't be loaded"),
        (b"[" * 60_000, "can't be loaded"),
        (pickle.dumps(print), "can't be loaded"),
        (b" " * (LARGEST_FILE + 1), "above 65536 bytes"),
        (_with(weights=[1.0] * 4), "weights"),
        (_with(weights=[float("nan")] * 5), "weights"),
        (_with(weights=[1e300] * 5), "weights"),
        (_with(weights=["1"] * 5), "weights"),
        (_with(intercept=float("inf")), "intercept"),
        (_with(code="__import__('os')"), "code"),
        (_with(features=["near"]), "was trained on"),
        (_with(features=list(reversed(FEATURES))), "was trained on"),
        (_with(revision="ranker-7"), "named after its revision"),
    ],
    ids=lambda value: value[:24] if isinstance(value, str) else f"{value[:12]!r}",
)
def test_a_file_that_is_no_model_is_refused_with_a_reason(tmp_path: Path, content: bytes, why: str) -> None:
    file = tmp_path / f"{REVISION}.json"
    file.write_bytes(content)

    with pytest.raises(ModelError, match=why):
        load(file)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    for absent in (tmp_path / "ranker-1.json", tmp_path):
        with pytest.raises(ModelError, match="can't be loaded"):
            load(absent)
