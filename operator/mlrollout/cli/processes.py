"""The commands that run the operator and the server, and make tokens for the server."""

from pathlib import Path
from typing import Annotated

import typer

from mlrollout.startup.log_level import LogLevel

from .ending import CommandError, ExitCode

JsonLogs = Annotated[bool, typer.Option("--json/--text", help="How logs are written")]
LeastLevel = Annotated[
    LogLevel, typer.Option("--log-level", help="The least that a line of the log must be to be written")
]

OwnPrometheus = Annotated[
    str | None, typer.Option(metavar="URL", help="The operator's own Prometheus. Or: MLROLLOUT_PROMETHEUS_URL")
]
AllowedPrometheus = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PATTERN",
        help="Addresses that an object may name, such as http://prometheus.*.svc:9090; may be repeated. "
        "Or: MLROLLOUT_ALLOWED_PROMETHEUS, with commas between",
    ),
]
AllowedSources = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PATTERN",
        help="Addresses that may name an object's revision, such as http://mlflow.*.svc:5000; may be repeated. "
        "Or: MLROLLOUT_ALLOWED_REVISION_SOURCES, with commas between",
    ),
]
Listen = Annotated[
    str | None,
    typer.Option(
        metavar="HOST:PORT", help="For /livez, /readyz and /metrics; 127.0.0.1:8080 if left out. Or: MLROLLOUT_LISTEN"
    ),
]
LeaseNamespace = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Where the operator's Lease lives; the pod's own namespace if left out. Or: MLROLLOUT_NAMESPACE",
    ),
]
WatchedNamespace = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="The one namespace whose objects it looks after; every namespace if left out. "
        "Or: MLROLLOUT_WATCH_NAMESPACE",
    ),
]
NotificationsFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Who is notified of what; see docs/notifications.md. Or: MLROLLOUT_NOTIFICATIONS_FILE"
    ),
]
AllowedReceivers = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PATTERN",
        help="Receivers that an object may name, such as https://hooks.*.example.com or slack; may be repeated. "
        "Or: MLROLLOUT_ALLOWED_RECEIVERS, with commas between",
    ),
]
AllowedNetworks = Annotated[
    list[str] | None,
    typer.Option(
        metavar="RANGE",
        help="Networks beside the public internet that these may lead to, such as 10.20.0.0/16; may be repeated. "
        "Or: MLROLLOUT_ALLOWED_RECEIVER_NETWORKS, with commas between",
    ),
]


def operator(  # noqa: PLR0913 - an option each
    *,
    prometheus: OwnPrometheus = None,
    allow_prometheus: AllowedPrometheus = None,
    allow_revision_source: AllowedSources = None,
    listen: Listen = None,
    namespace: LeaseNamespace = None,
    watch_namespace: WatchedNamespace = None,
    notifications: NotificationsFile = None,
    allow_receiver: AllowedReceivers = None,
    allow_receiver_network: AllowedNetworks = None,
    json_logs: JsonLogs = True,
    log_level: LeastLevel = LogLevel.INFO,
) -> None:
    """Run the operator until it is told to stop, on the cluster of KUBECONFIG or of its own pod.

    Its own Redis comes from MLROLLOUT_REDIS_URL, or from the file that MLROLLOUT_REDIS_URL_FILE names;
    for TLS, MLROLLOUT_REDIS_CA, MLROLLOUT_REDIS_CERTIFICATE and MLROLLOUT_REDIS_KEY name files.
    What its Prometheus is shown stands in the folder that MLROLLOUT_PROMETHEUS_AUTH names.
    What the settings mean stands in docs/operations.md.
    """
    import asyncio

    from mlrollout.ports import PortError
    from mlrollout.runtime import process, settings
    from mlrollout.startup import logs
    from mlrollout.startup.lookups import LookupLoop
    from mlrollout.startup.settings import SettingsError

    logs.configure(json=json_logs, level=log_level)
    try:
        loaded = settings.load(
            prometheus_address=prometheus,
            allowed_prometheus=tuple(allow_prometheus or ()),
            allowed_revision_sources=tuple(allow_revision_source or ()),
            notifications=None if notifications is None else str(notifications),
            allowed_receivers=tuple(allow_receiver or ()),
            allowed_networks=tuple(allow_receiver_network or ()),
            listen=listen,
            namespace=namespace,
            watched=watch_namespace,
            json_logs=json_logs,
        )
        with asyncio.Runner(loop_factory=LookupLoop) as runner:
            runner.run(process.run(loaded))
    except SettingsError as error:
        raise CommandError(str(error), ExitCode.WRONG_USAGE) from None
    except PortError as error:
        raise CommandError(str(error), ExitCode.CLUSTER_UNUSABLE) from None


def server(
    config: Annotated[Path, typer.Option(metavar="FILE", help="The server's configuration; see docs/server.md")],
    *,
    json_logs: JsonLogs = True,
    log_level: LeastLevel = LogLevel.INFO,
) -> None:
    """Run the HTTP server until it is told to stop: OFREP and the A/B API, for applications in any language.

    Redis comes from MLROLLOUT_REDIS_URL, or from the file that MLROLLOUT_REDIS_URL_FILE names.
    """
    import asyncio

    from mlrollout.server import process
    from mlrollout.startup import logs
    from mlrollout.startup.lookups import LookupLoop
    from mlrollout.startup.settings import SettingsError

    logs.configure(json=json_logs, level=log_level)
    try:
        with asyncio.Runner(loop_factory=LookupLoop) as runner:
            runner.run(process.run(config))
    except SettingsError as error:
        raise CommandError(str(error), ExitCode.WRONG_USAGE) from None


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
    from mlrollout.server.auth import tokens
    from mlrollout.startup.settings import SettingsError

    try:
        made, line = tokens.new(name, role)
    except SettingsError as error:
        raise CommandError(str(error), ExitCode.WRONG_USAGE) from None
    typer.echo(f"The token, which is shown this once:\n{made}", err=True)
    typer.echo("Its line for the file that `tokens` in the server's configuration names:", err=True)
    typer.echo(line)
