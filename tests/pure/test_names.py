"""One name, one class: who reads `Reason` or looks for it finds one thing. A leading underscore makes no other name."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import mlrollout.assignment

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "operator" / "mlrollout"
POLICY = re.compile(r"\bon[A-Z]\w*")
"""What fields that say what follows of something are called, as `onNoData`."""

SHARED = {
    "Reason": ("assignment/view.py", "domain/reason.py"),
    "State": ("assignment/state.py", "domain/state.py"),
}
"""Names of two classes. Applications import the first of each from `mlrollout`, so that it can't be renamed without
breaking them; the second is the operator's own word, in the glossary and in the contract of the status. No module
imports both."""


def classes(package: Path) -> Mapping[str, Sequence[str]]:
    """The modules in which a class of each name stands."""
    found = defaultdict(list)
    for module in sorted(package.rglob("*.py")):
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.ClassDef):
                found[node.name.lstrip("_")].append(module.relative_to(package).as_posix())
    return found


def aliases(package: Path) -> Iterator[str]:
    """The names that modules give to types of others; type variables are no names of anything."""
    for module in package.rglob("*.py"):
        for node in ast.parse(module.read_text()).body:
            if isinstance(node, ast.Assign | ast.AnnAssign) and "TypeVar(" not in ast.unparse(node):
                target = node.targets[0] if isinstance(node, ast.Assign) else node.target
                if isinstance(target, ast.Name) and re.fullmatch("_?[A-Z][A-Za-z]*[a-z][A-Za-z]*", target.id):
                    yield target.id.lstrip("_")


def test_a_class_name_stands_once_but_for_those_that_applications_import() -> None:
    assert {name: tuple(modules) for name, modules in classes(PACKAGE).items() if len(modules) > 1} == SHARED


def test_no_type_is_named_as_a_class_is() -> None:
    assert {"Blockers", "Moment"} <= set(aliases(PACKAGE))
    assert set(aliases(PACKAGE)) & set(classes(PACKAGE)) == set()


def test_what_is_excepted_is_what_applications_import() -> None:
    assert set(SHARED) <= set(mlrollout.assignment.__all__)
    assert all(own.startswith("assignment/") for own, _ in SHARED.values())


def told() -> Iterator[tuple[str, str]]:
    """Whatever people may be told, with where: texts of the code, the dashboard and the chart, and documents."""
    for module in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield f"{module.relative_to(ROOT)}:{node.lineno}", node.value
    texts = (ROOT / "ui" / "dashboard" / "src" / "text").glob("*.ts")
    pages = (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "charts").rglob("*.[myt]*"))
    for page in (*texts, *pages):
        yield str(page.relative_to(ROOT)), page.read_text()


def test_a_field_that_people_are_told_of_is_one_of_the_crd() -> None:
    crd = (ROOT / "crds" / "mlrollout.dev_mlrollouts.yaml").read_text()
    fields = set(re.findall(r"^ +(on[A-Z]\w*):", crd, re.MULTILINE))
    assert {"onNoData", "onError", "onTooFew", "onDelete"} <= fields

    named = [(place, word) for place, text in told() for word in POLICY.findall(text)]
    assert [(place, word) for place, word in named if word not in fields] == []


def test_no_module_imports_two_classes_of_one_name() -> None:
    for module in PACKAGE.rglob("*.py"):
        imports = [node for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, ast.ImportFrom)]
        names = [alias.name for node in imports for alias in node.names if alias.name in SHARED]
        assert len(names) == len(set(names)), module


def test_a_name_is_found_wherever_it_stands_twice(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "one.py").write_text("class Rate: pass")
    (tmp_path / "inner" / "other.py").write_text("def make():\n    class _Rate: pass\n    return _Rate")
    assert classes(tmp_path) == {"Rate": ["inner/other.py", "one.py"]}
