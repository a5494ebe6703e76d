"""The picture of the errors at the head of the ports is whole, and every other error of the package has its line."""

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import mlrollout
from mlrollout.ports import PortError
from mlrollout.ports import errors as tree

ARCHITECTURE = Path(__file__).parents[2] / "docs" / "architecture.md"
STEP = 4
"""Columns that a child stands further to the right."""


def errors() -> Iterator[type[Exception]]:
    """Every class of the package, but for those that one module keeps to itself, that can be raised."""
    names = [module.name for module in walk_packages(mlrollout.__path__, "mlrollout.")]
    for name in names:
        if name.endswith("__main__"):
            continue
        for found in vars(import_module(name)).values():
            is_own = isinstance(found, type) and found.__module__ == name and not found.__name__.startswith("_")
            if is_own and issubclass(found, Exception):
                yield found


def picture() -> dict[str, str]:
    """Each error in the picture, and the one that it hangs from."""
    path: list[str] = []
    parents = {}
    for limbs, name in re.findall(r"^    ([ │├└─]*)(\w+Error)\b", tree.__doc__ or "", re.MULTILINE):
        depth = len(limbs) // STEP
        path[depth:] = [name]
        parents[name] = path[depth - 1] if depth else ""
    return parents


def test_every_error_of_a_port_stands_in_the_picture_under_its_parent() -> None:
    of_ports = [error for error in errors() if issubclass(error, PortError)]
    assert picture() == {error.__name__: "" if error is PortError else error.__mro__[1].__name__ for error in of_ports}


def test_every_error_of_a_port_is_made_where_the_picture_is() -> None:
    assert {error.__module__ for error in errors() if issubclass(error, PortError)} == {tree.__name__}


def test_the_classes_stand_in_the_order_of_the_picture() -> None:
    assert list(picture()) == [name for name in vars(tree) if name in picture()]


def test_every_other_error_is_listed_with_what_becomes_of_it() -> None:
    _, _, section = ARCHITECTURE.read_text().partition("## What may go wrong\n")
    listed = set(re.findall(r"^\| `(\w+)` \|", section.partition("\n## ")[0], re.MULTILINE))
    assert listed == {error.__name__ for error in errors() if not issubclass(error, PortError)}
