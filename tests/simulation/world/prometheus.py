"""A Prometheus in memory. It knows a few queries by their text and computes them from the traffic there was."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from mlrollout.api import duration
from mlrollout.domain.traffic import Traffic
from mlrollout.evidence.answer import Answer, Sample
from mlrollout.evidence.presence import LOOKBACK
from mlrollout.ports import QueryRefusedError

from tests.support import presence

from . import model

SCRAPE = 1.0
"""Seconds between two scrapes."""
UNREADABLE = "sum("
"""A query that no Prometheus can read."""

_REQUESTS = 'app_total{app="%s",group="treatment"}'
_FAILURES = 'app_total{app="%s",group="treatment",status="failure"}'
_SECONDS = 'app_seconds{app="%s",group="treatment"}'


def error_rate(app: str, window: str = "$window") -> str:
    """PromQL for the share of the treatment group's requests that failed."""
    failures, requests = _FAILURES % app, _REQUESTS % app
    return f"sum(rate({failures}[{window}])) / sum(rate({requests}[{window}]))"


def response_time(app: str, window: str = "$window") -> str:
    """PromQL for the treatment group's mean response time in seconds."""
    return f"avg(avg_over_time({_SECONDS % app}[{window}]))"


def requests(app: str, window: str = "$window") -> str:
    """PromQL for the number of the treatment group's requests."""
    return f"sum(increase({_REQUESTS % app}[{window}]))"


@dataclass(frozen=True, slots=True)
class Segment:
    """From here on so many users had this model; `first` is when it first had any."""

    at: float
    percentage: int
    revision: str
    first: float


@dataclass(frozen=True, slots=True)
class Count:
    """What was counted in a window."""

    requests: float
    sick: float


class App:
    """One application's traffic and how it is scraped."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._segments = [Segment(-math.inf, 0, "", math.inf)]
        self._firsts: dict[str, float] = {}
        self.frozen: float | None = None
        """Since when it is scraped no more."""

    def serve(self, traffic: Traffic) -> None:
        """From now on this is in force."""
        now, percentage = self._now(), traffic.in_force
        revision = traffic.record.revision if traffic.record is not None else ""
        first = self._firsts.setdefault(revision, now) if percentage else math.inf
        self._segments.append(Segment(now, percentage, revision, first))

    def sampled(self) -> float:
        """When the newest sample was taken."""
        now = self._now() if self.frozen is None else min(self._now(), self.frozen)
        return math.floor(now / SCRAPE) * SCRAPE

    def count(self, window: float) -> Count:
        """The requests of the window that ends now, as far as they were scraped, and those of a sick model."""
        begin, until, total, ill = self._now() - window, self.sampled(), 0.0, 0.0
        for segment in reversed(self._segments):
            since = max(segment.at, begin)
            if until > since and segment.percentage:
                rate = segment.percentage * model.ARRIVALS
                total += rate * (until - since)
                ill += rate * _sick_seconds(segment, since, until)
            until = min(until, segment.at)
            if segment.at <= begin:
                break
        return Count(total, ill)


def _sick_seconds(segment: Segment, since: float, until: float) -> float:
    """How much of a part of a segment its model was sick for; a `late` one sickens once and stays so."""
    if model.sick(segment.revision, segment.percentage, since - segment.first):
        return until - since
    if not model.sick(segment.revision, segment.percentage, until - segment.first):
        return 0.0
    return until - segment.first - model.LATE


class Prometheus:
    """Answers what it has been taught.

    Args:
        now: Seconds of the world's own time.
        epoch: What to add for seconds since the epoch.
    """

    def __init__(self, now: Callable[[], float], epoch: float) -> None:
        self._now = now
        self._epoch = epoch
        self.apps: dict[str, App] = {}
        self._table: dict[str, Callable[[App, float], float]] = {}

    def app(self, name: str) -> App:
        """The application of this name, and from now on the answers about it."""
        if name not in self.apps:
            self.apps[name] = App(self._now)
            self._table |= {
                _template(error_rate(name)): _errors,
                _template(response_time(name)): _mean_seconds,
                _template(requests(name)): lambda app, window: app.count(window).requests,
            }
        return self.apps[name]

    def answer(self, promql: str) -> Answer:
        """What the query answers now."""
        now = self._now() + self._epoch
        if promql == UNREADABLE:
            raise QueryRefusedError("Prometheus refused the query: parse error: unclosed left parenthesis")
        app = self.apps[_APP.search(promql).group(1)]  # type: ignore[union-attr]  # each query names one
        life = presence.answer(promql, now, lambda part: self._life(app, part))
        if life is not None:
            return life
        window = duration.parse(_RANGE.search(promql).group(1))  # type: ignore[union-attr]  # likewise
        value = self._table[_template(promql)](app, window)
        return Answer((Sample(value),), evaluated=now)

    def _life(self, app: App, part: presence.Part) -> float | None:
        """When its newest sample was taken; or something, if it was in time."""
        sampled = app.sampled() + self._epoch
        in_time = self._now() + self._epoch - sampled < (part.seconds or LOOKBACK)
        return sampled if in_time else None


_RANGE = re.compile(r"\[([^\]]+)\]")
_APP = re.compile(r'app="([^"]+)"')


def _template(promql: str) -> str:
    """The query whatever its window."""
    return _RANGE.sub("[]", promql)


def _errors(app: App, window: float) -> float:
    count = app.count(window)
    if not count.requests:
        return math.nan
    ill = count.sick / count.requests
    return ill * model.SICK_ERRORS + (1 - ill) * model.HEALTHY_ERRORS


def _mean_seconds(app: App, window: float) -> float:
    count = app.count(window)
    if not count.requests:
        return math.nan
    ill = count.sick / count.requests
    return ill * model.SICK_SECONDS + (1 - ill) * model.HEALTHY_SECONDS
