"""Writes what is generated from the models: the CRD, the chart's copy of it, and the reference.

`python -m mlrollout.api.generate` in the repository's root, which is what `make generate` does; with
`--check` nothing is written, and the exit code says whether anything would be.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from . import GROUP, PLURAL
from .crd import crd, schema
from .reference import reference

_NOTE = "# Generated from operator/mlrollout/api/ by `make generate`; edits here are lost.\n"


def outputs() -> Mapping[str, str]:
    """Every generated file, by its path in the repository."""
    manifest = _NOTE + yaml.safe_dump(crd(), sort_keys=False, allow_unicode=True, width=120)
    return {
        f"crds/{GROUP}_{PLURAL}.yaml": manifest,
        # Helm never upgrades what stands in a chart's own `crds/`, so a template renders this copy.
        f"charts/mlrollout/files/{GROUP}_{PLURAL}.yaml": manifest,
        "docs/reference.md": reference(schema()),
    }


def main(arguments: Sequence[str], root: Path) -> int:
    """The exit code: 1 where `--check` found a file that is not what the models say."""
    stale = [path for path, text in outputs().items() if not _holds(root / path, text)]
    check = "--check" in arguments
    for path in stale:
        if not check:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(outputs()[path], encoding="utf-8")
        sys.stdout.write(f"{path} {'is not what the models say' if check else 'written'}\n")
    if stale and check:
        sys.stdout.write("Run `make generate` and commit what it writes.\n")
    return int(bool(stale and check))


def _holds(file: Path, text: str) -> bool:
    return file.exists() and file.read_text(encoding="utf-8") == text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path.cwd()))
