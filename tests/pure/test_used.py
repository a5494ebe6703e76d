"""What a module keeps to itself is used there: what only a test calls does nothing for anybody."""

import ast
import re
from pathlib import Path

import mlrollout

PACKAGE = Path(mlrollout.__file__).parent
DEFINITION = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def unused(module: ast.Module) -> set[str]:
    """What is private to a module, and not named there again. A decorator, or a base class, may use it unnamed."""
    named = {one.id for one in ast.walk(module) if isinstance(one, ast.Name)}
    named |= {one.attr for one in ast.walk(module) if isinstance(one, ast.Attribute)}
    classes = (one for one in module.body if isinstance(one, ast.ClassDef) and not one.bases)
    places = (module.body, *(one.body for one in classes))
    made = (one for place in places for one in place if isinstance(one, DEFINITION))
    return {one.name for one in made if re.match("_(?!_)", one.name) and not one.decorator_list} - named


def test_what_a_module_keeps_to_itself_it_uses() -> None:
    found = {str(path): unused(ast.parse(path.read_text(encoding="utf-8"))) for path in PACKAGE.rglob("*.py")}
    assert {path: names for path, names in found.items() if names} == {}


def test_what_is_used_by_nobody_is_found() -> None:
    assert unused(ast.parse("def _a(): _b()\ndef _b(): ...\nclass _C: ...\n@d\ndef _e(): ...")) == {"_a", "_C"}
