"""The site of the documentation, built as `make docs` builds it, in the environment that this makes."""

import subprocess
from pathlib import Path

import pytest

from docs.site import ROOT, lay_out

ZENSICAL = ROOT / ".venv-docs" / "bin" / "zensical"


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the pages."""
    if not ZENSICAL.exists():
        pytest.skip("needs the environment of the documentation: make docs")
    folder = tmp_path_factory.mktemp("site")
    lay_out(folder / "source", forge="")
    config = (ROOT / "mkdocs.yml").read_text()
    (folder / "mkdocs.yml").write_text(config.replace(".local/site-source", "source").replace(".local/site", "site"))
    run = subprocess.run([ZENSICAL, "build", "--strict"], cwd=folder, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return folder / "site"
