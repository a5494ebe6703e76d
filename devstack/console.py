"""Plain progress lines on standard error."""

import sys


def say(line: str) -> None:
    """Print one line at once, also when the output is a pipe."""
    print(line, file=sys.stderr, flush=True)
