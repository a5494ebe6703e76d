"""What a shell offers when somebody presses Tab. Whatever goes wrong, it offers nothing, and soon."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from .cluster.rollouts import ClusterRollouts

_DEADLINE = 2.0
"""Seconds that somebody at a shell waits."""


def names(ctx: typer.Context, incomplete: str) -> list[str]:
    """The names of the objects in the namespace, but for those that are named already."""
    return _offered(incomplete, lambda: [name for _, name in _known(ctx) if name not in _named(ctx)])


def stages(ctx: typer.Context, incomplete: str) -> list[str]:
    """The stages of the object that is named already."""
    return _offered(incomplete, lambda: _below(ctx, "stages"))


def guardrails(ctx: typer.Context, incomplete: str) -> list[str]:
    """The guardrails of the object that is named already."""
    return _offered(incomplete, lambda: _below(ctx, "guardrails"))


def goals(ctx: typer.Context, incomplete: str) -> list[str]:
    """What may be waited for."""
    from mlrollout.glance.goal import COMPLETE, ROLLED_BACK, STAGE

    ends = [COMPLETE, ROLLED_BACK]
    if not incomplete.startswith(STAGE):
        return _offered(incomplete, lambda: [*ends, STAGE])
    return _offered(incomplete, lambda: [f"{STAGE}{name}" for name in _below(ctx, "stages")])


def forms(incomplete: str) -> list[str]:
    """What `-o` may ask for."""
    return _offered(incomplete, lambda: ["json", "yaml", "name", "wide", "jsonpath="])


def namespaces(ctx: typer.Context, incomplete: str) -> list[str]:
    """The namespaces that have an object."""
    return _offered(incomplete, lambda: sorted({space for space, _ in _known(ctx, everywhere=True)}))


def contexts(incomplete: str) -> list[str]:
    """The contexts of the kubeconfig."""
    from .cluster import kubeconfig

    return _offered(incomplete, kubeconfig.contexts)


def _offered(incomplete: str, found: Callable[[], Sequence[str]]) -> list[str]:
    try:
        return [one for one in found() if one.startswith(incomplete)]
    except Exception:  # noqa: BLE001 - a message would stand in the middle of what is being typed
        return []


def _below(ctx: typer.Context, field: str) -> Sequence[str]:
    """The names of what the spec of the object that is named already has in a field."""
    with _cluster(ctx) as cluster:
        return [str(one["name"]) for one in cluster.get(_named(ctx)[0])["spec"][field]]


def _named(ctx: typer.Context) -> Sequence[str]:
    """The objects that are named already; behind an option that still lacks its value, they are of no parameter."""
    name = ctx.params.get("name")
    return [name] if name else ctx.params.get("names") or ctx.args


def _known(ctx: typer.Context, *, everywhere: bool = False) -> Sequence[tuple[str, str]]:
    """Namespace and name of the objects that there are."""
    with _cluster(ctx) as cluster:
        return cluster.names(everywhere=everywhere)


def _cluster(ctx: typer.Context) -> "ClusterRollouts":
    from .cluster.api import Api
    from .cluster.kubeconfig import read
    from .cluster.rollouts import ClusterRollouts

    return ClusterRollouts(namespace=ctx.params.get("namespace"), api=Api(read(ctx.params.get("context")), _DEADLINE))
