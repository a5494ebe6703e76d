"""A seed decides everything, whatever Python's own randomness does."""

import subprocess
import sys
from pathlib import Path

from tests.simulation.world.plan import make
from tests.simulation.world.world import simulate

ROOT = Path(__file__).parents[3]
SEEDS = (9, 11, 27)
TELL = """
from tests.components.simulation.test_determinism import told
print(told(), end="")
"""


def told() -> str:
    """Everything that happens in a few of the busiest schedules."""
    return "".join(f"{entry.at} {entry}\n" for seed in SEEDS for entry in simulate(make(seed)).history)


def test_the_same_seed_makes_the_same_history_in_another_process() -> None:
    other = subprocess.run([sys.executable, "-c", TELL], cwd=ROOT, check=True, capture_output=True, text=True)

    assert other.stdout == told()
