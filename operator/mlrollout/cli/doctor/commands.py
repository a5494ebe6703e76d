"""The command."""

from typing import Annotated

import typer

from mlrollout.cli.options import ContextOption, EverywhereOption, NamespaceOption, OutputOption


def doctor(
    namespace: NamespaceOption = None,
    context: ContextOption = None,
    operator_namespace: Annotated[
        str,
        typer.Option("--operator-namespace", metavar="NAME", help="Where the operator lives; found if left out"),
    ] = "",
    redis: Annotated[
        str,
        typer.Option(metavar="URL", envvar="MLROLLOUT_REDIS_URL", help="Ask this Redis itself, from here"),
    ] = "",
    prometheus: Annotated[str, typer.Option(metavar="URL", help="Ask this Prometheus itself, from here")] = "",
    output: OutputOption = "",
    *,
    everywhere: EverywhereOption = False,
) -> None:
    """Look at what rollouts depend on (cluster, CRD, rights, operator, Redis, Prometheus, clocks), and say what to do.

    What can't be seen it says, too. Exit code 0: nothing has failed. 1: something has. 3: the cluster can't be worked
    with.
    """
    from .examine import Places
    from .tell import run

    run(context, namespace, Places(operator_namespace, redis, prometheus), output, everywhere=everywhere)
