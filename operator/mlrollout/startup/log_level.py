"""How much a process writes to its log; in a module of its own, for the command line asks for it before all else."""

from enum import StrEnum


class LogLevel(StrEnum):
    """The least that a line of the log must be to be written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
