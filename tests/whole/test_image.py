"""What the image leaves out is missed by nobody."""

import re
import shutil
import subprocess
from pathlib import Path

import kubernetes
import pytest

from tests.whole.house import LONG, House

pytestmark = pytest.mark.long

DOCKERFILE = Path(__file__).parents[2] / "Dockerfile"


@pytest.fixture
def pruned(tmp_path: Path) -> Path:
    """A copy of the client library, with what the Dockerfile takes out of it taken out."""
    (command,) = re.findall(r"^RUN cd \S+/kubernetes \\\n && (find .*)$", DOCKERFILE.read_text(), re.MULTILINE)
    copied = shutil.copytree(Path(kubernetes.__file__).parent, tmp_path / "kubernetes")
    subprocess.run(["/bin/sh", "-ec", command], cwd=copied, check=True)
    assert not (copied / "client" / "models" / "v1_pod.py").exists()
    return tmp_path


def test_an_operator_guards_without_what_its_image_leaves_out_of_the_client_library(
    vacant_house: House, pruned: Path
) -> None:
    house = vacant_house
    operator = house.stack.start_operator(env={"PYTHONPATH": str(pruned)})
    house.apply(stages=LONG)
    house.until_percentage(10)
    house.errors(0.2)
    house.until_reason("GuardrailBreached", "Stalled")
    house.until(lambda: house.events("RolledBack"), "the Event")
    assert house.percentage == "0"
    environment = Path(f"/proc/{operator.child.pid}/environ")
    assert not environment.exists() or str(pruned) in environment.read_text()
