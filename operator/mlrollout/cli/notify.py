"""`mlrollout notify`: trying who is notified, before there is anything to be told."""

from pathlib import Path
from typing import Annotated

import typer

from mlrollout.domain.request import one_line

from .ending import CommandError, ExitCode

app = typer.Typer(help="Try who is notified of what happens to rollouts.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _group() -> None:
    """Try who is notified of what happens to rollouts."""


@app.command("test")
def send_one_of_each(
    receivers: Annotated[list[str] | None, typer.Argument(metavar="[RECEIVER]...", help="Left out: all")] = None,
    file: Annotated[
        Path | None,
        typer.Option("-f", "--file", metavar="FILE", help="Of notifications. Or: MLROLLOUT_NOTIFICATIONS_FILE"),
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="What an object's Secret holds, in the place of the file's receivers; - for stdin"
        ),
    ] = None,
    topic: Annotated[list[str] | None, typer.Option(help="Left out: one of each; may be repeated")] = None,
) -> None:
    """Send receivers one notification of each topic, marked as a test.

    Exit codes: 0 all arrived; 1 some did not, or a template is broken; 2 the file or the address can't be used.
    """
    from . import notifying
    from .terminal import Terminal

    terminal = Terminal()
    try:
        config, addresses = notifying.addresses(file, address, tuple(receivers or ()))
        well = notifying.run(
            config, addresses, notifying.topics(topic or ()), lambda line: terminal.tell(one_line(line))
        )
    except notifying.UnusableReceiverError as error:
        raise CommandError(str(error), ExitCode.WRONG_USAGE) from None
    if not well:
        raise CommandError("", ExitCode.FAILED)
