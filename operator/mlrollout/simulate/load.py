"""The traffic of a simulated rollout: at one pace, or as it was in the past."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .watched import Pace


@dataclass(frozen=True, slots=True)
class PastTraffic:
    """Traffic as it was, in spans of equal length; after the last of them the first comes again.

    Attributes:
        step: Seconds of a span.
        spans: Of each, the requests of all users a second, and the share of bad ones.
    """

    step: float
    spans: Sequence[tuple[float, float]]

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.step * len(self.spans)

    @property
    def requests(self) -> float:
        """Requests a second in the mean."""
        return math.fsum(requests for requests, _ in self.spans) / len(self.spans)

    @property
    def bad(self) -> float:
        """The share of bad ones among all of them."""
        bad = math.fsum(requests * share for requests, share in self.spans)
        return bad / (self.requests * len(self.spans)) if self.requests else 0.0

    def at(self, seconds: float) -> tuple[float, float]:
        """The span in which a moment lies."""
        return self.spans[math.floor(seconds / self.step) % len(self.spans)]


@dataclass(frozen=True, slots=True)
class Load:
    """The traffic, and how much of it is bad.

    Attributes:
        requests: Of all users, a second; in the mean, where it is as it was in the past.
        bad: The share of bad ones in treatment; likewise.
        legacy: The share of bad ones in control; `None` for the same.
        holdback: Per cent of the users who stay in control at every percentage.
        past: The past that it repeats; `None` where it stays the same.
        begin: At how many seconds of the past a rollout begins.
    """

    requests: float
    bad: float
    legacy: float | None = None
    holdback: int = 0
    past: PastTraffic | None = None
    begin: float = 0.0

    def pace(self, percentage: int) -> Pace:
        """Events of the treatment a second."""
        return _pace(self._treated(percentage), self.bad)

    def control(self, percentage: int) -> Pace:
        """Events of the control a second."""
        return _pace(self.requests - self._treated(percentage), self._healthy)

    def at(self, seconds: float) -> "Load":
        """What it is so many seconds after a rollout began."""
        if self.past is None:
            return self
        requests, share = self.past.at(self.begin + seconds)
        worse = self.bad / self._healthy if self._healthy else 1.0
        return replace(self, requests=requests, bad=min(1.0, share * worse), legacy=share, past=None)

    def changes(self, seconds: float) -> float:
        """When it is another, after so many seconds of a rollout; infinity for never."""
        if self.past is None:
            return math.inf
        return (math.floor((self.begin + seconds) / self.past.step) + 1) * self.past.step - self.begin

    @property
    def _healthy(self) -> float:
        return self.bad if self.legacy is None else self.legacy

    def _treated(self, percentage: int) -> float:
        return self.requests * percentage * (100 - self.holdback) / 10_000


def _pace(events: float, bad: float) -> Pace:
    return Pace(events * bad, events * (1 - bad))
