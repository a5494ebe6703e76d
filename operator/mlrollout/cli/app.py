"""The commands of `mlrollout`."""

import asyncio
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from mlrollout.ports import PortError
from mlrollout.runtime.settings import DEFAULT_LISTEN

SETTINGS_WRONG = 2
CLUSTER_UNUSABLE = 3

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


def _fail(command: str, message: str, code: int) -> None:
    print(f"mlrollout {command}: {message}", file=sys.stderr)  # noqa: T201 - for the person at the terminal
    raise typer.Exit(code)
