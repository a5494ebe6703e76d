"""The commands."""

from typing import Annotated

import typer

from mlrollout.cli import completing
from mlrollout.cli.options import (
    ContextOption,
    EverywhereOption,
    NameArgument,
    NamespaceOption,
    OutputOption,
    SelectorOption,
)


def list_rollouts(
    namespace: NamespaceOption = None,
    context: ContextOption = None,
    selector: SelectorOption = "",
    output: OutputOption = "",
    *,
    everywhere: EverywhereOption = False,
) -> None:
    """List rollouts, a line each: where it stands, since when, and what it waits for."""
    from .lists import rollouts

    rollouts(context, namespace, selector, output, everywhere=everywhere)


def status(
    name: NameArgument,
    namespace: NamespaceOption = None,
    context: ContextOption = None,
    output: OutputOption = "",
    *,
    watch: Annotated[bool, typer.Option("-w", "--watch", help="Go on showing it, until Ctrl-C")] = False,
) -> None:
    """Show a rollout: stages, guardrails, last steps, what blocks it and what to do."""
    if watch:
        from .watching import watch as go_on

        go_on(context, namespace, name, output)
    else:
        from .one import show

        show(context, namespace, name, output)


def why(
    name: NameArgument, namespace: NamespaceOption = None, context: ContextOption = None, output: OutputOption = ""
) -> None:
    """Say in one sentence why a rollout doesn't advance or was rolled back, and what to do."""
    from .one import explain

    explain(context, namespace, name, output)


def history(
    name: NameArgument, namespace: NamespaceOption = None, context: ContextOption = None, output: OutputOption = ""
) -> None:
    """List the last steps of a rollout, the oldest first."""
    from .lists import history as of

    of(context, namespace, name, output)


def events(
    name: NameArgument, namespace: NamespaceOption = None, context: ContextOption = None, output: OutputOption = ""
) -> None:
    """List the Events about a rollout that the cluster still has, the oldest first."""
    from .lists import events as of

    of(context, namespace, name, output)


def wait(
    name: NameArgument,
    goal: Annotated[
        str,
        typer.Option(
            "--for", metavar="GOAL", help="complete, rolled-back or stage=NAME", autocompletion=completing.goals
        ),
    ],
    namespace: NamespaceOption = None,
    context: ContextOption = None,
    revision: Annotated[
        str | None,
        typer.Option(
            "--revision",
            metavar="REVISION",
            help="The one that shall come there; the one that the spec asks for if left out",
        ),
    ] = None,
    timeout: Annotated[
        str | None, typer.Option("--timeout", metavar="DURATION", help="For how long; no end if left out")
    ] = None,
) -> None:
    """Wait until a rollout is complete, rolled back or in a stage.

    Exit code 0: it is. 1: it can't come there, or was deleted; also wrong usage. 2: it was rolled back. 3: the cluster
    can't be worked with. 4: the time was over.
    """
    from .waiting import WaitGoal
    from .waiting import wait as until

    until(context, namespace, name, WaitGoal(goal, revision), timeout)
