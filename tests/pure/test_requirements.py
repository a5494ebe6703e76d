"""What is locked is what `pyproject.toml` asks for; else the image lacks a package and shows it only when it runs."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS = PROJECT["project"]["optional-dependencies"]
NEEDED = {
    "image.txt": [*PROJECT["project"]["dependencies"], *EXTRAS["operator"], *EXTRAS["server"]],
    "build.txt": PROJECT["build-system"]["requires"],
}
NEEDED["dev.txt"] = [*NEEDED["image.txt"], *EXTRAS["metrics"], *EXTRAS["openfeature"], *NEEDED["build.txt"]]
NEEDED |= {
    f"{group}.txt": PROJECT["dependency-groups"][group] for group in ("docs", "page", "references", "rivals", "sbom")
}
NAME = re.compile(r"^[A-Za-z0-9][-\w.]*", re.MULTILINE)


def locked(file: str) -> set[str]:
    return set(NAME.findall((ROOT / "requirements" / file).read_text()))


@pytest.mark.parametrize("file", NEEDED)
def test_everything_that_is_asked_for_is_locked(file: str) -> None:
    asked = {match[0] for match in map(NAME.match, NEEDED[file]) if match}

    assert asked
    assert asked <= locked(file), "run `make lock`"


@pytest.mark.parametrize("file", NEEDED)
def test_no_address_of_a_registry_is_locked(file: str) -> None:
    assert "://" not in (ROOT / "requirements" / file).read_text()
