"""What a verdict stands on: fetched of a real Prometheus, and replayed to the very e-value that each operator found."""

import os
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlrollout.replay.document import BlocksDocument, GuardrailBlocks, parse
from mlrollout.replay.replay import replay

from devstack import web
from devstack.operator_process import Operator
from devstack.ports import Ports
from devstack.prometheus_server import ScrapeJob
from devstack.stack import Stack
from tests.components.server.ab.calls import ALL_LINES, VIEWER, Api, ClusterServer
from tests.support import pod
from tests.support.target import target
from tests.whole.house import LONG, Exports, House

pytestmark = pytest.mark.long

GUARDRAILS = [
    {
        "name": "errors",
        "rate": {
            "bad": 'dispatch_total{group="treatment",status="failure"}',
            "all": 'dispatch_total{group="treatment"}',
            "max": 0.05,
        },
    },
    {"name": "worse", "compare": {"bad": 'dispatch_total{status="failure"}', "all": "dispatch_total", "ratio": 1.5}},
    {"name": "split", "balance": {"users": "users_total"}},
]
NAMES = [str(one["name"]) for one in GUARDRAILS]


class Pod:
    """One pod; a restart counts from zero."""

    def __init__(self, folder: Path) -> None:
        self.ports = Ports(folder / f"{uuid.uuid4()}.json")
        self.port = self.ports.get("pod")
        self.start()

    def start(self) -> None:
        command = [sys.executable, pod.__file__, str(self.port)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, text=True, bufsize=1)

    def fail(self, share: float) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{share}\n")

    def stop(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def pods(tmp_path: Path) -> Iterator[list[Pod]]:
    running = [Pod(tmp_path), Pod(tmp_path)]
    yield running
    for one in running:
        one.stop()
        one.ports.release()


@pytest.fixture
def house(pods: list[Pod]) -> Iterator[House]:
    """A stack whose Prometheus scrapes the pods every two seconds, so that no scrape is late on a busy machine."""
    with Stack(jobs=[ScrapeJob("pods", "2s")]) as stack, target("") as nothing:
        stack.install()
        assert stack.prometheus is not None
        stack.prometheus.set_targets("pods", [f"127.0.0.1:{one.port}" for one in pods])
        stack.start_operator("first")
        house = House(stack, Exports(nothing), "blocks")
        yield house
        house.close()


def mlrollout(house: House, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mlrollout", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "KUBECONFIG": house.stack.cluster.kubeconfig},
    )


def counted(house: House) -> float:
    """How many events of the treatment stand in the status, of the guardrail that has the fewest."""
    said = house.status().get("guardrails", [])
    return min((one.get("evidence", {}).get("treatment", {}).get("events", 0.0) for one in said), default=0.0)


def shown(operator: Operator, guardrail: str) -> float:
    """The e-value that an operator shows, by what makes a breach."""
    text = (web.get(f"{operator.url}/metrics") or b"").decode()
    found = re.search(rf'^mlrollout_guardrail_evidence{{.*,guardrail="{guardrail}"}} (\S+)$', text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def after_each_block(found: GuardrailBlocks) -> Iterator[float]:
    """What the blocks come to one after the other, as operators show it."""
    for blocks in range(1, len(found.blocks) + 1):
        yield replay(found.model_copy(update={"blocks": found.blocks[:blocks]})).e_value * found.false_alarm


def over_http(house: House) -> BlocksDocument:
    """The document that a server answers with."""
    entry = {"name": "ml-dispatch", "key": house.key, "object": {"namespace": house.name, "name": "ml-dispatch"}}
    config = {"rollouts": [entry], "prometheus": house.stack.prometheus_url}
    kubeconfig = house.stack.cluster.kubeconfig
    with ClusterServer(house.stack.redis_url, kubeconfig, config, ALL_LINES) as server:
        answer = Api(server).get("monitoring/blocks", token=VIEWER)
    assert answer.status == 200, answer
    return parse(answer.body)


@pytest.mark.timeout(400)
def test_a_breach_is_replayed_to_the_last_bit_whoever_found_it(house: House, pods: list[Pod], tmp_path: Path) -> None:
    first, second = house.stack.operators[0], house.stand_by("second")
    house.apply(stages=LONG, guardrails=GUARDRAILS)
    house.until_percentage(10)
    house.until(lambda: counted(house), "blocks in the status", within=90)
    house.until(lambda: all(shown(first, name) for name in NAMES), "the first operator's numbers", within=60)
    by_first = {name: shown(first, name) for name in NAMES}
    pods[0].stop()  # its counters begin anew
    pods[0].start()
    first.kill()  # and it is the other operator that goes on, by the status
    before = counted(house)
    house.until(lambda: counted(house) > before, "the other operator's blocks", within=90)
    first.start()  # and stands by
    pods.append(Pod(tmp_path))
    assert house.stack.prometheus is not None
    house.stack.prometheus.set_targets("pods", [f"127.0.0.1:{one.port}" for one in pods])
    for one in pods:
        one.fail(0.25)
    house.until_percentage(0, within=120)
    house.until_reason("GuardrailBreached")

    fetched = mlrollout(house, "blocks", "ml-dispatch", "-n", house.name, "--prometheus", house.stack.prometheus_url)
    assert fetched.returncode == 0, fetched.stderr
    file = tmp_path / "blocks.json"
    file.write_text(fetched.stdout)
    replayed = mlrollout(house, "replay", str(file))
    assert (replayed.returncode, replayed.stdout.strip()) == (0, fetched.stderr.strip())

    document = parse(fetched.stdout.encode())
    assert [one.guardrail["name"] for one in document.guardrails] == NAMES
    breaches = [one for one in document.guardrails if one.recorded.finding == "Breach"]
    assert breaches
    found_by_leader = {one["name"] for one in house.status()["guardrails"] if one["finding"] == "Breach"}
    for blocks in document.guardrails:
        name, came_to = blocks.guardrail["name"], list(after_each_block(blocks))
        # The same samples are the same numbers, whoever reads them, and from whichever checkpoint on.
        assert {by_first[name], shown(second, name)} <= {*came_to}
        if blocks in breaches:
            assert came_to[-1] >= 1 > came_to[-2]
            # Where it was the standby that found it, its number is shown nowhere: the leader alone shows any.
            assert name not in found_by_leader or came_to[-1] in {shown(first, name), shown(second, name)}
            assert f"{name}: Breach, e-value {replay(blocks).e_value!r}" in replayed.stdout

    assert over_http(house).guardrails == document.guardrails

    (told,) = {one["message"] for one in house.status()["history"] if one["reason"] == "GuardrailBreached"}
    assert told in [f"guardrail {one.guardrail['name']}: {one.recorded.message}" for one in breaches]
    breaches[0].blocks[0]["end"] -= 1
    file.write_text(document.render())
    changed = mlrollout(house, "replay", str(file))
    assert (changed.returncode, "what the test keeps is not what was recorded" in changed.stdout) == (1, True)
