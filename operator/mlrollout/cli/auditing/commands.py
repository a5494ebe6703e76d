"""The commands."""

from typing import Annotated

import typer

from mlrollout.cli import completing
from mlrollout.cli.ending import CommandError, ExitCode
from mlrollout.cli.options import ContextOption, NamespaceOption
from mlrollout.domain.request import one_line


def blocks(
    name: Annotated[
        str, typer.Argument(help="The MLRollout", show_default=False, autocompletion=completing.names)
    ] = "",
    namespace: NamespaceOption = None,
    context: ContextOption = None,
    *,
    prometheus: Annotated[str, typer.Option(metavar="URL", help="The Prometheus that has its samples")],
    guardrail: Annotated[
        str,
        typer.Option("-g", "--guardrail", help="One guardrail; all if left out", autocompletion=completing.guardrails),
    ] = "",
    attempt: Annotated[
        int,
        typer.Option(help="An attempt that is over: its number in the history, or -1 for the one before"),
    ] = 0,
    file: Annotated[
        str, typer.Option("-f", "--file", metavar="FILE", help="In place of a name: what kubectl get -o yaml said")
    ] = "",
) -> None:
    """Fetch what verdicts of guardrails stand on: the blocks that their tests were given, as JSON.

    The object says what was found, and the samples in Prometheus say of what. Exit codes: 0 the verdicts follow from
    the blocks; 1 they do not, as where Prometheus no longer has all samples; 2 there is nothing to fetch; 3 the
    cluster can't be worked with.
    """
    from mlrollout.cli.terminal import Terminal
    from mlrollout.replay.document import UnreadableDocumentError

    from . import blocks as fetching

    if bool(name) == bool(file):
        raise CommandError("name one object, or a file by -f that holds one", ExitCode.WRONG_USAGE)
    try:
        found = fetching.saved(file) if file else fetching.in_cluster(context, namespace, name)
        document = fetching.fetch(found, prometheus, guardrail, attempt)
        made = fetching.again(document)
    except (fetching.NotFetchedError, UnreadableDocumentError) as error:
        raise CommandError(one_line(str(error)), ExitCode.WRONG_USAGE) from None
    terminal = Terminal()
    terminal.write(document.render())
    terminal.note(fetching.tell(document, made))
    raise typer.Exit(ExitCode.FAILED if any(one.differences for one in made) else ExitCode.DONE)


def replay(
    file: Annotated[str, typer.Argument(metavar="FILE", help="What `mlrollout blocks` wrote; - for stdin")],
) -> None:
    """Make verdicts again, of their blocks alone and by the operator's own check, and hold them against what it found.

    Exit codes: 0 verdict and e-value are the same to the last bit; 1 they differ; 2 the file can't be read, or holds no
    blocks. Of a guardrail whose blocks are missing nothing is checked, and the exit code says nothing of it.
    """
    from mlrollout.cli.terminal import Terminal
    from mlrollout.replay.document import UnreadableDocumentError

    from . import blocks as fetching

    try:
        document = fetching.read(file)
        found = fetching.again(document)
    except UnreadableDocumentError as error:
        raise CommandError(f"{file}: {error}", ExitCode.WRONG_USAGE) from None
    if told := fetching.tell(document, found):
        Terminal().write(told)
    if fetching.unchecked(found):
        nothing = f"{file}: it holds no blocks of any guardrail: nothing was checked"
        raise CommandError(nothing, ExitCode.WRONG_USAGE)
    raise typer.Exit(ExitCode.FAILED if any(one.differences for one in found) else ExitCode.DONE)
