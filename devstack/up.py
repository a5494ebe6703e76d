"""`up`, `down` and `status`: the stack as something that stays."""

import fcntl
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from . import binaries, chart, environment, kind, summary
from .console import say
from .detached import Detacher
from .errors import DevstackError
from .files import replace_text
from .stack import Given, Stack

_YEAR = "8760h"


@dataclass(frozen=True)
class Choices:
    """What `up` was asked for; a running stack cannot be turned into another one."""

    given: Given
    kind: bool = False
    operator: bool = True

    def parts(self) -> dict[str, Any]:
        """What must be the same for as long as anything runs."""
        return {"given": asdict(self.given), "kind": self.kind}


def up(directory: Path, choices: Choices) -> None:
    """Start what does not run yet and tell how to go on."""
    with _alone(directory):
        detacher = Detacher(directory / "run")
        _refuse_other_choices(directory, detacher, choices)
        try:
            stack = _start(directory, detacher, choices)
            env = environment.write(stack)
        except BaseException:
            if _tear_down(directory):
                say("What was started is stopped again.")
            raise
        if not detacher.started:
            say("Everything is running already.")
        print(summary.of(stack, env))


def down(directory: Path) -> None:
    """Stop what `up` started here, and forget its data; the logs stay."""
    with _alone(directory):
        say("Stopped." if _tear_down(directory) else "Nothing was running.")


def status(directory: Path) -> int:
    """Print what runs; 0 when all that was started still does, else 3."""
    children = Detacher(directory / "run").known()
    for child in reversed(children):
        state = f"running  pid {child.pid}" if child.alive else "ended"
        print(f"{child.name:<16}{state:<22}{child.log}")
    if not children:
        print("Nothing is running.")
    return 0 if children and all(child.alive for child in children) else 3


def _start(directory: Path, detacher: Detacher, choices: Choices) -> Stack:
    given = choices.given
    if choices.kind:
        given = replace(given, kubeconfig=kind.create(directory))
    _fetch(given, choices)
    replace_text(directory / "choices.json", json.dumps(choices.parts()))
    stack = Stack(directory, given=given, interval="1s", launch=detacher)
    summary.announce(given)
    stack.start()
    chart.install_crds(stack.cluster)
    if choices.operator:
        chart.install_access(stack.cluster)
        stack.start_operator(lifetime=_YEAR)
    return stack


def _fetch(given: Given, choices: Choices) -> None:
    """Get the slow part over with before anything runs."""
    needed = {
        "kube-apiserver": not given.kubeconfig,
        "etcd": not given.kubeconfig,
        "kubectl": True,
        "helm": choices.operator,
        "redis-server": not given.redis_url,
        "redis-cli": True,
        "prometheus": not given.prometheus_url,
    }
    for name in (name for name, wanted in needed.items() if wanted):
        binaries.path(name)


def _refuse_other_choices(directory: Path, detacher: Detacher, choices: Choices) -> None:
    """A running stack can be completed, but not turned into another one."""
    file = directory / "choices.json"
    if not file.exists() or not any(child.alive for child in detacher.known()):
        return
    if json.loads(file.read_text()) != choices.parts():
        raise DevstackError(
            "A stack with other parts is running.",
            meaning="KUBECONFIG, REDIS_URL, PROMETHEUS_URL or CLUSTER were different then.",
            remedy="Stop it first (`make down`), then run this again.",
        )


def _tear_down(directory: Path) -> bool:
    """Stop all that was started and remove its data; whether there was anything."""
    detacher = Detacher(directory / "run")
    children = detacher.known()
    for child in children:
        if child.alive:
            say(f"Stopping {child.name}.")
        child.stop()
        detacher.forget(child)
    for data in ("control-plane/etcd/data", "prometheus/data"):
        shutil.rmtree(directory / data, ignore_errors=True)
    for file in ("env", "choices.json"):
        (directory / file).unlink(missing_ok=True)
    return kind.delete(directory) or bool(children)


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """One `up` or `down` of this folder at a time."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
