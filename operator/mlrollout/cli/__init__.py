"""The command line. Exit codes: 0 done, 1 failed, 2 wrong usage or settings, 3 the cluster can't be worked with."""

import sys

_OF_THE_SERVER = {"server", "token"}


def main() -> None:
    """Run the command line, or say what it needs."""
    try:
        from .app import app  # noqa: PLC0415 - an application that has only the SDK has no typer

        app()
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "mlrollout":
            raise
        extra = "server" if _OF_THE_SERVER.intersection(sys.argv[1:2]) else "operator"
        sys.exit(f"This needs {error.name}, which is not installed: pip install 'mlrollout[{extra}]'")
