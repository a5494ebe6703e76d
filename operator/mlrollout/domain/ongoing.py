"""What goes on, as the status keeps it for those who are told once: numbered, with its begin and its end."""

from collections.abc import Collection, Iterable, Iterator, Sequence

from mlrollout.api.status import MAX_ONGOING, OngoingStatus

from .decision import Alert
from .state import State
from .topics import ONGOING

Subject = tuple[str, str]
"""What tells one alert from another: its reason, and what it is about."""


def subject(of: Alert | OngoingStatus) -> Subject:
    """What tells it from others, as the status can hold it."""
    return str(of.reason), of.subject[:253]


def news(alerts: Iterable[Alert]) -> Sequence[Alert]:
    """Those that receivers are told of, each once."""
    return list({subject(alert): alert for alert in alerts if alert.reason in ONGOING}.values())


def going_on(
    kept: Sequence[OngoingStatus], begun: Iterable[Alert], present: Collection[Subject], state: State, now: float
) -> tuple[OngoingStatus, ...]:
    """What the status shall keep.

    Args:
        kept: What it keeps now, oldest first.
        begun: What goes on, and has for long enough to be told.
        present: What goes on, or stopped so lately that it may come back.
        state: Where the rollout stands: in another attempt, the same is something new.
        now: Seconds since the epoch.
    """
    attempt = state.record.ordinal
    ended = tuple(one if one.attempt == attempt and subject(one) in present else _ended(one, now) for one in kept)
    open_ones = {subject(one) for one in ended if one.until is None}
    first = ended[-1].number + 1 if ended else 1
    more = (alert for alert in begun if subject(alert) not in open_ones)
    return (*ended, *_numbered(more, first, state, now))[-MAX_ONGOING:]


def _ended(one: OngoingStatus, now: float) -> OngoingStatus:
    return one.model_copy(update={"until": now}) if one.until is None else one


def _numbered(alerts: Iterable[Alert], first: int, state: State, now: float) -> Iterator[OngoingStatus]:
    for number, alert in enumerate(alerts, start=first):
        reason, about = subject(alert)
        yield OngoingStatus(
            number=number,
            reason=reason,
            subject=about,
            message=alert.message,
            since=now,
            attempt=state.record.ordinal,
            after=state.serial,
        )
