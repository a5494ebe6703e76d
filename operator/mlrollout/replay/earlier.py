"""Attempts that are over, as the history in the status tells of them. Pure.

Of these the status keeps no checkpoint. When each began, which percentage was in force when, and what took it back, its
history still knows; so their blocks can be counted again as long as Prometheus has the samples.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from mlrollout.api.status import Status, TransitionStatus
from mlrollout.domain.reason import Reason
from mlrollout.evidence.checks.memory import ROUNDED, ShareSince

PRESENT = 0
"""What stands for the present attempt; -1 for the one before it, and so on."""
_EVERYBODY = 10_000


class UnknownAttemptError(ValueError):
    """The history does not tell enough of an attempt; the text says what it tells of."""


@dataclass(frozen=True, slots=True)
class EarlierAttempt:
    """An attempt that is over. Times are seconds since the epoch.

    Attributes:
        number: Its number in the history.
        began: When its first stage was entered.
        ended: When nobody was in treatment any more, or the next attempt began.
        shares: Which share of the users got the treatment, oldest first.
        causes: What was told as it was taken back.
    """

    number: int
    began: float
    ended: float
    shares: tuple[ShareSince, ...]
    causes: tuple[TransitionStatus, ...]

    def breach(self, guardrail: str) -> TransitionStatus | None:
        """The breach of a guardrail that took it back; `None` where it was something else, or another guardrail."""
        prefix = f"guardrail {guardrail}: "
        told = (one for one in self.causes if one.reason == Reason.GUARDRAIL_BREACHED)
        return next((one for one in told if one.message.startswith(prefix)), None)


def earlier(status: Status, wanted: int, holdback: int) -> EarlierAttempt | None:
    """An attempt that is over; `None` where the present one is wanted.

    Args:
        status: Whose history it is.
        wanted: Its number, or from which one back from the present.
        holdback: Per cent of the users who were kept in control.

    Raises:
        UnknownAttemptError: The history does not tell of it, or not from its begin on.
    """
    numbers = sorted({one.attempt for one in status.history})
    if wanted == PRESENT or (numbers and wanted == numbers[-1]):
        return None
    number = wanted if wanted > 0 else numbers[wanted - 1] if -wanted < len(numbers) else wanted
    if number not in numbers:
        known = ", ".join(map(str, numbers)) or "none"
        raise UnknownAttemptError(f"the history tells of no attempt {wanted}; those that it tells of: {known}")
    own = [one for one in status.history if one.attempt == number]
    if own[0].percentage or (own[0] is status.history[0] and own[0].reason != Reason.ATTEMPT_STARTED):
        raise UnknownAttemptError(f"the history no longer reaches back to the begin of attempt {number}")
    treated = [one for one in own if one.percentage]
    if not treated:
        raise UnknownAttemptError(f"attempt {number} ended before anybody had the treatment")
    after = next(one.at for one in status.history if one.attempt > number)
    ended = min((one.at for one in own if one.serial > treated[-1].serial), default=after)
    causes = tuple(one for one in own if one.serial >= treated[-1].serial)
    return EarlierAttempt(number, treated[0].at, ended, _shares(treated, holdback), causes)


def _shares(treated: Sequence[TransitionStatus], holdback: int) -> tuple[ShareSince, ...]:
    found: list[ShareSince] = []
    for one in treated:
        share = one.percentage * (100 - holdback) / _EVERYBODY
        if not found or found[-1].share != share:
            found.append(ShareSince(one.at + ROUNDED, one.at, share))
    return tuple(found)
