"""When two messages say the same."""

import re

# With what sticks to them, as in "3m10s" or "5.2%"; not the digits of names, as in "p99" or "stage-2".
_NUMBERS = re.compile(r"(?<![\w.-])[-+]?\d[\w.,:%+-]*")


def without_numbers(message: str) -> str:
    """The message whatever it measured: two that differ in their numbers alone are one piece of news."""
    return _NUMBERS.sub("#", message)
