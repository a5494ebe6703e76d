"""`mlrollout blocks` and `mlrollout replay` as they are typed: what they write, and how they end."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from devstack.processes import wait_until
from devstack.prometheus_server import PrometheusServer
from tests.pure.replay.test_replay import failing, rollout, written
from tests.support.target import target

SAME, OTHER, WRONG, NO_CLUSTER = 0, 1, 2, 3


def run(*arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mlrollout", *arguments],
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "KUBECONFIG": "/nowhere"},
    )


def one_line(ran: subprocess.CompletedProcess[str]) -> str:
    """What a command that failed says; nothing else is written."""
    (line,) = ran.stderr.splitlines()
    assert not ran.stdout
    return line


async def test_a_document_is_replayed_and_what_was_changed_in_it_is_found(tmp_path: Path) -> None:
    document = await written()
    file = tmp_path / "verdict.json"
    file.write_text(json.dumps(document))
    ran = run("replay", str(file))
    assert ran.returncode == SAME
    (line,) = ran.stdout.splitlines()
    assert line.startswith("errors: Breach, e-value ")
    assert line.endswith(": as it was recorded, to the last bit")
    value = document["guardrails"][0]["recorded"]["eValue"]
    assert f"e-value {value!r} (a breach from 100 on), of " in line

    document["guardrails"][0]["blocks"][-1]["counts"][1] -= 1
    ran = run("replay", "-", text=json.dumps(document))
    assert ran.returncode == OTHER
    assert f"and was recorded as {value!r}; what the test keeps is not what was recorded" in ran.stdout


HOSTILE: dict[str, bytes] = {
    "nothing": b"",
    "other": b"kind: MLRollout",
    "deep": b'{"guardrails":' + b"[" * 100_000,
    "number": b'{"read":' + b"9" * 10_000 + b"}",
    "binary": bytes(range(256)),
    "escape": b'{"format":"\x1b[31m","guardrails":[]}',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_gets_one_clear_line(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_bytes(HOSTILE[name])
    ran = run("replay", str(file))
    assert ran.returncode == WRONG
    line = one_line(ran)
    assert line.startswith(f"mlrollout replay: {file}: ")
    assert line.isprintable()
    assert len(line) < 350


def test_a_file_that_is_too_long_or_not_there_is_told(tmp_path: Path) -> None:
    assert "it can't be read (No such file or directory)" in one_line(run("replay", str(tmp_path / "none")))
    huge = tmp_path / "huge"
    with huge.open("wb") as opened:
        opened.truncate(65 * 1024 * 1024)
    ran = run("replay", str(huge))
    assert (ran.returncode, "it is longer than 64 MiB" in one_line(ran)) == (WRONG, True)


async def test_a_document_without_blocks_is_no_proof_of_anything() -> None:
    document = await written()
    none = document | {"guardrails": []}
    gone = none | {"missing": [{"name": "split", "why": "nothing has been counted of it yet"}]}
    for empty, out in ((none, ""), (gone, "split: no blocks: nothing has been counted of it yet\n")):
        ran = run("replay", "-", text=json.dumps(empty))
        assert (ran.returncode, ran.stdout) == (WRONG, out)
        assert ran.stderr == "mlrollout replay: -: it holds no blocks of any guardrail: nothing was checked\n"


async def test_blocks_that_were_taken_out_are_told_of_a_verdict_that_stood_on_them() -> None:
    document = await written()
    document["guardrails"][0]["blocks"] = []
    ran = run("replay", "-", text=json.dumps(document))
    assert (ran.returncode, "of no blocks: it comes to " in ran.stdout) == (OTHER, True)
    document["guardrails"][0]["recorded"] = {"finding": "NoData", "checkpoint": ""}
    assert run("replay", "-", text=json.dumps(document)).returncode == WRONG


async def test_what_is_missing_beside_a_verdict_is_told_and_changes_no_exit_code() -> None:
    document = await written() | {"missing": [{"name": "split", "why": "nothing has been counted of it yet"}]}
    ran = run("replay", "-", text=json.dumps(document))
    assert (ran.returncode, ran.stderr) == (SAME, "")
    assert ran.stdout.endswith("\nsplit: no blocks: nothing has been counted of it yet\n")


def saved(folder: Path, name: str, found: object) -> str:
    file = folder / name
    file.write_text(json.dumps(found))
    return str(file)


ADDRESS = ("--prometheus", "http://127.0.0.1:9")


def test_what_can_not_be_fetched_is_told(tmp_path: Path) -> None:
    file, other = saved(tmp_path, "object", rollout(failing())), saved(tmp_path, "other", {"kind": "Pod"})
    (tmp_path / "broken").write_text("a: [")
    for arguments, why, code in (
        (ADDRESS, "name one object, or a file by -f that holds one", WRONG),
        (("ml", "-f", file, *ADDRESS), "name one object, or a file by -f that holds one", WRONG),
        (("ml", *ADDRESS), "there is no cluster to talk to", NO_CLUSTER),
        (("-f", file, *ADDRESS), "can't be reached", WRONG),
        (("-f", file, "-g", "none", *ADDRESS), "there is no guardrail 'none'; those that do: errors", WRONG),
        (("-f", "/nowhere", *ADDRESS), "/nowhere can't be read", WRONG),
        (("-f", other, *ADDRESS), "holds no MLRollout", WRONG),
        (("-f", str(tmp_path / "broken"), *ADDRESS), "is no YAML", WRONG),
        (("-f", file, "--prometheus", "x"), "--prometheus: Prometheus' address must be", WRONG),
    ):
        ran = run("blocks", *arguments)
        assert (ran.returncode, why in one_line(ran)) == (code, True), ran.stderr


def test_a_prometheus_that_has_other_samples_makes_another_verdict(tmp_path: Path) -> None:
    file = saved(tmp_path, "object", rollout(failing()))
    with target('all_total{group="treatment"} 1') as scraped, PrometheusServer() as server:
        server.set_targets("app", [scraped.address])
        wait_until(lambda: server.query("all_total") or None, within=20, what="a scrape")
        ran = run("blocks", "-f", file, "--prometheus", server.url)
    assert ran.returncode == OTHER
    assert json.loads(ran.stdout)["guardrails"][0]["blocks"] == []
    assert "it comes to Inconclusive, and was recorded as Breach" in ran.stderr
