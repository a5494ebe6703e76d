"""Whether something begins by itself."""

from enum import StrEnum


class Approval(StrEnum):
    """Whether it begins by itself or on a person's word."""

    AUTOMATIC = "Automatic"
    MANUAL = "Manual"
