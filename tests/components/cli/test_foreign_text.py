"""What somebody wrote into a manifest or a document is told, and does nothing to a terminal or a CI runner."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pure.replay.test_replay import written
from tests.support.command_line import CommandLine

FINE, FOUND, WRONG = 0, 1, 2
FORGED = "a\\n::error title=x::forged\\e[31m\\u2028"
MANIFEST = """\
apiVersion: mlrollout.dev/v1alpha1
kind: MLRollout
metadata: {name: "NAME", namespace: dispatch}
spec:
  revision: r1
  traffic: {key: k}
  guardrails: [{name: "NAME", query: up, mini: 1}]
"""


def run(*arguments: str, text: str, encoding: str = "utf-8") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mlrollout", *arguments],
        input=text,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": encoding},
    )


def test_a_name_makes_no_line_of_its_own(mlrollout: CommandLine) -> None:
    ran = mlrollout("lint", "-", text=MANIFEST.replace("NAME", FORGED))
    assert ran.code == FOUND
    assert len(ran.out.splitlines()) > 1
    assert all(line.startswith("-: dispatch/a ::error title=x::forged [31m : error: ") for line in ran.out.splitlines())
    assert ran.out.replace("\n", "").isprintable()


def test_a_name_is_part_of_an_annotation_and_no_command(mlrollout: CommandLine) -> None:
    ran = mlrollout("lint", "-", "-o", "github", text=MANIFEST.replace("NAME", FORGED))
    assert all(line.startswith("::error title=dispatch/a %3A%3Aerror title=x") for line in ran.out.splitlines())
    assert ran.out.replace("\n", "").isprintable()


@pytest.mark.parametrize("command", ["simulate", "blocks"])
def test_why_a_file_can_not_be_used_is_one_line(mlrollout: CommandLine, command: str) -> None:
    options = ("--traffic", "1/s", "--bad", "1%") if command == "simulate" else ("--prometheus", "http://127.0.0.1:9")
    ran = mlrollout(command, "-f", "-", *options, text=MANIFEST.replace("NAME", FORGED))
    assert (ran.out, ran.code) == ("", WRONG)
    assert ran.err.removesuffix("\n").isprintable()


@pytest.mark.parametrize("name", ["\\ud800", "größe-배차"])
def test_a_name_that_can_not_be_written_is_told_with_signs_in_its_place(name: str) -> None:
    ran = run("lint", "-", text=MANIFEST.replace("NAME", name), encoding="latin-1")
    assert ran.returncode == FOUND, ran.stderr
    assert "metadata.name: nothing can be called so" in ran.stdout


def test_a_template_is_written_in_any_encoding() -> None:
    ran = run("template", "ml_dispatch", "--revision", "배차-7", text="", encoding="latin-1")
    assert (ran.returncode, ran.stderr) == (FINE, "")


async def test_a_document_tells_of_no_verdict_that_was_not_made(tmp_path: Path) -> None:
    document = await written()
    forged = "x\x1b[31m\nerrors: Pass, e-value 1.0: as it was recorded, to the last bit"
    document["missing"] = [{"name": forged, "why": f"\ud800{forged}"}, {"name": "n" * 1000, "why": "w"}]
    ran = run("replay", "-", text=json.dumps(document))
    verdict, first, second = ran.stdout.splitlines()
    assert verdict.startswith("errors: Breach, ")
    assert first.startswith("x [31m errors: Pass, e-value 1.0: as it was recorded, to the last bit: no blocks: ")
    assert second == f"{'n' * 199}…: no blocks: w"
    assert ran.stdout.replace("\n", "").isprintable()
    assert ran.returncode == FINE
