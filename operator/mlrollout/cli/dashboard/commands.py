"""The command."""

from pathlib import Path
from typing import Annotated

import typer

from mlrollout.cli.options import ContextOption, NamespaceOption


def dashboard(
    namespace: NamespaceOption = None,
    context: ContextOption = None,
    port: Annotated[
        int, typer.Option(metavar="PORT", min=0, max=65535, help="On 127.0.0.1; a free one if left out")
    ] = 0,
    prometheus: Annotated[
        str, typer.Option(metavar="URL", help="The Prometheus of the five figures, as reached from here")
    ] = "",
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Further figures; see docs/dashboard.md", show_default=False)
    ] = None,
    *,
    no_open: Annotated[bool, typer.Option("--no-open", help="Open no browser; the address is printed anyway")] = False,
) -> None:
    """Show every rollout live in a browser, and act on them, as the person of the kubeconfig; until Ctrl-C."""
    from .serve import BoardWish, run

    run(BoardWish(context, namespace, port, prometheus, config, opens=not no_open))
