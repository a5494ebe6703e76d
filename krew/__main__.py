"""`python -m krew`: builds the archives and writes the manifest."""

import argparse
import tomllib
from collections.abc import Sequence
from pathlib import Path

import yaml

from .archive import ROOT, build
from .manifest import manifest
from .platforms import MACHINES, PYTHONS, Machine


def main() -> None:
    """Build for every kind of machine."""
    parser = argparse.ArgumentParser(prog="make krew", description=__doc__)
    parser.add_argument("--url", required=True, help="where the archives will be: https://…/releases/download/v0.1.0")
    parser.add_argument("--homepage", required=True, help="the page of the project")
    parser.add_argument("--to", type=Path, default=ROOT / "dist" / "krew", help="the folder to write to")
    given = parser.parse_args()
    for file in write(given.to, given.homepage, given.url, MACHINES, PYTHONS, given.to / "wheels"):
        print(file)


def write(
    to: Path, homepage: str, url: str, machines: Sequence[Machine], pythons: Sequence[str], wheels: Path
) -> Sequence[Path]:
    """Write archives and manifest; answers with the files."""
    for folder in (to, wheels):
        folder.mkdir(parents=True, exist_ok=True)
    archives = {machine: build(machine, pythons, to, wheels) for machine in machines}
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    written = to / "mlrollout.yaml"
    written.write_text(yaml.safe_dump(manifest(version, homepage, url, archives), sort_keys=False, width=100))
    return [*archives.values(), written]


if __name__ == "__main__":
    main()
