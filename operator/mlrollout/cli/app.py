"""The commands of `mlrollout`."""

import asyncio
import sys
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from mlrollout.ports import PortError
from mlrollout.runtime.settings import DEFAULT_LISTEN

FAILED = 1
SETTINGS_WRONG = 2
CLUSTER_UNUSABLE = 3


class LintOutput(StrEnum):
    """How `lint` writes what it found."""

    TEXT = "text"
    JSON = "json"


app = typer.Typer(
    help="Roll an ML feature out to users by percentage, and take it back by itself.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def _root() -> None:
    pass


@app.command(name="version")
def show_version() -> None:
    """Print the version."""
    typer.echo(version("mlrollout"))


@app.command()
def operator(
    prometheus: Annotated[
        str | None,
        typer.Option(metavar="URL", help="The operator's own Prometheus. Or: MLROLLOUT_PROMETHEUS_URL"),
    ] = None,
    allow_prometheus: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN",
            help="Addresses that an object may name, such as http://prometheus.*.svc:9090; may be repeated. "
            "Or: MLROLLOUT_ALLOWED_PROMETHEUS, with commas between",
        ),
    ] = None,
    listen: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            help=f"For /livez, /readyz and /metrics; {DEFAULT_LISTEN} if left out. Or: MLROLLOUT_LISTEN",
        ),
    ] = None,
    namespace: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Where the operator's Lease lives; the pod's own namespace if left out. Or: MLROLLOUT_NAMESPACE",
        ),
    ] = None,
    *,
    json_logs: Annotated[bool, typer.Option("--json/--text", help="How logs are written")] = True,
) -> None:
    """Run the operator until it is told to stop, on the cluster of KUBECONFIG or of its own pod.

    Its own Redis comes from MLROLLOUT_REDIS_URL, or from the file that MLROLLOUT_REDIS_URL_FILE names.
    What the settings mean stands in docs/operations.md.
    """
    from mlrollout.runtime import process, settings  # noqa: PLC0415 - it takes a second, which other commands need not wait
    from mlrollout.startup import logs  # noqa: PLC0415 - likewise
    from mlrollout.startup.settings import SettingsError  # noqa: PLC0415 - likewise

    logs.configure(json=json_logs)
    try:
        loaded = settings.load(
            prometheus_address=prometheus,
            allowed_prometheus=tuple(allow_prometheus or ()),
            listen=listen,
            namespace=namespace,
            json_logs=json_logs,
        )
        asyncio.run(process.run(loaded))
    except SettingsError as error:
        _fail("operator", str(error), SETTINGS_WRONG)
    except PortError as error:
        _fail("operator", str(error), CLUSTER_UNUSABLE)


@app.command()
def server(
    config: Annotated[Path, typer.Option(metavar="FILE", help="The server's configuration; see docs/server.md")],
    *,
    json_logs: Annotated[bool, typer.Option("--json/--text", help="How logs are written")] = True,
) -> None:
    """Run the HTTP server until it is told to stop: OFREP and the A/B API, for applications in any language.

    Redis comes from MLROLLOUT_REDIS_URL, or from the file that MLROLLOUT_REDIS_URL_FILE names.
    """
    from mlrollout.server import process  # noqa: PLC0415 - likewise
    from mlrollout.startup import logs  # noqa: PLC0415 - likewise
    from mlrollout.startup.settings import SettingsError  # noqa: PLC0415 - likewise

    logs.configure(json=json_logs)
    try:
        asyncio.run(process.run(config))
    except SettingsError as error:
        _fail("server", str(error), SETTINGS_WRONG)


class Output(StrEnum):
    """How an answer is written."""

    TABLE = "table"
    JSON = "json"


