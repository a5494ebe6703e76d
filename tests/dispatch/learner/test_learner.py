"""Round by round: what is registered and when, and what becomes of a round in which something is out of reach."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from dispatch.model import FEATURES, load
from learner.candidate import may_register
from learner.contest import Contest
from learner.enrol import enrol
from learner.learner import Learner
from learner.lesson import State
from learner.metrics import LearnerMetrics
from learner.outcome import Inputs, Outcome
from learner.pretend import pretend
from learner.registry import Registry
from prometheus_client import CollectorRegistry
from sqlalchemy.exc import OperationalError

from tests.dispatch.learner.made import outcome, stream
from tests.dispatch.learner.registry_double import RegistryDouble


class Told:
    """A reader of outcomes that a test has made."""

    def __init__(self, outcomes: Sequence[Outcome]) -> None:
        self.outcomes = list(outcomes)
        self.away = False

    def after(self, number: int, now: float) -> Sequence[Outcome]:
        if self.away:
            raise OperationalError("SELECT", {}, Exception("the database is away"))
        return [one for one in self.outcomes if one.number > number and one.known_at < now]

    def choices(self) -> list[Inputs]:
        return [one.inputs for one in self.outcomes[-500:]]


class Desk:
    """A learner before a registry's double, with last season's model as the champion."""

    def __init__(self, double: RegistryDouble, folder: Path, outcomes: Sequence[Outcome]) -> None:
        self.told = Told(outcomes)
        self.numbers = CollectorRegistry()
        self.registry = Registry(double.url, "dispatch")
        self.models = folder / "models"
        told: Any = self.told
        kept = folder / "learner.json"
        self.learner = Learner(told, self.registry, self.models, kept, LearnerMetrics(self.numbers), patience=100)
        version = enrol(self.registry, self.models, pretend("season"), "by hand")
        self.registry.point("champion", version)
        self.now = outcomes[-1].known_at + 1 if outcomes else 0

    def number(self, name: str, **labels: str) -> float | None:
        return self.numbers.get_sample_value(f"ml_dispatch_{name}", labels)


@pytest.fixture
def desk(double: RegistryDouble, tmp_path: Path) -> Desk:
    return Desk(double, tmp_path, stream(1500))


def test_a_candidate_that_has_won_is_registered_once_and_its_file_is_a_model(
    desk: Desk, double: RegistryDouble
) -> None:
    state = desk.learner.round(desk.learner.begin(), desk.now)

    assert double.aliases == {"champion": "1", "candidate": "2"}
    assert state.contest == Contest()  # what was evidence for this one is none for the next
    model = load(desk.models / "2.json")
    assert model.revision == "2"
    assert set(model.reference) == set(FEATURES)
    tags = {tag["key"]: float(tag["value"]) for tag in double.versions[1]["tags"]}
    assert tags["e_value"] >= 20
    assert tags["log_loss"] < tags["log_loss_of_champion"]
    assert desk.number("learner_registered_total") == 1
    assert desk.learner.round(state, desk.now + 50).candidate == "2"
    assert len(double.versions) == 2


def test_while_one_is_rolled_out_there_is_no_other_and_then_only_on_new_evidence(
    desk: Desk, double: RegistryDouble
) -> None:
    state = desk.learner.round(desk.learner.begin(), desk.now)
    later = [
        outcome(n, inputs=one.inputs, rating=one.rating, predicted_at=desk.now, known_at=desk.now + n)
        for n, one in enumerate(stream(1200, seed=5), start=2000)
    ]
    desk.told.outcomes += later

    state = desk.learner.round(state, desk.now + 50)
    assert not may_register(state.model_copy(update={"contest": Contest(bets=(99.0,) * 5)}), desk.now + 50, 100)
    double.aliases["champion"] = "2"  # what the operator does when its rollout is complete
    state = desk.learner.round(state, desk.now + 9000)

    assert state.champion == "2"
    assert len(double.versions) == 2  # what was learned since is not better by more than chance
    assert may_register(state.model_copy(update={"contest": Contest(bets=(99.0,) * 5)}), desk.now + 9000, 100)


def test_one_that_was_taken_back_has_had_its_turn_after_a_while() -> None:
    taken_back = State(champion="1", candidate="2", since=1000.0, contest=Contest(bets=(99.0,) * 5))

    assert not may_register(taken_back, 1100, patience=100)
    assert may_register(taken_back, 1101, patience=100)
    assert not may_register(taken_back.model_copy(update={"contest": Contest()}), 1101, patience=100)


def test_without_a_champion_it_waits(desk: Desk, double: RegistryDouble) -> None:
    del double.aliases["champion"]

    assert desk.learner.round(State(), desk.now) == State()


@pytest.mark.parametrize("content", [None, b"", b"{}", b"<html>"])
def test_a_champion_without_a_file_leaves_the_one_before_it(
    desk: Desk, double: RegistryDouble, content: bytes | None
) -> None:
    state = desk.learner.round(State(), desk.told.outcomes[9].known_at)
    double.aliases["champion"] = "7"
    if content is not None:
        (desk.models / "7.json").write_bytes(content)

    after = desk.learner.round(state, desk.told.outcomes[19].known_at)

    assert (after.champion, after.position) == ("1", 19)
    assert desk.number("learner_failures_total", of="model") == 1


def test_what_is_out_of_reach_is_counted_and_the_rest_goes_on(desk: Desk, double: RegistryDouble) -> None:
    state = desk.learner.round(State(), desk.told.outcomes[9].known_at)
    double.answer = (503, b"")
    state = desk.learner.round(state, desk.now)
    assert state.position == 1500  # it learns while the registry is away, and registers nothing
    assert desk.number("learner_failures_total", of="registry") == 2
    desk.told.away = True
    assert desk.learner.round(state, desk.now).position == 1500
    assert desk.number("learner_failures_total", of="database") == 1

    double.answer, desk.told.away = None, False

    desk.learner.round(state, desk.now)
    assert double.aliases["candidate"] == "2"
    assert desk.number("learner_outcomes_total", use="learned") == state.online.learned  # each was counted once


def test_it_goes_on_after_a_restart_and_begins_anew_where_what_it_kept_is_broken(desk: Desk) -> None:
    state = desk.learner.round(State(), desk.told.outcomes[99].known_at)

    assert desk.learner.begin() == state
    desk.learner.kept.write_text(desk.learner.kept.read_text()[:-50])
    assert desk.learner.begin() == State()


def test_a_folder_that_takes_nothing_registers_no_alias(desk: Desk, double: RegistryDouble) -> None:
    state = desk.learner.round(State(), desk.told.outcomes[9].known_at)
    (desk.models / "2.json.new").mkdir()  # what cannot be written over

    state = desk.learner.round(state, desk.now)

    assert "candidate" not in double.aliases
    assert desk.number("learner_failures_total", of="files") == 1
    desk.learner.round(state, desk.now)
    assert double.aliases["candidate"] == "3"


def test_refused_outcomes_are_counted_by_their_reasons(double: RegistryDouble, tmp_path: Path) -> None:
    desk = Desk(double, tmp_path, [outcome(1, rating=9), outcome(2, inputs=(7.0,) * 5), outcome(3)])

    desk.learner.round(State(), desk.now)

    assert desk.number("learner_refused_total", reason="label") == 1
    assert desk.number("learner_refused_total", reason="inputs") == 1
    assert desk.number("learner_refused_total", reason="burst") == 0


def test_drift_is_shown_of_the_version_that_is_rolled_out_and_not_where_nobody_knows(
    desk: Desk, double: RegistryDouble
) -> None:
    desk.registry.point("candidate", "1")
    state = desk.learner.round(State(), desk.told.outcomes[9].known_at)
    assert desk.number("feature_psi", feature="near") is None  # last season's model says nothing of its inputs
    state = desk.learner.round(state, desk.now)
    assert double.aliases["candidate"] == "2"
    assert desk.number("feature_psi", feature="near") == 0

    desk.told.outcomes += [outcome(5000 + n, inputs=(0.05, 0.5, 1, 0.5, 1), known_at=desk.now) for n in range(500)]
    desk.learner.round(state, desk.now)

    drift = desk.number("feature_psi", feature="near")
    assert drift is not None
    assert drift > 0.25
