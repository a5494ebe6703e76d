"""The learner as a process: it begins without anything, follows a champion, and bears a registry that is away."""

from pathlib import Path

from devstack import web
from devstack.learning.learner import LearnerProcess
from devstack.processes import wait_until
from tests.dispatch.learner.registry_double import RegistryDouble


def test_it_runs_from_nothing_to_a_champion_and_through_an_outage(double: RegistryDouble, tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'dispatch.db'}"
    with LearnerProcess(double.url, tmp_path / "models", database, tmp_path / "learner", patience=1) as learner:
        version = learner.enrol(learner.pretend("season"), "candidate", "champion")
        kept = tmp_path / "learner" / "learner.json"
        wait_until(kept.exists, within=30, what="it to follow the champion")

        double.answer = (503, b"")

        failures = b'ml_dispatch_learner_failures_total{of="registry"} 0.0'
        wait_until(lambda: failures not in metrics(learner), within=30, what="a failure to be counted")
        assert learner.child.alive
    assert double.aliases == {"candidate": version, "champion": version}
    assert (tmp_path / "models" / f"{version}.json").exists()


def metrics(learner: LearnerProcess) -> bytes:
    return web.get(f"http://{learner.address}/metrics") or b'ml_dispatch_learner_failures_total{of="registry"} 0.0'
