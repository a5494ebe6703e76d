"""What an application exports of requests that are drawn one by one, for guardrails that ask for samples as they are.

Chance is in them, as in the real world: a healthy model fails now and then, and of few users more than their share may
be in treatment. What can be counted of the samples is known exactly, so a check can say what an operator has to find.
"""

import math
import random
import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from mlrollout.evidence.statistics.counting.increments import FALLS, MISSED, OFTEN
from mlrollout.evidence.statistics.counting.series import Series
from mlrollout.evidence.statistics.counting.targets import SPARE

from . import model

REQUESTS = 40
"""Requests a second, of both groups."""
USERS = 4
"""Every so many-th request is its user's first."""
PODS = ("p", "q")
BAD_HOUR = 0.2
"""What share of the requests fails in a bad hour in both groups, whatever the model."""
HALF = 50.0
"""Per cent of the users in treatment while the split is broken."""

TREATMENT, CONTROL = "treatment", "control"
_SUCCESS, _FAILURE = "success", "failure"


@dataclass(frozen=True, slots=True)
class Segment:
    """From here on so many users had this model.

    Attributes:
        at: Since when.
        percentage: What was in force.
        revision: Which model.
        first: When it first had any user.
        treated: Per cent of the users who had it: of the percentage, those who are not held back.
    """

    at: float
    percentage: int
    revision: str
    first: float
    treated: float = 0.0

    def fails(self, at: float) -> float:
        """How likely a request fails that is served by this model at a moment."""
        sick = model.sick(self.revision, self.percentage, at - self.first)
        return model.SICK_ERRORS if sick else model.HEALTHY_ERRORS


@dataclass(frozen=True, slots=True)
class Key:
    """One series; `status` is empty for the counter of users."""

    pod: str
    group: str
    status: str

    @property
    def name(self) -> str:
        return "app_total" if self.status else "app_users_total"

    def labels(self, app: str) -> Mapping[str, str]:
        status = {"status": self.status} if self.status else {}
        target = {"job": app, "instance": self.pod}
        return {"__name__": self.name, "app": app, "group": self.group, **target, **status}


@dataclass(slots=True)
class Scraped:
    """What Prometheus has of one series, and by how much each sample shows that it grew.

    Attributes:
        times: When samples were taken, by the world's own time.
        samples: The samples, as Prometheus has them.
        before: When the sample before each was taken; for ever ago before the first.
        grown: By how much each shows that the counter grew.
        anew: Likewise, to who knows that its pod has restarted since the sample before.
        doubtful: Whether it once fell as gauges do, to more than half of where it stood.
    """

    times: list[float] = field(default_factory=list)
    samples: list[tuple[float, float]] = field(default_factory=list)
    before: list[float] = field(default_factory=list)
    grown: list[int] = field(default_factory=list)
    anew: list[int] = field(default_factory=list)
    doubtful: bool = False

    def add(self, second: int, value: int, epoch: float, *, restarted: bool) -> None:
        """One more sample. A counter that is new counted from zero, and so did one that fell."""
        before = self.samples[-1][1] if self.samples else 0
        self.doubtful = self.doubtful or max(10, before / 2) < value < before
        self.before.append(self.times[-1] if self.times else -math.inf)
        self.times.append(second)
        self.samples.append((second + epoch, float(value)))
        self.grown.append(int(value - before if value >= before else value))
        self.anew.append(value if restarted else 0)

    def grew(self, after: float, until: float, since: float, *, new: bool) -> int:
        """By how much the samples of a span show that it grew, of what is known to have come later than `since`."""
        span = slice(self.place(after), self.place(until))
        steps = zip(self.before[span], self.grown[span], strict=True)
        return sum(grown for before, grown in steps if before >= since or (new and before == -math.inf))

    def began_anew(self, after: float, until: float, since: float) -> int:
        """What more came later than `since` to who knows of a restart, and so that nothing goes on from before it."""
        span = slice(self.place(after), self.place(until))
        steps = zip(self.before[span], self.grown[span], self.anew[span], strict=True)
        return sum(max(0, anew - (grown if before >= since else 0)) for before, grown, anew in steps)

    def missed(self, since: float) -> range:
        """Between which seconds it was not there, where it was before `since` and came back with more."""
        place = bisect_left(self.times, since)
        back = 0 < place < len(self.times) and self.grown[place]
        return range(math.ceil(since), int(self.times[place])) if back else range(0)

    def around(self, scrape: float) -> tuple[float, bool]:
        """When it was there last before a scrape, for ever ago if never; and whether it is in that scrape."""
        place = bisect_left(self.times, scrape)
        return self.times[place - 1] if place else -math.inf, self.times[place : place + 1] == [scrape]

    def place(self, until: float) -> int:
        """How many samples there are up to a moment."""
        return bisect_right(self.times, until)

    def changes(self) -> Iterator[tuple[float, bool]]:
        """When a sample was another than the one before it, and whether it was less."""
        for at, ((_, old), (_, new)) in zip(self.times[1:], pairwise(self.samples), strict=True):
            if new != old:
                yield at, new < old


@dataclass(slots=True)
class Weather:
    """What befalls an application. Spans are of the world's own seconds.

    Attributes:
        restarts: When pods restart; the earliest first.
        bad_hours: When requests fail in both groups.
        broken_splits: When users are divided otherwise than asked for.
    """

    restarts: list[tuple[float, str]] = field(default_factory=list)
    bad_hours: list[tuple[float, float]] = field(default_factory=list)
    broken_splits: list[tuple[float, float]] = field(default_factory=list)


class Counters:
    """The counters of one application, drawn as far as somebody asks for them.

    Args:
        app: Its name.
        chance: Decides each request.
        segments: What was in force, oldest first; grows meanwhile.
        weather: What befalls it; grows meanwhile.
        scraped: Whether a series was scraped at a moment; asked of the past alone.
        epoch: What to add for seconds since the epoch.
    """

    def __init__(
        self,
        app: str,
        chance: random.Random,
        segments: Sequence[Segment],
        weather: Weather,
        scraped: Callable[[Key, float], bool],
        epoch: float,
    ) -> None:
        self._app = app
        self._chance = chance
        self._segments = segments
        self._weather = weather
        self._scraped = scraped
        self._epoch = epoch
        self._initial = (_SUCCESS, _FAILURE, "") if chance.random() < 0.5 else (_SUCCESS, "")
        """Which counters a pod exports from its start on; the others appear with their first event."""
        self._live: dict[Key, int] = {}
        self._had: dict[Key, Scraped] = {}
        self._second = 0
        self._began = dict.fromkeys(PODS, 0)
        self._segment = 0
        self._restarted = 0
        for pod in PODS:
            self._start(pod)

    # --- what may be asked -------------------------------------------------------------------

    def series(self, selector: str, after: float, until: float, now: float) -> tuple[Series, ...]:
        """The series that a selector matches, with their samples of a span; `now` is as far as the world has come."""
        self._catch_up(now)
        return tuple(
            Series(key.labels(self._app), tuple(found.samples[first:last]))
            for key, found in self._matching(selector)
            if (first := found.place(after)) < (last := found.place(until))
        )

    def increase(self, selector: str, after: float, until: float, *, since: float, beside: str, now: float) -> range:
        """How many events of a span can be counted of the samples of the series that a selector matches.

        Of growth since a sample from before `since`, nothing shows that it came later; nor of a series that is new
        while no other has been seen since then. By where its blocks end, a test may have seen another; and
        whether a series is new it can but guess where it stands high, or where another of its pod has ended. A restart
        it may know of.

        Args:
            selector: Of what is counted.
            after: Samples up to then don't count.
            until: Samples up to then do.
            since: When what is counted began.
            beside: Selects what is read with it.
            now: As far as the world has come.
        """
        self._catch_up(now)
        others = [at for _, found in self._matching(beside) for at in found.times if at >= since]
        first = min(others, default=math.inf)
        matching = list(self._matching(selector))
        least = sum(
            found.grew(after, until, since, new=first <= after and self._surely_new(key, found, beside))
            for key, found in matching
        )
        most = sum(found.grew(after, until, since, new=first <= found.times[0]) for _, found in matching)
        most += sum(found.began_anew(after, until, since) for _, found in matching)
        return range(0 if self.hidden(beside, since) else least, most + 1)

    def hidden(self, beside: str, since: float) -> bool:
        """Whether nobody can tell what of a sample came later than `since`: then all beside it may be left out."""
        read = list(self._matching(beside))
        return any(
            sum(second in missed for second in other.times) >= MISSED
            for key, found in read
            if (missed := found.missed(since))
            for at, other in read
            if at.pod == key.pod
        )

    def _surely_new(self, key: Key, found: Scraped, beside: str) -> bool:
        """Whether nobody may take a series for one that was out of reach, or for another that goes on under its name.

        That one has ended also where its pod restarted while nobody scraped it, and has had no such event since.
        """
        its = [other.around(found.times[0]) for one, other in self._matching(beside) if one.pod == key.pod]
        before = max(at for at, _ in its)
        return found.grown[0] <= SPARE and all(there or at < before for at, there in its)

    def failures_came_to_light(self, at: float) -> bool:
        """Whether failures of the treatment were first seen with the scrape after a moment, as far as anybody asked."""
        treated = (found for key, found in self._had.items() if key.group == TREATMENT and key.status == _FAILURE)
        return any(at <= found.times[0] <= at + MISSED for found in treated)

    @property
    def doubtful(self) -> bool:
        """Whether one of them may pass for a gauge, or those of a group together."""
        groups = {(key.name, key.group) for key in self._had}
        return any(found.doubtful for found in self._had.values()) or any(self._fell_often(*group) for group in groups)

    def _fell_often(self, name: str, group: str) -> bool:
        """Whether pods restarted again and again while so few requests came that nothing else shows it."""
        changes = [
            (at, fell, key.pod)
            for key, found in self._had.items()
            if (key.name, key.group) == (name, group)
            for at, fell in found.changes()
        ]
        together = Counter((at, pod) for at, fell, pod in changes if fell)
        falls = 0
        for number, (at, fell, pod) in enumerate(sorted(changes), start=1):
            falls += fell and together[at, pod] == 1
            if falls >= FALLS and falls * OFTEN >= number:
                return True
        return False

    def _matching(self, selector: str) -> Iterator[tuple[Key, Scraped]]:
        name, wanted = selector.partition("{")[0], dict(_MATCHER.findall(selector))
        for key, found in self._had.items():
            labels = key.labels(self._app)
            if labels["__name__"] == name and all(labels.get(label) == value for label, value in wanted.items()):
                yield key, found

    # --- what happens ------------------------------------------------------------------------

    def _catch_up(self, now: float) -> None:
        while self._second + 1 <= now:
            for number in range(REQUESTS):
                self._serve(self._second + number / REQUESTS, number)
            self._second += 1
            for key, value in self._live.items():
                if self._scraped(key, self._second):
                    had = self._had.setdefault(key, Scraped())
                    restarted = bool(had.times) and had.times[-1] <= self._began[key.pod]
                    had.add(self._second, value, self._epoch, restarted=restarted)

    def _serve(self, at: float, number: int) -> None:
        """One request."""
        self._restart(at)
        segments = self._segments
        while self._segment + 1 < len(segments) and segments[self._segment + 1].at <= at:
            self._segment += 1
        segment, weather = segments[self._segment], self._weather
        who, luck = self._chance.random() * 100, self._chance.random()
        treated = who < segment.treated
        fails = segment.fails(at) if treated else model.HEALTHY_ERRORS
        if weather.bad_hours and _in(weather.bad_hours, at):
            fails += BAD_HOUR
        pod = PODS[number % len(PODS)]
        self._count(Key(pod, TREATMENT if treated else CONTROL, _FAILURE if luck < fails else _SUCCESS))
        if number % USERS == 0:
            if weather.broken_splits and _in(weather.broken_splits, at):
                treated = who < HALF
            self._count(Key(pod, TREATMENT if treated else CONTROL, ""))

    def _count(self, key: Key) -> None:
        self._live[key] = self._live.get(key, 0) + 1

    def _restart(self, at: float) -> None:
        restarts = self._weather.restarts
        while self._restarted < len(restarts) and restarts[self._restarted][0] <= at:
            self._start(restarts[self._restarted][1])
            self._restarted += 1

    def _start(self, pod: str) -> None:
        """A pod begins at zero."""
        self._began[pod] = self._second
        self._live = {key: value for key, value in self._live.items() if key.pod != pod}
        self._live |= {Key(pod, group, status): 0 for group in (TREATMENT, CONTROL) for status in self._initial}


_MATCHER = re.compile(r'(\w+)="([^"]*)"')


def _in(spans: Sequence[tuple[float, float]], at: float) -> bool:
    return any(begin <= at < end for begin, end in spans)
