"""An object to begin with, and what its fields mean."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from mlrollout.api.crd import schema
from mlrollout.api.spec import Spec
from mlrollout.cli.authoring import explain
from mlrollout.cli.ending import ExitCode, ended
from mlrollout.simulate import command

from tests.support.command_line import CommandLine

DONE, WRONG = 0, 2


def test_a_template_is_an_object_that_lint_has_nothing_to_say_about(mlrollout: CommandLine, tmp_path: Any) -> None:
    file = tmp_path / "rollout.yaml"
    file.write_text(mlrollout("template", "shop_ranking", "-n", "shop", "--revision", 'v1 "a" \\').out)
    made = yaml.safe_load(file.read_text())
    assert made["metadata"] == {"name": "shop-ranking", "namespace": "shop"}
    spec = Spec.model_validate(made["spec"])
    assert (spec.revision, spec.traffic.key) == ('v1 "a" \\', "shop_ranking:rollout_percentage")
    assert "kubectl mlrollout approve shop-ranking -n shop" in file.read_text()
    assert "@" not in file.read_text()
    ran = mlrollout("lint", str(file))
    assert (ran.out, ran.code) == ("nothing found in 1 MLRollout\n", DONE)


@pytest.mark.parametrize("name", ["123", "true", "null", "1e3", "2026-11-03"])
def test_a_name_that_yaml_takes_for_something_else_stays_a_name(
    mlrollout: CommandLine, tmp_path: Any, name: str
) -> None:
    file = tmp_path / "rollout.yaml"
    file.write_text(mlrollout("template", "shop", "--name", name, "-n", name).out)
    assert yaml.safe_load(file.read_text())["metadata"] == {"name": name, "namespace": name}
    ran = mlrollout("lint", str(file))
    assert (ran.out, ran.code) == ("nothing found in 1 MLRollout\n", DONE)


@pytest.mark.parametrize(
    "arguments",
    [
        ["9x"],
        ["a-b"],
        ["x\x1b[31m"],
        ["x", "--name", "UPPER"],
        ["x", "-n", "a/b"],
        ["_"],
        ["x", "--revision", ""],
        ["x", "--revision", " \t"],
        ["x", "--revision", "r" * 254],
    ],
    ids=lambda arguments: " ".join(arguments)[:20],
)
def test_names_that_nothing_can_have(mlrollout: CommandLine, arguments: list[str]) -> None:
    ran = mlrollout("template", *arguments)
    assert (ran.err.count("\n"), "\x1b" in ran.err, ran.out, ran.code) == (1, False, "", WRONG)


def _paths(node: dict[str, Any], path: str) -> Iterator[str]:
    yield path
    for name, below in node.get("items", node).get("properties", {}).items():
        yield from _paths(below, f"{path}.{name}")


PATHS = [path for root in ("spec", "status") for path in _paths(schema()["properties"][root], root)]


@pytest.mark.parametrize("path", PATHS)
def test_every_field_is_explained(path: str) -> None:
    head, _, meaning = explain.page(path, 80).partition("\n")
    assert head.startswith(f"{path} <")
    assert meaning.strip()
    assert max(map(len, meaning.splitlines())) <= 80
    assert explain.page(f"mlrollout.{path}", 80) == explain.page(path, 80)


def test_a_path_may_be_written_as_people_write_it(mlrollout: CommandLine) -> None:
    for path in (
        "guardrails[0].max",
        "spec.guardrails[].max",
        "mlrollout.spec.guardrails.max",
        "guardrails[errors].max",
    ):
        assert mlrollout("explain", path).out.startswith("spec.guardrails.max <number>")
    assert mlrollout("explain").out.startswith("spec <object>")
    assert "required" in mlrollout("explain", "stages.duration").out.splitlines()[0]


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("guardrails.rat", "spec.guardrails has no field rat: did you mean rate?"),
        ("traffic.zzzzz", "spec.traffic has no field zzzzz: it has key, redis"),
        ("traffic.key.x", "spec.traffic.key has no field x: it has none"),
        ("revison", "spec has no field revison: did you mean revision?"),
    ],
)
def test_a_field_that_there_is_not(mlrollout: CommandLine, path: str, told: str) -> None:
    ran = mlrollout("explain", path)
    assert told in ran.err
    assert (ran.err.count("\n"), ran.code) == (1, WRONG)


EXAMPLE = Path(__file__).parents[3] / "examples" / "ml-dispatch" / "rollout-production.yaml"


@pytest.mark.parametrize("rate", ["9" * 400 + "/s", "9" * 10 + "/s", "0." + "0" * 400 + "1/s"])
def test_traffic_that_nobody_has_is_wrong_usage(mlrollout: CommandLine, rate: str) -> None:
    ran = mlrollout("simulate", "-f", str(EXAMPLE), "--traffic", rate, "--bad", "1%")
    assert (ran.err.startswith("mlrollout simulate: --traffic "), ran.err.count("\n"), ran.code) == (True, 1, WRONG)


def _faulty(*_: object) -> int:
    raise KeyError("x")


def test_a_fault_of_the_program_is_no_verdict(mlrollout: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of `simulate`, 1 says that a healthy model would be rolled back."""
    monkeypatch.setattr(command, "run", _faulty)
    ran = mlrollout("simulate", "-f", str(EXAMPLE), "--traffic", "1/s", "--bad", "1%")
    assert ran.err.startswith("mlrollout simulate: a fault of this program, please report it: KeyError: ")
    assert ran.code == ExitCode.FAULT


def test_nor_is_it_where_its_traceback_is_wanted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLROLLOUT_TRACEBACK", "1")
    assert ended(_faulty) == ExitCode.FAULT
    assert "KeyError" in capsys.readouterr().err
