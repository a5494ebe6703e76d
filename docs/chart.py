"""Writes the table of values in the chart's README: `python -m docs.chart`, which `make generate` does.

A comment that begins with `# --` describes the value below it, in the form that helm-docs reads. A value that is
described stands in the table; one that is not is looked into.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from . import tables

CHART = Path(__file__).parents[1] / "charts" / "mlrollout"
FILE = CHART / "README.md"
_KEY = re.compile(r"^( *)([A-Za-z]\w*):")
_COMMENT = re.compile(r"^ *# ?(-- )?(.*)$")


def output() -> str:
    """The README with the table as it has to be."""
    values = (CHART / "values.yaml").read_text(encoding="utf-8")
    described = descriptions(values)
    rows = [
        (f"`{path}`", f"`{json.dumps(value)}`", described.get(path, ""))
        for path, value in leaves(yaml.safe_load(values), described)
    ]
    return tables.replaced(FILE.read_text(encoding="utf-8"), "values", ("value", "default", ""), rows)


def descriptions(text: str) -> Mapping[str, str]:
    """What is said of each value that is described, by its path."""
    found: dict[str, str] = {}
    path: list[str] = []
    said: list[str] = []
    for line in text.splitlines():
        if comment := _COMMENT.match(line):
            begins, words = comment.groups()
            said = [words] if begins else [*said, words] if said else []
        elif key := _KEY.match(line):
            path = [*path[: len(key[1]) // 2], key[2]]
            if said:
                found[".".join(path)] = " ".join(said)
            said = []
        else:
            said = []
    return found


def leaves(values: Mapping[str, Any], described: Mapping[str, str], at: str = "") -> Iterator[tuple[str, Any]]:
    """The rows of the table: path and default of each value that is described, or can't be looked into."""
    for name, value in values.items():
        path = f"{at}{name}"
        if isinstance(value, dict) and value and path not in described:
            yield from leaves(value, described, f"{path}.")
        else:
            yield path, value


if __name__ == "__main__":
    FILE.write_text(output(), encoding="utf-8")
