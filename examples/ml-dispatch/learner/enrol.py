"""A model's file becomes a version of the registry: also by hand, `python -m learner.enrol FILE --alias candidate`."""

import argparse
import json
import os
from collections.abc import Mapping
from pathlib import Path

from dispatch.model import ModelFile, save
from dispatch.store import connect

from .drift import spread
from .reader import Reader
from .registry import Registry

MODEL = "dispatch"


def enrol(registry: Registry, folder: Path, model: ModelFile, description: str) -> str:
    """Register a model, and write it to the folder under the version's number; no alias names it yet.

    What fails between the two leaves a version without a file, which nobody serves: an alias comes after both.

    Raises:
        RegistryError: The registry did not take it.
        OSError: The folder did not.
    """
    source = f"dispatch://{folder.resolve()}"  # MLflow takes a scheme that it does not know, and no local path
    version = registry.register(source, description, _tags(model.quality))
    save(model.model_copy(update={"revision": version}), folder)
    return version


def _tags(quality: Mapping[str, float]) -> dict[str, str]:
    return {name: f"{value:.6g}" for name, value in quality.items()}


def registry_of(address: str) -> Registry:
    """The registry at an address, with the token of the environment."""
    return Registry(address, MODEL, os.environ.get("MLFLOW_TRACKING_TOKEN"))


def main() -> None:
    """Register a file by hand."""
    parser = argparse.ArgumentParser(prog="learner.enrol", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("file", type=Path, help="a model's file")
    parser.add_argument("--registry", default="http://127.0.0.1:5000", help="MLflow (default: %(default)s)")
    parser.add_argument("--models", type=Path, required=True, help="the folder that the service serves from")
    parser.add_argument("--database", default=os.environ.get("DATABASE_URL"), help="tells what the inputs are like now")
    parser.add_argument("--alias", action="append", default=[], help="what it is called then; may be given again")
    options = parser.parse_args()
    model = ModelFile.model_validate(json.loads(options.file.read_text()))
    if options.database and model.reference is None:
        choices = Reader(connect(options.database)).choices()
        model = model.model_copy(update={"reference": spread(choices) or None})
    registry = registry_of(options.registry)
    version = enrol(registry, options.models, model, f"by hand, from {options.file.name}")
    for alias in options.alias:
        registry.point(alias, version)
    print(version)


if __name__ == "__main__":
    main()
