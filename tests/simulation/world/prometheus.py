"""A Prometheus in memory. It knows a few queries by their text and computes them from the traffic there was."""

import math
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from mlrollout.api import duration
from mlrollout.domain.traffic import Traffic
from mlrollout.evidence.answer import Answer, Sample
from mlrollout.evidence.presence import LOOKBACK
from mlrollout.ports import QueryRefusedError

from tests.support import presence

from . import model
from .counters import Counters, Key, Segment, Weather

SCRAPE = 1.0
"""Seconds between two scrapes."""
UNREADABLE = "sum("
"""A query that no Prometheus can read."""

_REQUESTS = 'app_total{app="%s",group="treatment"}'
_FAILURES = 'app_total{app="%s",group="treatment",status="failure"}'
_SECONDS = 'app_seconds{app="%s",group="treatment"}'


def error_rate(app: str, window: str = "$window") -> str:
    """PromQL for the share of the treatment group's requests that failed, as people write it: none is 0."""
    failures, requests = _FAILURES % app, _REQUESTS % app
    return f"(sum(rate({failures}[{window}])) or vector(0)) / sum(rate({requests}[{window}]))"


def response_time(app: str, window: str = "$window") -> str:
    """PromQL for the treatment group's mean response time in seconds."""
    return f"avg(avg_over_time({_SECONDS % app}[{window}]))"


def requests(app: str, window: str = "$window") -> str:
    """PromQL for the number of the treatment group's requests."""
    return f"sum(increase({_REQUESTS % app}[{window}]))"


class Series(Enum):
    """What an application exports; each is a counter of its own, and may end while the others live."""

    FAILURES = 'status="failure"'
    REQUESTS = 'group="treatment"}'
    SECONDS = "app_seconds"

    def ends(self, key: Key) -> bool:
        """Whether with it ends a counter that is asked for as it is: of failures, of all requests, or of users."""
        if self is Series.FAILURES:
            return key.status == "failure"
        return bool(key.status) is (self is Series.REQUESTS)


def asked_for(promql: str) -> set[Series]:
    """The series that PromQL of this world asks for."""
    found = {series for series in Series if series.value in promql}
    return found - {Series.REQUESTS} if Series.SECONDS in found else found


@dataclass(frozen=True, slots=True)
class Count:
    """What was counted in a window."""

    requests: float
    sick: float


