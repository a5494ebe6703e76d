"""How a command ends: with an exit code, and where it failed, with one line that says why."""

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from enum import IntEnum
from errno import EPIPE
from pathlib import PurePath

TRACEBACK = "MLROLLOUT_TRACEBACK"
"""The environment variable for whoever wants to see where a fault of this program is."""
_PROCESSES = {"operator", "server"}
"""Of what ends these, a log should know more than a line."""
_OF_THE_SERVER = {"server", "token"}


class ExitCode(IntEnum):
    """What a script is told; docs/cli.md has the table."""

    DONE = 0
    FAILED = 1
    WRONG_USAGE = 2
    CLUSTER_UNUSABLE = 3
    TIMED_OUT = 4
    INTERRUPTED = 130
    PIPE_CLOSED = 141


class CommandError(Exception):
    """What ends a command; its text is the line that whoever typed it reads, and may be empty."""

    def __init__(self, message: str, code: int = ExitCode.FAILED) -> None:
        super().__init__(message)
        self.code = code


def program() -> str:
    """What a person types to call this: its own name, or kubectl and its name."""
    return "kubectl mlrollout" if PurePath(sys.argv[0]).name.startswith("kubectl") else "mlrollout"


def ended(run: Callable[[], int]) -> int:
    """The exit code of a command, which is run here; whatever goes wrong is told in one line.

    Raises:
        Exception: A fault of the program itself, where its traceback is wanted.
    """
    code = _run(run)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = ExitCode.PIPE_CLOSED
    if code == ExitCode.PIPE_CLOSED:
        # What is still to be written has nowhere to go, and Python would complain about that at its end.
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code


def _run(run: Callable[[], int]) -> int:
    try:
        return run()
    except CommandError as error:
        return _failed(str(error), error.code)
    except (SystemExit, KeyboardInterrupt, BrokenPipeError) as end:
        return _exit_code(end)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "mlrollout":
            raise
        extra = "server" if _OF_THE_SERVER.intersection(sys.argv[1:2]) else "operator"
        return _failed(f"this needs {error.name}, which is not installed: pip install 'mlrollout[{extra}]'")
    except Exception as error:
        if _PROCESSES.intersection(sys.argv[1:2]) or os.environ.get(TRACEBACK):
            raise
        fault = f"{type(error).__name__}: {error}"
        return _failed(f"a fault of this program, please report it: {fault} ({TRACEBACK}=1 shows where)")


def _exit_code(end: BaseException) -> int:
    cause = end.__context__
    if isinstance(end, BrokenPipeError) or (isinstance(cause, OSError) and cause.errno == EPIPE):
        return ExitCode.PIPE_CLOSED  # of which typer makes a 1
    if isinstance(end, SystemExit):
        return end.code if isinstance(end.code, int) else ExitCode.FAILED if end.code else ExitCode.DONE
    return ExitCode.INTERRUPTED


def _failed(message: str, code: int = ExitCode.FAILED) -> int:
    command = "".join(f" {word}" for word in sys.argv[1:2] if word.isalpha())
    if message:
        with suppress(OSError):
            print(f"{program()}{command}: {message}", file=sys.stderr)  # noqa: T201 - for whoever typed it
    return code
