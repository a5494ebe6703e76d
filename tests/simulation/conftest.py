import gc
from collections.abc import Iterator

import pytest

SCHEDULES = 300
TESTED = 100
"""Likewise, of each of the other kinds; those whose guardrails test at every look take twice as long."""
CHUNK = 20
FIRST = 20261126000
"""The first seed: the same every day, for what fails here is what has changed. `long.py` tries what nobody has seen."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("simulation")
    group.addoption("--simulation-seed", type=int, help="run this one schedule, or the first of --simulation-schedules")
    group.addoption("--simulation-schedules", type=int, help=f"how many schedules to run, by default {SCHEDULES}")


def pytest_configure(config: pytest.Config) -> None:
    """Say once which seeds they are: workers get the options of whoever started them."""
    if config.getoption("simulation_seed", None) is None:
        config.option.simulation_seed = FIRST
        config.option.simulation_schedules = config.getoption("simulation_schedules", None) or SCHEDULES


def pytest_report_header(config: pytest.Config) -> str:
    return f"simulated schedules: {_count(config)} from seed {config.option.simulation_seed}"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Hand the seeds out in chunks, so that workers share them."""
    begin, asked = metafunc.config.option.simulation_seed, _count(metafunc.config)
    few = min(asked, TESTED) if asked == SCHEDULES else asked
    for name, most in (("seeds", asked), ("tested_seeds", few), ("named_seeds", few), ("untold_seeds", few)):
        if name in metafunc.fixturenames:
            end = begin + most
            chunks = [range(at, min(at + CHUNK, end)) for at in range(begin, end, CHUNK)]
            metafunc.parametrize(name, chunks, ids=lambda seeds: f"{seeds.start}-{seeds.stop - 1}")


def _count(config: pytest.Config) -> int:
    return config.getoption("simulation_schedules", None) or 1


@pytest.fixture(autouse=True)
def collected_afterwards() -> Iterator[None]:
    """A world is one big cycle of references: looked through once it is over, not while it runs, at half the time.

    And at once, not in the middle of a later test: what a world leaves behind may log as it goes, and a traceback that
    is formatted while `ast.parse` builds a tree ends that with `SystemError` (CPython 3.11).
    """
    gc.freeze()
    gc.disable()
    yield
    gc.enable()
    gc.collect()
    gc.unfreeze()