class App:
    """One application's traffic and how it is scraped."""

    def __init__(self, name: str, now: Callable[[], float], chance: random.Random, epoch: float) -> None:
        self._now = now
        self.segments = [Segment(-math.inf, 0, "", math.inf)]
        """What was in force, oldest first."""
        self._firsts: dict[str, float] = {}
        self._traffic = Traffic(None, None)
        self._lost = False
        """Whether its processes can't read what is in force, and give everybody control."""
        self.frozen: float | None = None
        """Since when it is scraped no more."""
        self.dead: dict[Series, float] = {}
        """Since when each series has ended, while the others live on."""
        self._gaps: list[tuple[float, float, Series | None]] = []
        self.weather = Weather()
        self.counters = Counters(name, chance, self.segments, self.weather, self._scraped, epoch)

    def serve(self, traffic: Traffic) -> None:
        """From now on this is in force."""
        self._traffic = traffic
        now, percentage = self._now(), 0 if self._lost else traffic.in_force
        revision = traffic.record.revision if traffic.record is not None else ""
        first = self._firsts.setdefault(revision, now) if percentage else math.inf
        holdback = traffic.record.holdback if traffic.record is not None else 0
        self.segments.append(Segment(now, percentage, revision, first, percentage * (100 - holdback) / 100))

    def lose(self) -> None:
        """It can't read any more what is in force."""
        self._lost = True
        self.serve(self._traffic)

    def follow(self) -> None:
        """It reads again what is in force."""
        if self._lost:
            self._lost = False
            self.serve(self._traffic)

    def thaw(self) -> None:
        """It is scraped again."""
        if self.frozen is not None:
            self._gaps.append((self.frozen, self._now(), None))
        self.frozen = None

    def revive(self, series: Series) -> None:
        """A series is exported again."""
        if series in self.dead:
            self._gaps.append((self.dead.pop(series), self._now(), series))

    def _scraped(self, key: Key, at: float) -> bool:
        """Whether a counter was scraped at a moment."""
        if self.frozen is not None and at > self.frozen:
            return False
        if any(at > since and series.ends(key) for series, since in self.dead.items()):
            return False
        return not any(begin < at < end and (series is None or series.ends(key)) for begin, end, series in self._gaps)

    def sampled(self, series: Series) -> float:
        """When the newest sample was taken."""
        frozen = math.inf if self.frozen is None else self.frozen
        ends = (self._now(), frozen, self.dead.get(series, math.inf))
        return math.floor(min(ends) / SCRAPE) * SCRAPE

    def count(self, window: float, series: Series) -> Count:
        """The requests of the window that ends now, as far as a series knows of them, and those of a sick model."""
        return self._between(self._now() - window, self.sampled(series))

    def _between(self, begin: float, until: float) -> Count:
        total, ill = 0.0, 0.0
        for segment in reversed(self.segments):
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
        chances: Numbers for one purpose.
    """

    def __init__(self, now: Callable[[], float], epoch: float, chances: Callable[[str], random.Random]) -> None:
        self._now = now
        self._epoch = epoch
        self._chances = chances
        self.apps: dict[str, App] = {}
        self._table: dict[str, Callable[[App, float], float]] = {}

    def app(self, name: str) -> App:
        """The application of this name, and from now on the answers about it."""
        if name not in self.apps:
            self.apps[name] = App(name, self._now, self._chances(f"requests of {name}"), self._epoch)
            self._table |= {
                _template(error_rate(name)): _errors,
                _template(response_time(name)): _mean_seconds,
                _template(requests(name)): lambda app, window: app.count(window, Series.REQUESTS).requests,
            }
        return self.apps[name]

    def answer(self, promql: str, at: float | None = None) -> Answer:
        """What the query answers now; or the samples of a range selector up to a moment."""
        now = self._now() + self._epoch
        if promql == UNREADABLE:
            raise QueryRefusedError("Prometheus refused the query: parse error: unclosed left parenthesis")
        app = self.apps[_APP.search(promql).group(1)]  # type: ignore[union-attr]  # each query names one
        if at is not None:
            return self._samples(app, promql, at)
        life = presence.answer(promql, now, lambda part: self._life(app, part))
        if life is not None:
            return life
        window = duration.parse(_RANGE.search(promql).group(1))  # type: ignore[union-attr]  # likewise
        value = self._table[_template(promql)](app, window)
        return Answer((Sample(value),), evaluated=now)

    def _samples(self, app: App, promql: str, at: float) -> Answer:
        """The samples behind a range selector that ends at a moment; its begin is left out."""
        selector, seconds = _RANGED.fullmatch(promql).groups()  # type: ignore[union-attr]  # nothing else is asked so
        until = at - self._epoch
        found = app.counters.series(selector, until - duration.parse(seconds), until, self._now())
        return Answer((), kind="matrix", series=found)

    def _life(self, app: App, part: presence.Part) -> float | None:
        """When its newest sample was taken, or how many there are, if it was in time; Prometheus sees a series end."""
        (series,) = asked_for(part.selector)
        sampled, ended = app.sampled(series), series in app.dead
        if self._now() - sampled >= (part.seconds or LOOKBACK) or (part.function == "timestamp" and ended):
            return None
        if part.function == "count_over_time":
            return 1 + (sampled - (self._now() - part.seconds)) // SCRAPE
        return sampled + self._epoch if ended or not part.down else None


_RANGE = re.compile(r"\[([^\]]+)\]")
_RANGED = re.compile(r"(.*)\[([^\]]+)\]")
_APP = re.compile(r'app="([^"]+)"')


def _template(promql: str) -> str:
    """The query whatever its window."""
    return _RANGE.sub("[]", promql)


def _errors(app: App, window: float) -> float:
    counted, failed = app.count(window, Series.REQUESTS).requests, app.count(window, Series.FAILURES)
    if not counted:
        return math.nan
    return (failed.sick * model.SICK_ERRORS + (failed.requests - failed.sick) * model.HEALTHY_ERRORS) / counted


def _mean_seconds(app: App, window: float) -> float:
    count = app.count(window, Series.SECONDS)
    if not count.requests:
        return math.nan
    ill = count.sick / count.requests
    return ill * model.SICK_SECONDS + (1 - ill) * model.HEALTHY_SECONDS
