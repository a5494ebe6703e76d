"""What a shell offers when somebody presses Tab. Whatever goes wrong, it offers nothing, and soon."""

from collections.abc import Callable, Sequence

import typer

_DEADLINE = 2.0
"""Seconds that somebody at a shell waits."""


def names(ctx: typer.Context, incomplete: str) -> list[str]:
    """The names of the objects in the namespace."""
    return _offered(incomplete, lambda: [name for _, name in _known(ctx)])


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


def _known(ctx: typer.Context, *, everywhere: bool = False) -> Sequence[tuple[str, str]]:
    """Namespace and name of the objects that there are."""
    from .cluster.api import Api
    from .cluster.kubeconfig import read
    from .cluster.rollouts import ClusterRollouts

    api = Api(read(ctx.params.get("context")), _DEADLINE)
    with ClusterRollouts(namespace=ctx.params.get("namespace"), api=api) as cluster:
        return cluster.names(everywhere=everywhere)
