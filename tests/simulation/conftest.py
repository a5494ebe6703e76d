import pytest

SCHEDULES = 300
CHUNK = 20


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("simulation")
    group.addoption("--simulation-seed", type=int, help="run this one schedule, or the first of --simulation-schedules")
    group.addoption("--every-fate", action="store_true", help="live through every fate at every call of the stories")
    group.addoption("--simulation-schedules", type=int, help=f"how many schedules to run, by default {SCHEDULES}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what takes a minute and a half of CPU, unless it is asked for."""
    if not config.getoption("every_fate"):
        left_out = [item for item in items if item.get_closest_marker("every_fate")]
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Hand the seeds out in chunks, so that workers share them."""
    if "seeds" not in metafunc.fixturenames:
        return
    first = metafunc.config.getoption("simulation_seed", None)
    count = metafunc.config.getoption("simulation_schedules", None) or (SCHEDULES if first is None else 1)
    begin = first or 0
    chunks = [range(at, min(at + CHUNK, begin + count)) for at in range(begin, begin + count, CHUNK)]
    metafunc.parametrize("seeds", chunks, ids=lambda seeds: f"{seeds.start}-{seeds.stop - 1}")
