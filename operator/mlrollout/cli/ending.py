"""How a command ends: with an exit code, and where it failed, with one line that says why."""

import os
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from enum import IntEnum
from errno import EBADF, EDQUOT, EFBIG, EIO, ENOSPC, EPIPE
from pathlib import Path, PurePath
from typing import Any, TextIO, cast

TRACEBACK = "MLROLLOUT_TRACEBACK"
"""The environment variable for whoever wants to see where a fault of this program is."""
_PROCESSES = {"operator", "server"}
"""Of what ends these, a log should know more than a line."""
_EXTRAS: Mapping[str, str] = {"operator": "operator", "notify": "operator", "server": "server", "token": "server"}
"""The extra that brings what a command needs; what is not named here needs that of a person's command line."""
_FULL = {EBADF, EDQUOT, EFBIG, EIO, ENOSPC}
"""The errors of a file that takes no more."""
_GROUPS = {"notify"}
"""Commands with commands below them: which of these it was, is said as well."""


class ExitCode(IntEnum):
    """What a script is told; docs/cli.md has the table."""

    DONE = 0
    FAILED = 1
    WRONG_USAGE = 2
    CLUSTER_UNUSABLE = 3
    TIMED_OUT = 4
    FAULT = 70
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
        Exception: A fault of a process that has a log.
    """
    if sys.stdin is None:
        sys.stdin = Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115 - as long as the program
    if sys.stdout is None:
        sys.stdout = _unwritable()
    beside = sys.stderr
    if beside is None:  # what is told there would go to standard output
        beside = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - as long as the program
    sys.stderr = cast("TextIO", _Beside(beside))
    try:
        code = _run(run)
        refusal = _refused_output()
        if refusal is not None or code == ExitCode.PIPE_CLOSED:
            return _unwritten(refusal or BrokenPipeError())
        return code
    finally:
        sys.stderr = beside
        _let_go(beside)


class _Beside:
    """Standard error: what can't be written there is lost, and changes neither what a command does nor its verdict."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> int:
        with suppress(OSError):
            return self._file.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._file.flush()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a file has
        return getattr(self._file, name)


def _let_go(beside: TextIO) -> None:
    """What standard error keeps and can't write has nowhere to go, and Python would end with a code of its own."""
    try:
        beside.flush()
    except OSError:
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), beside.fileno())


def _unwritable() -> TextIO:
    """A standard output in the place of one that was closed: whoever writes to it is refused, as by any other."""
    return os.fdopen(os.open(os.devnull, os.O_RDONLY), "w", encoding="utf-8")


def _refused_output() -> OSError | None:
    """Why what is still to be written can't be; `None` where it is written now."""
    try:
        sys.stdout.flush()
    except OSError as error:
        return error
    return None


def _is_of_output(error: OSError) -> bool:
    """Whether an error is about standard output: which keeps what it could not write, unless nothing is to be kept."""
    unkept = getattr(sys.stdout, "write_through", False) and error.filename is None and error.errno in _FULL
    return unkept or _refused_output() is not None


def _unwritten(error: OSError) -> int:
    """What is still to be written has nowhere to go, and Python would complain about that at its end."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if isinstance(error, BrokenPipeError):
        return ExitCode.PIPE_CLOSED
    return _failed(f"standard output can't be written ({error.strerror})")


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
        extra = _EXTRAS.get("".join(sys.argv[1:2]), "cli")
        told = f"this needs {error.name}, which is not installed: install mlrollout with its extra `{extra}`"
        return _failed(told, ExitCode.FAULT)  # of many commands, 1 is a verdict
    except Exception as error:
        if isinstance(error, OSError) and _is_of_output(error):
            return _unwritten(error)
        if _PROCESSES.intersection(sys.argv[1:2]):
            raise
        return _fault(error)


def _fault(error: Exception) -> int:
    """Tell of a fault of this program; no command's verdict has its exit code."""
    if os.environ.get(TRACEBACK):
        traceback.print_exception(error)
        return ExitCode.FAULT
    told = f"a fault of this program, please report it: {type(error).__name__}: {error} ({TRACEBACK}=1 shows where)"
    return _failed(told, ExitCode.FAULT)


def _exit_code(end: BaseException) -> int:
    cause = end.__context__
    if isinstance(end, BrokenPipeError) or (isinstance(cause, OSError) and cause.errno == EPIPE):
        return ExitCode.PIPE_CLOSED  # of which typer makes a 1
    if isinstance(end, SystemExit):
        return end.code if isinstance(end.code, int) else ExitCode.FAILED if end.code else ExitCode.DONE
    return ExitCode.INTERRUPTED


def _failed(message: str, code: int = ExitCode.FAILED) -> int:
    words = sys.argv[1:3] if _GROUPS.intersection(sys.argv[1:2]) else sys.argv[1:2]
    command = "".join(f" {word}" for word in words if word.isalpha())
    if message:
        with suppress(OSError):
            print(f"{program()}{command}: {message}", file=sys.stderr)  # noqa: T201 - for whoever typed it
    return code
