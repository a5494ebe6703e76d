"""Why a block can't be counted."""

from enum import Enum


class UncountableReason(Enum):
    """What is wrong with the samples. Where it says *waits*, the next block may count this one's events with its own.

    A block that does not wait is passed over, else the next one would be refused for the same sample.
    """

    NO_SAMPLES = "nothing was scraped in the block: waits"
    GROUP_MISSING = "one of the groups has no series with a sample in the block: waits"
    MORE_BAD_THAN_ALL = "counters that do not belong together, or are not exported together: waits"
    NO_LABEL = "a series does not say to which group or cohort it belongs"
    NO_EDGE = "a histogram has no such bucket"
    NATIVE = "a native histogram, which has no bucket counters"
    NOT_A_NUMBER = "a sample that is NaN or infinite"
    NEGATIVE = "a counter below zero"
    FRACTION = "a counter of events that is no whole number"
    HIDDEN = (
        "a counter that was missing since before what counts, or the percentage, began, with others of its target there"
    )
    FELL = "a counter fell, to more than it can have gained since a restart"
    GAUGE = "a counter that falls so often is none"
    TOO_MANY = "more series than can be read at every look"

    @property
    def waits(self) -> bool:
        """Whether the next block may begin where this one did."""
        return self.value.endswith(": waits")

    @property
    def silent(self) -> bool:
        """Whether it says no more than that nothing is there: no data, and no error."""
        return self in (UncountableReason.NO_SAMPLES, UncountableReason.GROUP_MISSING)


class UncountableError(Exception):
    """A block that can't be counted.

    Attributes:
        reason: What is wrong.
        words: The same for the user, with the series and what to do.
    """

    def __init__(self, reason: UncountableReason, words: str) -> None:
        super().__init__(words)
        self.reason = reason
        self.words = words
