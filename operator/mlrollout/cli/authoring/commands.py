"""The commands."""

from enum import StrEnum
from typing import Annotated

import typer

from mlrollout.cli.ending import CommandError, ExitCode
from mlrollout.domain.request import one_line

_READABLE = 100
"""Cells of a line that is still read at once."""


class LintOutput(StrEnum):
    """How `lint` writes what it found."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


class Output(StrEnum):
    """How an answer is written."""

    TABLE = "table"
    JSON = "json"


def _fields(incomplete: str) -> list[str]:
    """The fields of an object that lie where a path has come to."""
    from .explain import below

    path, dot, begun = incomplete.rpartition(".")
    return [f"{path}{dot}{name}" for name in below(path) if name.startswith(begun)]


def lint(
    files: Annotated[
        list[str] | None, typer.Argument(metavar="FILE", show_default=False, help="Manifests as YAML; - for stdin")
    ] = None,
    file: Annotated[
        list[str] | None, typer.Option("-f", "--file", metavar="FILE", show_default=False, help="The same")
    ] = None,
    prometheus: Annotated[
        str | None, typer.Option(metavar="URL", help="Ask the queries, too: what they answer now shows more")
    ] = None,
    traffic: Annotated[
        str | None,
        typer.Option(metavar="RATE", help="Simulate, too, what guardrails can do at so many requests: 0.35/s, 1250/h"),
    ] = None,
    bad: Annotated[
        str, typer.Option(metavar="SHARE", help="With --traffic: of a healthy model's requests, those that are bad")
    ] = "1%",
    output: Annotated[LintOutput, typer.Option("-o", "--output", help="How findings are written")] = LintOutput.TEXT,
) -> None:
    """Say what is wrong with manifests before they are applied, and which guardrails can't do their work.

    Exit code 0: nothing is wrong. 1: something is. 2: the input can't be read.
    """
    from mlrollout.cli.terminal import Terminal
    from mlrollout.simulate import command
    from mlrollout.simulate.load import Load

    from . import linting
    from .manifests import UnreadableInputError

    meant = [*(files or ()), *(file or ())]
    if not meant:
        raise CommandError("say which: FILE..., or - for standard input", ExitCode.WRONG_USAGE)
    try:
        at = None if traffic is None else Load(command.traffic(traffic), command.share(bad))
        found = linting.run(meant, prometheus, at)
    except (UnreadableInputError, command.UnusableError) as error:
        raise CommandError(one_line(str(error)), ExitCode.WRONG_USAGE) from None
    written = {LintOutput.TEXT: linting.as_text, LintOutput.JSON: linting.as_json, LintOutput.GITHUB: linting.as_github}
    terminal = Terminal()
    terminal.write(written[output](found))
    unseen = [option for option, value in (("--prometheus", prometheus), ("--traffic", traffic)) if value is None]
    if unseen and output is LintOutput.TEXT:
        terminal.note(f"What only {' and '.join(unseen)} can show was not looked at.")
    raise typer.Exit(ExitCode.FAILED if linting.is_wrong(found) else ExitCode.DONE)


def template(
    prefix: Annotated[str, typer.Argument(metavar="PREFIX", help="How the application's metrics begin: ml_dispatch")],
    name: Annotated[str, typer.Option(metavar="NAME", help="Of the object; after the prefix if left out")] = "",
    namespace: Annotated[str, typer.Option("-n", "--namespace", metavar="NAME", help="Of the object")] = "default",
    revision: Annotated[str, typer.Option(metavar="NAME", help="What is rolled out")] = "model-1",
) -> None:
    """Print an MLRollout to begin with, with comments, for an application's metrics."""
    from mlrollout.cli.terminal import Terminal

    from .template import written

    Terminal().write(written(prefix, name, namespace, revision))


def explain(
    field: Annotated[
        str,
        typer.Argument(
            metavar="FIELD", help="For example guardrails.rate.max or status.history", autocompletion=_fields
        ),
    ] = "spec",
) -> None:
    """Say what a field of an MLRollout means, its default, its bounds and its rules."""
    from mlrollout.cli.terminal import Terminal

    from .explain import page

    terminal = Terminal()
    terminal.write(page(field, min(terminal.room, _READABLE)))


def simulate(
    file: Annotated[
        str, typer.Option("-f", "--file", metavar="FILE", help="The object as it would be applied; - for stdin")
    ],
    traffic: Annotated[str | None, typer.Option(metavar="RATE", help="Requests of all users: 0.35/s, 1250/h")] = None,
    bad: Annotated[
        str | None, typer.Option(metavar="SHARE", help="Of a healthy model's requests, those that are bad: 1%, 0.01")
    ] = None,
    prometheus: Annotated[
        str | None, typer.Option(metavar="URL", help="In place of both: the Prometheus that has seen the traffic")
    ] = None,
    since: Annotated[str, typer.Option(metavar="DURATION", help="With --prometheus: how far back")] = "14d",
    name: Annotated[str, typer.Option(help="Which object, where the file has several")] = "",
    tries: Annotated[int, typer.Option(min=1, max=1_000_000, help="Rollouts of a healthy model")] = 300,
    scrape: Annotated[str, typer.Option(metavar="DURATION", help="How often Prometheus scrapes")] = "15s",
    seed: Annotated[int, typer.Option(help="Where chance begins: with the same, the answer is the same")] = 1,
    output: Annotated[Output, typer.Option("-o", "--output", help="table or json")] = Output.TABLE,
) -> None:
    """Say what a rollout would do, before it is applied: at this traffic, by the operator's own decisions.

    How often a healthy model is rolled back for nothing, how soon a worse one is found and after how many users, and
    when everybody has it; see docs/simulate.md. Exit codes: 0 fine; 1 a healthy model is rolled back with a chance
    above 1 %; 2 the file or an option can't be used.
    """
    from mlrollout.cli.terminal import Terminal
    from mlrollout.simulate import command
    from mlrollout.simulate.promql import UnknownError

    from . import history
    from .manifests import UnreadableInputError, only_spec

    try:
        spec = only_spec(file, name)
        load, notes = history.load(spec, traffic, bad, prometheus, since)
        forecast = command.run(spec, load, tries, command.seconds("--scrape", scrape), seed)
    except (UnreadableInputError, command.UnusableError, UnknownError) as error:
        raise CommandError(one_line(str(error)), ExitCode.WRONG_USAGE) from None
    terminal = Terminal()
    for note in notes:
        terminal.note(one_line(note))
    terminal.write(command.tell_as(output, forecast))
    if not forecast.well:
        raise typer.Exit(ExitCode.FAILED)
