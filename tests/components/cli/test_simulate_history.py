"""`mlrollout simulate --prometheus`: the traffic of the past, read of a real Prometheus that has it."""

import json
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack import binaries
from devstack.prometheus_server import PrometheusServer
from tests.components.cli.test_simulate import FINE, WRONG, simulate

pytestmark = pytest.mark.long

HOUR = 3600
ROLLOUT = """
apiVersion: mlrollout.dev/v1alpha1
kind: MLRollout
metadata: {name: careful}
spec:
  revision: a
  traffic: {key: k}
  stages: [{name: pilot, percentage: 10, duration: 2d}]
  guardrails:
  - name: errors
    rate: {bad: 'd_total{group="treatment",status="failure"}', all: 'd_total{group="treatment"}', max: 0.05}
"""


def grown() -> str:
    """Two days of counters of the control: a request a second by day and none by night, of which 2 % fail."""
    now, lines = int(time.time()), ["# TYPE d counter"]
    begin = now - 48 * HOUR
    for status, share in (("success", 0.98), ("failure", 0.02)):
        count = 0.0
        for at in range(begin, now, 60):
            count += 60 * share if (at // HOUR) % 24 >= 12 else 0.0
            lines.append(f'd_total{{group="control",status="{status}"}} {round(count)} {at}')
    return "\n".join([*lines, "# EOF", ""])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusServer]:
    folder = tmp_path_factory.mktemp("history")
    (folder / "metrics").write_text(grown())
    data = folder / "server" / "data"
    data.mkdir(parents=True)
    made = [
        str(binaries.path("promtool")),
        "tsdb",
        "create-blocks-from",
        "openmetrics",
        str(folder / "metrics"),
        str(data),
    ]
    subprocess.run(made, check=True, capture_output=True, timeout=100)
    with PrometheusServer(folder / "server") as running:
        yield running


@pytest.fixture
def file(tmp_path: Path) -> str:
    made = tmp_path / "rollout.yaml"
    made.write_text(ROLLOUT)
    return str(made)


def test_the_traffic_of_the_past_is_simulated_hour_by_hour(server: PrometheusServer, file: str) -> None:
    ran = simulate("-f", file, "--prometheus", server.url, "--since", "1d", "--tries", "10", "-o", "json")
    assert ran.returncode == FINE, ran.stderr
    told = json.loads(ran.stdout)
    assert told["traffic"] == pytest.approx(0.5, abs=0.05)  # by day alone
    assert told["bad"] == pytest.approx(0.02, abs=0.002)
    assert told["past"] == pytest.approx(24 * HOUR, abs=2 * HOUR)
    assert told["guardrails"] == [{"name": "errors", "simulated": True}]
    assert (told["healthy"]["rolledBack"], told["healthy"]["tries"]) == (0, 10)


def test_what_could_not_be_read_is_said_and_the_share_may_be_given(server: PrometheusServer, file: str) -> None:
    ran = simulate("-f", file, "--prometheus", server.url, "--since", "4d", "--bad", "1%", "--tries", "10")
    assert ran.returncode == FINE, ran.stderr
    assert re.search(r"\d\d of 96 hours could not be read, and are left out", ran.stderr)
    assert re.search(r"at the traffic of the last \S+: in the mean 0\.\d+ requests a second .* 1 % are bad", ran.stdout)


def test_what_can_not_be_used_is_told(server: PrometheusServer, file: str, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(ROLLOUT.replace("d_total", "nowhere_total"))
    for arguments, told in (
        (("-f", file), "say the traffic by --traffic and --bad, or where it can be read by --prometheus"),
        (("-f", file, "--traffic", "1/s"), "say the traffic by --traffic and --bad"),
        (("-f", file, "--traffic", "1/s", "--bad", "1%", "--prometheus", server.url), "say the traffic by"),
        (("-f", file, "--prometheus", server.url, "--since", "1h"), "--since 1h is too short or too long: from 1d"),
        (("-f", file, "--prometheus", "nonsense"), "--prometheus: Prometheus' address must be"),
        (("-f", file, "--prometheus", "http://127.0.0.1:9"), "can't be reached"),
        (("-f", str(other), "--prometheus", server.url), "Prometheus has counted nothing in the last 14d"),
    ):
        ran = simulate(*arguments)
        assert (ran.returncode, told in ran.stderr) == (WRONG, True), ran.stderr
        assert len(ran.stderr.splitlines()) == 1
