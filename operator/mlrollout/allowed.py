"""Which addresses an administrator allows objects to name, by patterns."""

import re


def matches(pattern: str, address: str) -> bool:
    """Whether an address is one of those that a pattern stands for.

    A `*` stands for letters, digits, `-` and `_`: for (a part of) one label of a host's name or one segment of
    a path. It never stands for what ends a host's name or begins another part of the address: `.` `:` `/` `@`
    `?` `#` `%`. Everything else stands for itself, but for a slash at the end, which makes no difference.
    """
    fixed = (re.escape(part) for part in pattern.rstrip("/").split("*"))
    return re.fullmatch("[A-Za-z0-9_-]+".join(fixed), address.rstrip("/")) is not None
