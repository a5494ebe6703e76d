"""`docs/invariants.md` names every check, and every place where a raise may be refused; the code names no others."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulation.checks.all import CHECKS

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "operator" / "mlrollout"
PAGE = (ROOT / "docs" / "invariants.md").read_text()
_MARK = re.compile(r"(?:#|--) Up only ")
_NUMBERS = re.compile(r"\(invariants? (\d+)(?: and (\d+))?\)")


def test_every_check_of_the_simulated_world_holds_an_invariant() -> None:
    named = {name for row in _rows("| [0-9]+ |") for name in re.findall(r"`([a-z_]+)`", row)}
    assert named == {check.__name__ for check in CHECKS}


def test_what_else_holds_an_invariant_exists() -> None:
    files = re.findall(r"`(tests/[^`]+\.py)`", PAGE)
    assert files
    assert all((ROOT / file).is_file() for file in files)


def test_the_comments_speak_of_invariants_that_there_are() -> None:
    there = {int(number) for number in re.findall(r"^\| ([0-9]+) \|", PAGE, re.MULTILINE)}
    said = [int(one) for file in _sources() for found in _NUMBERS.findall(file.read_text()) for one in found if one]
    assert said
    assert set(said) <= there


def test_every_place_that_may_refuse_a_raise_is_listed() -> None:
    listed = [row.split("|")[1].strip().strip("`") for row in _rows("| `")]
    assert sorted(listed) == sorted({place for file in _sources() for place in _marked(file)})


@pytest.mark.parametrize(
    ("made", "where"),
    [("RaiseOnceSaved(", {"domain/traffic_plan.py"}), ("Raise(", {"domain/traffic.py"})],
)
def test_a_raise_is_made_in_one_place(made: str, where: set[str]) -> None:
    """Or the list of what it has to pass would not be the whole of it."""
    making = re.compile(rf"(?<![\w]){re.escape(made)}")
    assert {str(file.relative_to(PACKAGE)) for file in _sources() if making.search(file.read_text())} == where


def _rows(begin: str) -> list[str]:
    return re.findall(rf"^{begin.replace('|', chr(92) + '|')}.*$", PAGE, re.MULTILINE)


def _sources() -> Iterator[Path]:
    yield from sorted(PACKAGE.rglob("*.py"))
    yield from sorted(PACKAGE.rglob("*.lua"))


def _marked(file: Path) -> Iterator[str]:
    """The functions of a file in which a comment says when it is allowed to go up, as `folder.module.function`."""
    text = file.read_text()
    lines = [number for number, line in enumerate(text.splitlines(), start=1) if _MARK.search(line)]
    module = str(file.relative_to(PACKAGE).with_suffix("")).replace("/", ".")
    if file.suffix != ".py":
        yield from [f"{module}"] * bool(lines)
        return
    functions = [one for one in ast.walk(ast.parse(text)) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
    for line in lines:
        around = [one for one in functions if one.lineno <= line <= (one.end_lineno or one.lineno)]
        yield f"{module}.{max(around, key=lambda one: one.lineno).name}"
