"""For how long a bad model is looked for."""

import pytest
from mlrollout.api.spec import Spec
from mlrollout.simulate.forecast import DAY, HOUR, WEEK, Simulation
from mlrollout.simulate.load import Load
from mlrollout.simulate.outcome import SimulationParameters

ERRORS = {"name": "errors", "rate": {"bad": 'r{status="failure"}', "all": "r", "max": 0.05}}


@pytest.mark.parametrize(("after", "within", "found"), [("Guard", WEEK, 2), ("Stop", 6 * HOUR, 0)])
def test_guardrails_that_end_with_the_rollout_find_nothing_after_it(after: str, within: float, found: int) -> None:
    stages = [
        {"name": "pilot", "percentage": 10, "duration": "1d"},
        {"name": "full", "percentage": 100, "duration": "6h"},
    ]
    raw = {"revision": "r", "traffic": {"key": "k"}, "stages": stages, "guardrails": [ERRORS], "afterCompletion": after}
    spec = Spec.model_validate(raw)
    simulation = Simulation(spec, SimulationParameters(Load(0.35, 0.01), 20))

    seen = [simulation.detection(stage, 5.6, lambda: None) for stage in spec.stages]
    assert [one.within for one in seen] == [DAY, within]
    assert seen[-1].found == found
