"""The command line, in packages by subject; docs/cli.md says what each command is for."""

import os
import sys

from .ending import ended


def main() -> None:
    """Run the command that the arguments name, and end with its exit code."""

    def run() -> int:
        from .app import run

        return run()

    sys.exit(ended(run))


def complete() -> None:
    """Say what may come next, as kubectl asks it."""
    os.environ["_MLROLLOUT_COMPLETE"] = "kubectl"
    main()
