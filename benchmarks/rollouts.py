"""The objects that the benchmarks measure on, and the namespace that they are in."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from devstack.stack import Stack

NAMESPACE = "bench"

Manifest = Mapping[str, Any]


def manifest(
    name: str, guardrails: Sequence[Mapping[str, Any]], *, duration: str, revision: str = "1", holdback: int = 0
) -> Manifest:
    """An object that goes to all users at once but for those held back, and stays in that stage for so long."""
    return {
        "apiVersion": "mlrollout.dev/v1alpha1",
        "kind": "MLRollout",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "revision": revision,
            "traffic": {"key": f"{name}:percentage"} | ({"holdback": holdback} if holdback else {}),
            "stages": [{"name": "full", "percentage": 100, "duration": duration}],
            "guardrails": guardrails,
        },
    }


def prepare(stack: Stack) -> None:
    """Have the stack ready for objects."""
    stack.install()
    stack.cluster.kubectl("create", "namespace", NAMESPACE)


def apply(stack: Stack, manifests: Iterable[Manifest]) -> None:
    """Create them all, or change what stands, with one command."""
    stack.cluster.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": list(manifests)}))
