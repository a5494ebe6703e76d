"""`mlrollout simulate` as a person or a pipeline meets it."""

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

FINE, ROLLED_BACK, WRONG, INTERRUPTED = 0, 1, 2, 130
LOAD = ("--traffic", "0.35/s", "--bad", "1%")
ROLLOUT = """
apiVersion: mlrollout.dev/v1alpha1
kind: MLRollout
metadata: {name: careful}
spec:
  revision: a
  traffic: {key: k}
  stages: [{name: all, percentage: 100, duration: 1h}]
  guardrails:
  - name: errors
    rate: {bad: 'r{status="failure"}', all: 'r', max: 0.05}
"""
COIN = (
    ROLLOUT.partition("  guardrails:")[0]
    + """
  guardrails:
  - name: errors
    query: sum(rate(r{status="failure"}[$window])) / sum(rate(r[$window]))
    max: 0.05
  - name: slow
    query: histogram_quantile(0.95, sum by (le) (rate(s_bucket[$window])))
    max: 5
"""
)


def simulate(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mlrollout", "simulate", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)


@pytest.fixture
def careful(tmp_path: Path) -> str:
    file = tmp_path / "rollout.yaml"
    file.write_text(ROLLOUT)
    return str(file)


@pytest.fixture
def coin(tmp_path: Path) -> str:
    file = tmp_path / "coin.yaml"
    file.write_text(COIN)
    return str(file)


def test_a_threshold_on_few_requests_fails_a_pipeline_and_says_why(coin: str) -> None:
    ran = simulate("-f", coin, *LOAD, "--tries", "10")
    assert re.search(r"^rolled back for nothing  \d+ of 10 .*; by errors", ran.stdout, re.MULTILINE)
    assert re.search(r"^slow +taken as always passing: `histogram_quantile`", ran.stdout, re.MULTILINE)
    assert re.search(r"^20 times worse \(20 % bad\) .* users", ran.stdout, re.MULTILINE)
    assert (ran.returncode, ran.stderr) == (ROLLED_BACK, "")


def test_a_careful_rollout_is_fine_and_told_to_programs(careful: str) -> None:
    ran = simulate("-f", careful, "--traffic", "1250/h", "--bad", "0.01", "--tries", "10", "-o", "json")
    told = json.loads(ran.stdout)
    assert (ran.returncode, ran.stderr) == (FINE, "")
    assert told["well"] is True
    assert told["traffic"] == pytest.approx(1250 / 3600)
    assert told["guardrails"] == [{"name": "errors", "simulated": True}]
    assert (told["healthy"]["rolledBack"], told["healthy"]["completed"]) == (0, 10)
    assert {(one["stage"], one["times"]) for one in told["found"]} == {("all", times) for times in (1.5, 2, 5, 20)}
    assert told["found"][-1]["after"] < told["found"][-1]["within"]


def test_a_bar_is_shown_on_a_terminal_alone(careful: str) -> None:
    ours, its = pty.openpty()
    command = [sys.executable, "-m", "mlrollout", "simulate", "-f", careful, *LOAD, "--tries", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=its, text=True) as running:
        os.close(its)
        shown = b""
        try:
            while part := os.read(ours, 65536):
                shown += part
        except OSError:
            pass  # it is done
        assert running.stdout is not None
        out = running.stdout.read()
    os.close(ours)
    assert b"rollouts" in shown
    assert "rolled back for nothing" in out


def test_ctrl_c_ends_it_and_all_its_processes(careful: str) -> None:
    ours, its = pty.openpty()
    command = [sys.executable, "-m", "mlrollout", "simulate", "-f", careful, *LOAD, "--tries", "100000"]
    session = [sys.executable, "-c", _IN_A_TERMINAL, *command]
    with subprocess.Popen(session, stdin=its, stdout=its, stderr=its, start_new_session=True) as running:
        os.close(its)
        shown = b""
        while b"rollouts" not in shown:
            shown += os.read(ours, 65536)
        os.write(ours, b"\x03")
        try:
            while part := os.read(ours, 65536):
                shown += part  # until each process that has this terminal is gone
        except OSError:
            pass
        assert running.wait(timeout=60) == INTERRUPTED
    os.close(ours)
    assert b"Traceback" not in shown


_IN_A_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)
"""Gives a command the terminal at its input for its own, so that Ctrl-C there reaches it and its processes."""


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("-f", "missing.yaml", *LOAD), "missing.yaml can't be read (No such file or directory)"),
        (("-f", "COIN", "--traffic", "fast", "--bad", "1%"), "write requests of all users, as 0.35/s or 1250/h"),
        (("-f", "COIN", "--traffic", "0/s", "--bad", "1%"), "'0/s' is no traffic"),
        (("-f", "COIN", "--traffic", "1/s", "--bad", "100%"), "'100%' is no share of bad requests"),
        (("-f", "COIN", *LOAD, "--scrape", "often"), "--scrape 'often' is not a duration"),
        (("-f", "COIN", *LOAD, "--scrape", "1ms"), "--scrape 1ms is too short"),
        (("-f", "COIN", *LOAD, "--scrape", "2h"), "or too long: from 1s to 1h"),
        (("-f", "COIN", *LOAD, "--name", "other"), "holds no MLRollout called other; there is careful"),
    ],
)
def test_what_can_not_be_used_is_told(coin: str, arguments: tuple[str, ...], told: str) -> None:
    ran = simulate(*(coin if one == "COIN" else one for one in arguments))
    assert told in ran.stderr
    assert "Traceback" not in ran.stderr
    assert ran.returncode == WRONG


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("spec: [", "is no YAML"),
        ("kind: Deployment", "holds no MLRollout: its apiVersion"),
        (ROLLOUT.replace("max: 0.05", "max: 5"), "can't be applied as it is: guardrails[errors]"),
        (ROLLOUT + "---" + ROLLOUT, "holds 2 objects"),
        (
            ROLLOUT.replace("rate: {bad: 'r{status=\"failure\"}', all: 'r', max: 0.05}", "query: up\n    max: 1"),
            "errors:",
        ),
    ],
)
def test_a_file_that_is_not_right_is_told(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "rollout.yaml"
    file.write_text(text)
    ran = simulate("-f", str(file), *LOAD)
    assert told in ran.stderr
    assert "Traceback" not in ran.stderr
    assert ran.returncode == WRONG
