"""The whole system on this machine, for development: `python -m devstack up|down|status|fetch`."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from . import binaries, environment, up
from .chart import REPOSITORY
from .console import say
from .errors import DevstackError
from .up import Choices


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    options = _parser().parse_args(arguments)
    try:
        return _run(options)
    except DevstackError as error:
        say(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        say("Interrupted.")
        return 130


def _run(options: argparse.Namespace) -> int:
    if options.command == "fetch":
        for name in options.names or binaries.names():
            print(f"{name:<16}{binaries.path(name)}", flush=True)
        return 0
    directory: Path = options.directory.absolute()
    if options.command == "status":
        return up.status(directory)
    if options.command == "down":
        up.down(directory)
        return 0
    in_kind = options.cluster == "kind"
    up.up(directory, Choices(environment.given(), kind=in_kind, operator=options.operator))
    return 0


def _known(name: str) -> str:
    if name not in binaries.names():
        raise argparse.ArgumentTypeError(f"{name} is none of {', '.join(binaries.names())}")
    return name


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m devstack", description=__doc__)
    parser.add_argument(
        "--directory",
        type=Path,
        default=REPOSITORY / ".local",
        help="where pid files, logs and data are kept (default: .local)",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    starting = commands.add_parser("up", help="start everything and leave it running")
    starting.add_argument(
        "--cluster",
        choices=("local", "kind"),
        # `make up CLUSTER=kind` hands its variable over in the environment.
        default="kind" if os.environ.get("CLUSTER") == "kind" else "local",
        help="our own control plane (the default), or a kind cluster",
    )
    starting.add_argument(
        "--no-operator",
        dest="operator",
        action="store_false",
        help="leave the operator out",
    )
    commands.add_parser("down", help="stop everything that `up` started")
    commands.add_parser("status", help="tell what runs")
    fetching = commands.add_parser("fetch", help="only get the programs ready")
    fetching.add_argument("names", nargs="*", type=_known, metavar="name", help="all of them by default")
    return parser
