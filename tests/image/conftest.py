"""The image, once for all tests of it."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.image.builder import TOOLS, Image, build


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    """The image, built by the Dockerfile."""
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if missing or os.geteuid():
        pytest.skip(f"needs root, and {', '.join(TOOLS)} (Debian has all of them)")
    built = build(tmp_path_factory.mktemp("image"))
    yield built
    built.buildah("umount", "--all")


@pytest.fixture(scope="session")
def root(image: Image) -> Path:
    """Its files."""
    return image.root()
