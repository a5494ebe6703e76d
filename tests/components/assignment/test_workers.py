"""Several workers under gunicorn count together, and what a dead one has counted stays."""

import math
import os
import signal
from collections import Counter
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
from mlrollout import Group, Metrics
from mlrollout.assignment.recent import SLOT, SLOTS, Recent, error_rate, tables

from tests.components.assignment.metered import Metered, rate, read, total
from tests.components.assignment.place import until

WORKERS = 3
ASKED = (("treatment", "success"), ("treatment", "success"), ("treatment", "failure"), ("control", "success"))
NOW = 1_800_000_000.0


@pytest.fixture(params=[False, True], ids=["each by itself", "preloaded"])
def metered(request: pytest.FixtureRequest) -> Iterator[Metered]:
    with Metered(WORKERS, preload=request.param) as server:
        yield server


def spread(metered: Metered, over: int = WORKERS) -> tuple[Counter[tuple[str, str]], set[int]]:
    """Call until so many workers have had a failure; what was called, and who had one."""
    called, had = Counter[tuple[str, str]](), set[int]()

    def calls() -> bool:
        for group, outcome in ASKED:
            worker = metered.call(group, outcome)
            called[group, outcome] += 1
            if outcome == "failure":
                had.add(worker)
        return len(had) >= over

    until(calls, f"failures in {over} workers")
    return called, had


def shares(called: Counter[tuple[str, str]]) -> float:
    failed = called["treatment", "failure"]
    return failed / (failed + called["treatment", "success"])


def test_before_the_first_call_everything_is_there_at_zero(metered: Metered) -> None:
    values = metered.values()

    for group, status in product(Group, ("success", "failure")):
        assert total(values, group, status) == 0
    assert math.isnan(rate(values))
    rates = [name for name in values if "error_rate" in name]
    assert rates == ['ml_dispatch_error_rate{group="control"}', 'ml_dispatch_error_rate{group="treatment"}']
    assert all(value == 0 for name, value in values.items() if name not in rates)
    assert len(values) == 4 + 2 + 2 * (8 + 2) + 2 * (6 + 2)


def test_totals_and_the_error_rate_are_those_of_all_workers(metered: Metered) -> None:
    called, _ = spread(metered)
    values = metered.values()

    for group, status in ASKED:
        assert total(values, group, status) == called[group, status]
    assert rate(values) == pytest.approx(shares(called))
    assert rate(values, "control") == 0
    in_time = called["treatment", "success"] + called["treatment", "failure"]
    assert values['ml_dispatch_response_time_seconds_count{group="treatment"}'] == in_time
    assert values['ml_dispatch_score_bucket{group="treatment",le="0.8"}'] == called["treatment", "success"]


def test_every_worker_shows_the_same_and_no_process(metered: Metered) -> None:
    spread(metered)
    shown = dict[int, str]()

    def scrapes() -> bool:
        worker, text = metered.get("/metrics")
        shown[worker] = text
        return len(shown) == WORKERS

    until(scrapes, "a scrape of every worker")
    assert len({tuple(sorted(read(text).items())) for text in shown.values()}) == 1
    assert "pid" not in "".join(shown.values())


def test_every_worker_has_a_table_of_its_own(metered: Metered) -> None:
    _, workers = spread(metered)

    assert workers <= {int(file.stem.partition("-")[2]) for file in metered.directory.rglob("*.recent")}


def test_a_workers_death_takes_nothing_away_and_the_next_one_adds_to_it(metered: Metered) -> None:
    called, workers = spread(metered)
    dead = workers.pop()
    os.kill(dead, signal.SIGKILL)
    until(lambda: metered.get("/metrics")[0] not in {dead, *workers}, "a worker in its place")

    assert rate(metered.values()) == pytest.approx(shares(called))
    more, _ = spread(metered)
    values = metered.values()
    assert rate(values) == pytest.approx(shares(called + more))
    assert total(values, "treatment", "failure") == (called + more)["treatment", "failure"]


# --- the tables on disk ------------------------------------------------------------------------------


def shown(folder: Path, prefix: str = "x") -> float:
    return error_rate(dict(tables(folder))[prefix], Group.TREATMENT)


def test_what_a_dead_process_left_ages_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlrollout.assignment.recent.time", lambda: NOW)
    Recent("x", tmp_path).add(Group.TREATMENT, failed=True)
    assert shown(tmp_path) == 1

    monkeypatch.setattr("mlrollout.assignment.recent.time", lambda: NOW + SLOT * SLOTS)
    assert math.isnan(shown(tmp_path))


def test_a_process_with_the_id_of_a_dead_one_goes_on_with_its_table(tmp_path: Path) -> None:
    Recent("x", tmp_path).add(Group.TREATMENT, failed=True)
    Recent("x", tmp_path).add(Group.TREATMENT, failed=False)

    assert shown(tmp_path) == 0.5


def test_a_folder_that_goes_leaves_a_process_counting_by_itself(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    process = Recent("x", tmp_path / "gone")
    process.add(Group.TREATMENT, failed=True)

    assert error_rate([process.table], Group.TREATMENT) == 1
    assert "the error rate of x leaves this process out" in caplog.text


def test_prefixes_are_kept_apart(tmp_path: Path) -> None:
    Recent("x", tmp_path).add(Group.TREATMENT, failed=True)
    Recent("x_y", tmp_path).add(Group.TREATMENT, failed=False)

    assert (shown(tmp_path), shown(tmp_path, "x_y")) == (1, 0)


def test_a_table_that_is_just_being_made_is_passed_over(tmp_path: Path) -> None:
    Recent("x", tmp_path).add(Group.TREATMENT, failed=True)
    (tmp_path / "x-1.recent").touch()

    assert shown(tmp_path) == 1


def test_a_folder_that_does_not_exist_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path / "none"))

    with pytest.raises(FileNotFoundError, match="none, which is no folder: make it before you start"):
        Metrics("never_registered")
