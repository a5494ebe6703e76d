"""Ways to decide whether a user is in treatment, each run in a process of its own: see `decision.py`.

    python -P benchmarks/deciding.py NAME REDIS_URL

It tells what it cost to import and to set up as one line of JSON; then, for each line on its standard input,
the nanoseconds per decision of one round. It imports nothing but what is measured.
"""
# ruff: noqa: PLC0415, ANN401 - each imports only what it needs, and not all of that stands in one environment

import importlib
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KEY = "ml_dispatch:rollout_percentage"
SALT = "ml_dispatch_v1"
EXPERIMENT = "ml_dispatch:experiment:v1"
PERCENTAGE = 30
USERS = [f"user-{number:06}" for number in range(10_000)]
ROUND = 0.2
"""Seconds that a round takes, about."""

Decide = Callable[[str], bool]


@dataclass(frozen=True)
class Way:
    """One way to decide.

    `modules` is what an application has to import for it; `make` prepares it, given the URL of a Redis.
    """

    modules: Sequence[str]
    make: Callable[[str], Decide]


def _rollout(url: str) -> Any:
    from mlrollout import Rollout

    made = Rollout(KEY, redis=url, salt=SALT)
    if not made.wait_ready(20):
        raise RuntimeError("Redis could not be read")
    return made


def ours(url: str) -> Decide:
    from mlrollout import Group

    group, treatment = _rollout(url).group, Group.TREATMENT
    return lambda user: group(user) is treatment


def floor(_: str) -> Decide:
    import mmh3

    hashed, salt = mmh3.mmh3_32_uintdigest, f"{SALT}:".encode()
    limit = -(-PERCENTAGE * (1 << 32) // 100)
    return lambda user: hashed(salt + user.encode()) < limit


def _through_openfeature(provider: Any) -> Decide:
    from openfeature import api
    from openfeature.evaluation_context import EvaluationContext

    api.set_provider_and_wait(provider)
    ask = api.get_client().get_boolean_value
    return lambda user: ask("ml-dispatch", False, EvaluationContext(user))  # noqa: FBT003 - so its users write it


def openfeature_ours(url: str) -> Decide:
    from mlrollout.assignment.openfeature import MlrolloutProvider

    return _through_openfeature(MlrolloutProvider({"ml-dispatch": _rollout(url)}))


def openfeature_in_memory(_: str) -> Decide:
    """It knows no percentages: the same answer for everybody."""
    from openfeature.provider.in_memory_provider import InMemoryFlag, InMemoryProvider

    flag = InMemoryFlag("control", {"control": False, "treatment": True})
    return _through_openfeature(InMemoryProvider({"ml-dispatch": flag}))


def unleash(_: str) -> Decide:
    from UnleashClient import UnleashClient
    from UnleashClient.cache import FileCache

    strategy = {
        "name": "flexibleRollout",
        "parameters": {"rollout": str(PERCENTAGE), "stickiness": "userId", "groupId": SALT},
    }
    cache = FileCache("ml-dispatch", directory=tempfile.mkdtemp())
    flag = {"name": "ml-dispatch", "type": "release", "enabled": True, "strategies": [strategy]}
    cache.bootstrap_from_dict({"version": 2, "features": [flag]})
    client = UnleashClient(
        "http://127.0.0.1:1", "ml-dispatch", disable_metrics=True, disable_registration=True, cache=cache
    )
    client.initialize_client(fetch_toggles=False)
    return lambda user: client.is_enabled("ml-dispatch", {"userId": user})


def growthbook(_: str) -> Decide:
    from growthbook import GrowthBook

    rule = {"force": True, "coverage": PERCENTAGE / 100, "hashAttribute": "id", "seed": SALT, "hashVersion": 2}
    client = GrowthBook(features={"ml-dispatch": {"defaultValue": False, "rules": [rule]}})

    def decide(user: str) -> bool:
        client.set_attributes({"id": user})
        return bool(client.is_on("ml-dispatch"))

    return decide


def launchdarkly(_: str) -> Decide:
    from ldclient import Context, LDClient
    from ldclient.config import Config
    from ldclient.integrations import Files

    share = [{"variation": 0, "weight": PERCENTAGE * 1000}, {"variation": 1, "weight": 100_000 - PERCENTAGE * 1000}]
    flag = {
        "key": "ml-dispatch",
        "version": 1,
        "on": True,
        "salt": SALT,
        "variations": [True, False],
        "offVariation": 1,
        "fallthrough": {"rollout": {"variations": share}},
    }
    file = Path(tempfile.mkdtemp()) / "flags.json"
    file.write_text(json.dumps({"flags": {"ml-dispatch": flag}}))
    source = Files.new_data_source(paths=[str(file)])
    client = LDClient(Config("none", update_processor_class=source, send_events=False), start_wait=20)
    return lambda user: client.variation("ml-dispatch", Context.create(user), False)  # noqa: FBT003 - likewise


def seed(url: str) -> Decide:
    """As the design that this project replaces has it, for a user not seen before, without keeping the answer."""
    import redis

    client = redis.Redis.from_url(url)

    def decide(user: str) -> bool:
        assigned = client.hget(EXPERIMENT, f"user:{user}")
        percentage = int(client.get(KEY) or 10)
        return assigned == b"treatment" or hash(f"{SALT}_{user}") % 100 < percentage

    return decide


WAYS = {
    "mmh3 alone": Way(["mmh3"], floor),
    "mlrollout": Way(["mlrollout.assignment"], ours),
    "mlrollout by OpenFeature": Way(["mlrollout.assignment.openfeature", "openfeature.api"], openfeature_ours),
    "OpenFeature in memory": Way(["openfeature.provider.in_memory_provider", "openfeature.api"], openfeature_in_memory),
    "Unleash": Way(["UnleashClient"], unleash),
    "GrowthBook": Way(["growthbook"], growthbook),
    "LaunchDarkly": Way(["ldclient", "ldclient.integrations"], launchdarkly),
    "the seed": Way(["redis"], seed),
}
RIVALS = {"Unleash", "GrowthBook", "LaunchDarkly"}
"""Those whose packages stand in an environment of their own."""


def resident_mib() -> float:
    """The memory of this process."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def nanoseconds(decide: Decide) -> float:
    """Nanoseconds per decision over one round."""
    count, began = 0, time.perf_counter_ns()
    while (took := time.perf_counter_ns() - began) < ROUND * 1e9:
        users = USERS[:100] if took and took / max(count, 1) > 20_000 else USERS  # slow ones look at the clock often
        for user in users:
            decide(user)
        count += len(users)
    return took / count


def main() -> None:
    name, url = sys.argv[1:]
    way = WAYS[name]
    bare, began = resident_mib(), time.perf_counter()
    for module in way.modules:
        importlib.import_module(module)
    imported, memory = time.perf_counter() - began, resident_mib()
    decide = way.make(url)
    share = sum(map(decide, USERS[:2000])) / 2000
    told = {"import": imported * 1000, "memory": memory - bare, "running": resident_mib() - bare, "share": share}
    print(json.dumps(told), flush=True)
    for _ in sys.stdin:
        print(nanoseconds(decide), flush=True)


if __name__ == "__main__":
    main()
