import pytest

SCHEDULES = 300
CHUNK = 20


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("simulation")
    group.addoption("--simulation-seed", type=int, help="run this one schedule, or the first of --simulation-schedules")
    group.addoption("--simulation-schedules", type=int, help=f"how many schedules to run, by default {SCHEDULES}")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Hand the seeds out in chunks, so that workers share them."""
    if "seeds" not in metafunc.fixturenames:
        return
    first = metafunc.config.getoption("simulation_seed", None)
    count = metafunc.config.getoption("simulation_schedules", None) or (SCHEDULES if first is None else 1)
    begin = first or 0
    chunks = [range(at, min(at + CHUNK, begin + count)) for at in range(begin, begin + count, CHUNK)]
    metafunc.parametrize("seeds", chunks, ids=lambda seeds: f"{seeds.start}-{seeds.stop - 1}")
