"""The lease on a real API server, as the administrator and with the operator's rights."""

import asyncio
import json
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mlrollout.adapters.kubernetes import Client, KubernetesLease
from mlrollout.api.lease import lease_of
from mlrollout.ports import ConflictError, Lease, ObjectsError
from mlrollout.runtime.leadership import Leadership, Terms

from tests.support.clocks import SystemClock
from tests.support.places import OPERATOR_RULES, Place

FIRST = Lease("one", 8, acquired=1_700_000_000, renewed=1_700_000_000.25, transitions=0)
BRISK = Terms(retry=0.1)


@pytest.fixture
def store(client: Client, place: Place) -> KubernetesLease:
    return KubernetesLease(client, place.namespace)


async def test_the_lease_is_made_read_and_replaced(store: KubernetesLease, place: Place) -> None:
    assert await store.read() is None

    made = await store.create(FIRST)
    assert replace(made, version="") == FIRST
    assert await store.read() == made

    renewed = await store.replace(replace(made, holder="two", renewed=1_700_000_001.0, transitions=1))
    assert renewed.version != made.version
    assert await store.read() == renewed

    spec = json.loads(place.kubectl("get", "lease", "mlrollout", "-o", "json"))["spec"]
    assert spec == {
        "holderIdentity": "two",
        "leaseDurationSeconds": 8,
        "acquireTime": "2023-11-14T22:13:20.000000Z",
        "renewTime": "2023-11-14T22:13:21.000000Z",
        "leaseTransitions": 1,
    }


async def test_a_lease_is_given_up_by_an_empty_holder(store: KubernetesLease) -> None:
    made = await store.create(FIRST)

    assert (await store.replace(replace(made, holder=""))).holder == ""


async def test_only_one_can_make_it(store: KubernetesLease) -> None:
    await store.create(FIRST)

    with pytest.raises(ConflictError):
        await store.create(FIRST)


async def test_only_the_standing_version_can_be_replaced(store: KubernetesLease) -> None:
    made = await store.create(FIRST)
    await store.replace(replace(made, holder="two"))

    with pytest.raises(ConflictError):
        await store.replace(replace(made, holder="three"))


async def test_a_deleted_lease_is_made_again_by_its_next_renewal_unless_another_was_faster(
    store: KubernetesLease, place: Place
) -> None:
    made = await store.create(FIRST)
    place.kubectl("delete", "lease", "mlrollout")
    assert await store.read() is None

    again = await store.replace(replace(made, renewed=1_700_000_001.0))

    assert await store.read() == again
    with pytest.raises(ConflictError):
        await store.replace(replace(made, holder="two"))


async def test_a_bare_lease_is_one_that_nobody_holds(store: KubernetesLease, place: Place) -> None:
    metadata = {"name": "mlrollout", "namespace": place.namespace}
    place.apply({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata})

    found = await store.read()

    assert found
    assert replace(found, version="") == Lease("", 0, 0, 0, 0)


async def test_the_operator_may_touch_no_other_lease(place: Place, connecting: Any) -> None:
    operator = await connecting(place.account("operator", OPERATOR_RULES))

    with pytest.raises(ObjectsError, match="403"):
        await KubernetesLease(operator, place.namespace, "other").read()


def test_operators_of_different_objects_do_not_wait_for_each_other() -> None:
    assert len({lease_of(""), lease_of("dispatch"), lease_of("pricing")}) == 3
    assert lease_of("") == "mlrollout", "operators of an older version agree by it"


async def test_two_contenders_agree_and_hand_over(store: KubernetesLease) -> None:
    changes: asyncio.Queue[tuple[str, bool]] = asyncio.Queue()

    def contender(name: str) -> Leadership:
        return Leadership(store, name, SystemClock(), lambda leads: changes.put_nowait((name, leads)), terms=BRISK)

    both = {name: contender(name) for name in ("one", "two")}
    running = {name: asyncio.create_task(leadership.run()) for name, leadership in both.items()}
    async with asyncio.timeout(60):
        first, _ = await changes.get()
        (second,) = both.keys() - {first}
        seen: set[Lease | None] = set()
        while len(seen) < 10:  # renewals
            seen.add(await store.read())
        assert {lease.holder for lease in seen if lease} == {first}
        assert changes.empty()
        assert both[first].leads
        assert not both[second].leads
        assert both[second].holder == first

        running[first].cancel()
        assert await changes.get() == (first, False)
        assert await changes.get() == (second, True)

        running[second].cancel()
        await asyncio.gather(*running.values(), return_exceptions=True)
    left = await store.read()
    assert left
    assert (left.holder, left.transitions) == ("", 1)


# --- as processes --------------------------------------------------------------------------------


class Process:
    """A contender in a process of its own, which prints whether it leads."""

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self.process = process

    async def says(self, expected: str) -> None:
        assert self.process.stdout
        async with asyncio.timeout(60):
            line = await self.process.stdout.readline()
        assert line.decode().strip() == expected

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)


@pytest.fixture
async def contend(place: Place, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    monkeypatch.setenv("KUBECONFIG", str(place.account("operator", OPERATOR_RULES)))
    script = Path(__file__).parent / "contender.py"
    started: list[Process] = []

    async def start(name: str) -> Process:
        command = [sys.executable, str(script), place.namespace, name]
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        started.append(Process(name, process))
        return started[-1]

    yield start
    for contender in started:
        with suppress(ProcessLookupError):
            contender.process.kill()
        await contender.process.wait()


async def test_a_frozen_leader_is_replaced_and_does_not_lead_when_it_wakes(contend: Any, place: Place) -> None:
    one = await contend("one")
    await one.says("leads")
    two = await contend("two")

    one.signal(signal.SIGSTOP)
    await two.says("leads")
    one.signal(signal.SIGCONT)
    await one.says("does not lead")

    two.signal(signal.SIGKILL)
    await one.says("leads")
    spec = json.loads(place.kubectl("get", "lease", "mlrollout", "-o", "json"))["spec"]
    assert re.fullmatch("one", spec["holderIdentity"])
    assert spec["leaseTransitions"] == 2


async def test_a_stopped_leader_hands_over(contend: Any, place: Place) -> None:
    one = await contend("one")
    await one.says("leads")
    two = await contend("two")

    one.signal(signal.SIGTERM)
    await one.says("does not lead")
    await two.says("leads")
