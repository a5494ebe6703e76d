"""What goes wrong, told so that a person can act on it.

DevstackError
├── UnavailableError      one source of a binary has nothing for us; the next is asked
├── MissingError          something must be installed first (exit code 2)
├── UnansweredError       a part that runs did not answer; whoever waits for something asks again
└── ProcessFailedError    a process ended or was not ready in time; carries its log
    └── PortTakenError    it ended because somebody else has its port
"""


class DevstackError(Exception):
    """What happened, what it means and what to do, one line each."""

    exit_code = 1

    def __init__(self, happened: str, *, meaning: str = "", remedy: str = "") -> None:
        super().__init__("\n".join(line for line in (happened, meaning, remedy) if line))


class UnavailableError(DevstackError):
    """A source cannot give a binary; the message says why in a few words."""


class MissingError(DevstackError):
    """A program that only its user can install is not there."""

    exit_code = 2


class UnansweredError(DevstackError):
    """A part that runs did not answer in time, as happens on a busy machine."""


class ProcessFailedError(DevstackError):
    """A process ended early or was not ready in time."""


class PortTakenError(ProcessFailedError):
    """A process ended because its port was taken between choosing and binding."""
