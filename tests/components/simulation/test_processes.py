"""A simulation on many cores comes to the same as on one."""

import pytest
from mlrollout.api.spec import Spec
from mlrollout.simulate.forecast import Simulation
from mlrollout.simulate.load import Load
from mlrollout.simulate.outcome import SimulationParameters
from mlrollout.simulate.processes import processes

SPEC = Spec.model_validate(
    {
        "revision": "1",
        "traffic": {"key": "k"},
        "stages": [{"name": "pilot", "percentage": 10, "duration": "1h"}],
        "guardrails": [{"name": "errors", "rate": {"bad": 'r{status="failure"}', "all": "r", "max": 0.05}}],
    }
)
PARAMETERS = SimulationParameters(Load(3.5, 0.01), tries=25)


def test_how_many_processes_there_are_changes_nothing() -> None:
    told = []
    alone = Simulation(SPEC, PARAMETERS).run()
    simulation = Simulation(SPEC, PARAMETERS)
    with processes(SPEC, PARAMETERS, simulation.tries, count=3) as workers:
        assert workers is not None
        found = simulation.run(lambda: told.append(1), workers)

    assert found == alone
    assert 25 + 4 * 2 < len(told) <= simulation.tries


@pytest.mark.parametrize(("tries", "count"), [(10, 4), (1000, 1)])
def test_few_tries_and_one_core_need_no_more(tries: int, count: int) -> None:
    with processes(SPEC, PARAMETERS, tries, count) as workers:
        assert workers is None