@app.command()
def simulate(
    file: Annotated[Path, typer.Option("-f", "--file", metavar="FILE", help="The object, as it would be applied")],
    traffic: Annotated[str, typer.Option(metavar="RATE", help="Requests of all users: 0.35/s, 1250/h")],
    bad: Annotated[
        str, typer.Option(metavar="SHARE", help="Of a healthy model's requests, those that are bad: 1%, 0.01")
    ],
    name: Annotated[str, typer.Option(help="Which object, where the file has several")] = "",
    tries: Annotated[int, typer.Option(min=1, max=1_000_000, help="Rollouts of a healthy model")] = 1000,
    scrape: Annotated[str, typer.Option(metavar="DURATION", help="How often Prometheus scrapes")] = "15s",
    seed: Annotated[int, typer.Option(help="Where chance begins: with the same, the answer is the same")] = 1,
    output: Annotated[Output, typer.Option("-o", "--output", help="table or json")] = Output.TABLE,
) -> None:
    """Say what a rollout would do, before it is applied: at this traffic, by the operator's own decisions.

    How often a healthy model is rolled back for nothing, how soon a worse one is found and after how many users, and
    when everybody has it; see docs/simulate.md. Exit codes: 0 fine; 1 a healthy model is rolled back with a chance
    above 1 %; 2 the file or an option can't be used.
    """
    from mlrollout.simulate import command  # noqa: PLC0415 - likewise
    from mlrollout.simulate.promql import UnknownError  # noqa: PLC0415 - likewise

    try:
        spec, requests, share = command.read(file, name), command.traffic(traffic), command.share(bad)
        forecast = command.run(spec, requests, share, tries, command.seconds("--scrape", scrape), seed)
    except (command.UnusableError, UnknownError) as error:
        _fail("simulate", str(error), SETTINGS_WRONG)
    else:
        typer.echo(command.tell_as(output, forecast))
        if not forecast.well:
            raise typer.Exit(FAILED)


@app.command()
def token(
    name: Annotated[str, typer.Option(help="Who will show it: for the audit")],
    role: Annotated[
        list[str],
        typer.Option(
            help="What it allows: assign (ask for any user's assignment), rate (pass on their ratings), view or admin; "
            "may be repeated"
        ),
    ],
) -> None:
    """Make a token for the server.

    Its line for the server's file of tokens goes to standard output, for `>> tokens.yaml`; the token itself goes to
    standard error, so that it stands in no file.
    """
    from mlrollout.server.auth import tokens  # noqa: PLC0415 - likewise
    from mlrollout.startup.settings import SettingsError  # noqa: PLC0415 - likewise

    try:
        made, line = tokens.new(name, role)
    except SettingsError as error:
        _fail("token", str(error), SETTINGS_WRONG)
    else:
        typer.echo(f"The token, which is shown this once:\n{made}", err=True)
        typer.echo("Its line for the file that `tokens` in the server's configuration names:", err=True)
        typer.echo(line)


@app.command()
def lint(
    file: Annotated[list[str], typer.Option("-f", "--file", metavar="FILE", help="Manifests as YAML; - for stdin")],
    prometheus: Annotated[
        str | None, typer.Option(metavar="URL", help="Ask the queries, too: what they answer now shows more")
    ] = None,
    output: Annotated[LintOutput, typer.Option("-o", "--output", help="How findings are written")] = LintOutput.TEXT,
) -> None:
    """Say what is wrong with MLRollout manifests before they are applied, and which guardrails can't do their work.

    Exit code 0: nothing is wrong. 1: something is. 2: the input can't be read.
    """
    from mlrollout.cli import linting  # noqa: PLC0415 - likewise

    try:
        found = linting.run(file, prometheus)
    except linting.UnreadableInputError as error:
        _fail("lint", str(error), SETTINGS_WRONG)
    else:
        typer.echo(linting.as_json(found) if output is LintOutput.JSON else linting.as_text(found))
        raise typer.Exit(FAILED if linting.is_wrong(found) else 0)


def _fail(command: str, message: str, code: int) -> None:
    print(f"mlrollout {command}: {message}", file=sys.stderr)  # noqa: T201 - for the person at the terminal
    raise typer.Exit(code)
