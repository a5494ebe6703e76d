"""What `up` tells: what it is about to do, and how to go on from there."""

import os
from pathlib import Path

from .chart import REPOSITORY
from .console import say
from .stack import Given, Stack

_EXAMPLE = Path("examples/ml-dispatch/rollout.yaml")


def announce(given: Given) -> None:
    """Say which parts are somebody else's; an address may hold a password, so not which."""
    parts = {
        "KUBECONFIG": given.kubeconfig,
        "REDIS_URL": given.redis_url,
        "PROMETHEUS_URL": given.prometheus_url,
    }
    for variable in (variable for variable, value in parts.items() if value):
        say(f"Using what {variable} names, starting none.")


def of(stack: Stack, env: Path) -> str:
    """The addresses, and the next commands to type."""
    shown = {
        "Kubernetes": stack.cluster.server(),
        "Redis": stack.redis.url if stack.redis else "as given",
        "Prometheus": stack.prometheus_url,
        "Operator": stack.operators[0].url if stack.operators else "not started",
    }
    addresses = "\n".join(f"  {name:<11}{url}" for name, url in shown.items())
    steps = "\n".join(f"  {command:<58}# {why}" for command, why in _steps(stack, env))
    return f"\nThe local stack is up.\n\n{addresses}\n\nNext:\n{steps}\n"


def _steps(stack: Stack, env: Path) -> list[tuple[str, str]]:
    steps = [(f"source {_short(env)}", "KUBECONFIG and PATH for this shell")]
    if (REPOSITORY / _EXAMPLE).exists():
        steps.append(("kubectl create namespace dispatch", "where the example lives"))
        steps.append((f"kubectl apply -f {_short(REPOSITORY / _EXAMPLE)}", "a rollout to play with"))
    steps.append(("kubectl get mlr -A -w", "watch it"))
    if stack.prometheus:
        steps.append((f"$EDITOR {_short(stack.prometheus.targets_file('app'))}", "have your application scraped"))
    if stack.operators:
        steps.append((f"tail -f {_short(stack.operators[0].log)}", "what the operator does"))
    return [*steps, ("make down", "stop everything")]


def _short(path: Path) -> str:
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative
