"""The options that many commands have."""

from typing import Annotated

import typer

from . import completing
from .ending import CommandError, ExitCode

NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="The MLRollout", show_default=False, autocompletion=completing.names)
]
NamespaceOption = Annotated[
    str | None,
    typer.Option(
        "-n",
        "--namespace",
        metavar="NAME",
        help="Where the MLRollout is; the context's if left out",
        autocompletion=completing.namespaces,
    ),
]
ContextOption = Annotated[
    str | None,
    typer.Option(
        "--context",
        metavar="NAME",
        help="The context of the kubeconfig; the current one if left out",
        autocompletion=completing.contexts,
    ),
]
EverywhereOption = Annotated[bool, typer.Option("-A", "--all-namespaces", help="In every namespace")]
SelectorOption = Annotated[str, typer.Option("-l", "--selector", metavar="LABELS", help="Only those with these labels")]
OutputOption = Annotated[
    str,
    typer.Option(
        "-o",
        "--output",
        metavar="FORM",
        help="json, yaml, name, wide, or jsonpath={.status.percentage}",
        autocompletion=completing.forms,
    ),
]


def seconds(option: str, text: str) -> float:
    """A duration that an option has.

    Raises:
        CommandError: It is none.
    """
    from mlrollout.api import duration

    try:
        return duration.parse(text)
    except ValueError as error:
        raise CommandError(f"{option}: {error}", ExitCode.WRONG_USAGE) from None
