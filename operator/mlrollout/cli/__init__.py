"""The command line. Exit codes: 0 done, 1 failed, 2 wrong usage or settings, 3 the cluster can't be worked with."""

import sys


def main() -> None:
    """Run the command line, or say what it needs."""
    try:
        from .app import app  # noqa: PLC0415 - an application that has only the SDK has no typer
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.partition(".")[0] == "mlrollout":
            raise
        sys.exit(f"The command line needs {error.name}, which is not installed: pip install 'mlrollout[operator]'")
    app()
