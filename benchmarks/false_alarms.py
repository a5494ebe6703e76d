"""How often a healthy model is taken back, and how soon a bad one is found: the sequential tests beside what there was.

Requests come as a Poisson process, and each is bad by itself with a fixed chance. Every row is `--rollouts` attempts of
`--days` days, read block by block by the tests that the operator uses. Beside them:

- *plain*: the same bets, all begun with the attempt and never anew.
- *threshold*: errors over requests in the last 5 minutes, looked at every 15 s; 3 of 5 looks above the limit.

Minutes and users are counted from the moment at which the model goes bad; a user is a request of the treatment.

    python -m benchmarks.false_alarms [--rollouts 2000] [--days 14] [--block 300] [--only healthy late compare]
"""

import argparse
import bisect
import math
import os
import random
import statistics
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from multiprocessing.pool import Pool

from mlrollout.evidence.statistics.bets import MULTIPLES, enough, log_mean
from mlrollout.evidence.statistics.blocks import Block, Counts, Pair
from mlrollout.evidence.statistics.compare import CompareTest
from mlrollout.evidence.statistics.rate import RateTest

RATES = (0.035, 0.35, 3.5, 20.0)
"""Requests of the treatment a second. The first is 1250 an hour at 10 %."""
ALPHA, LIMIT, TRUTH = 0.01, 0.05, 0.01
DAY, HALF_A_DAY = 86_400, 43_200
STEP = 15
"""Seconds between looks, and of a block where minutes are counted."""
AT_WORST = 7 * DAY
"""Seconds after which nobody waits any longer for a failure to be found."""

Draw = Callable[[random.Random], int]


def poisson(mean: float) -> Draw:
    """Draws by inversion: one random number, looked up in the distribution."""
    spread = 12 * math.sqrt(mean) + 30
    low, high = max(0, int(mean - spread)), int(mean + spread)
    chances = (math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(low, high)) if mean else [1.0]
    upto = list(accumulate(chances))
    return lambda chance: low + min(bisect.bisect_right(upto, chance.random()), len(upto) - 1)


def counts(requests: float, share: float) -> Callable[[random.Random], Counts]:
    """What a group counts in one block."""
    bad, good = poisson(requests * share), poisson(requests * (1 - share))

    def drawn(chance: random.Random) -> Counts:
        failed = bad(chance)
        return Counts(failed + good(chance), failed)

    return drawn


# --- healthy ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Healthy:
    """Rollouts of a model that is as good as allowed."""

    rate: float
    share: float
    days: float
    block: int

    def restarting(self, seed: int) -> float | None:
        """After how many seconds the test takes it back, if ever."""
        return _alarm(RateTest(LIMIT), counts(self.rate * self.block, self.share), self.block, self.days * DAY, seed)

    def plain(self, seed: int) -> float | None:
        chance, drawn = random.Random(seed), counts(self.rate * self.block, self.share)
        events = bad = 0.0
        for at in range(int(self.days * DAY / self.block)):
            now = drawn(chance)
            events, bad = events + now.events, bad + now.bad
            if now.bad and enough(_plain(events, bad), ALPHA):
                return (at + 1.0) * self.block
        return None

    def threshold(self, seed: int) -> float | None:
        return next(_threshold(counts(self.rate * STEP, self.share), random.Random(seed), self.days * DAY), None)


def _alarm(
    test: RateTest, drawn: Callable[[random.Random], Counts], block: int, seconds: float, seed: int
) -> float | None:
    chance, state = random.Random(seed), test.begin(0.0)
    for at in range(int(seconds / block)):
        now = drawn(chance)
        if not now.events:
            continue  # says nothing
        state = test.update(state, Block(float(at * block), float(at + 1) * block, now))
        if now.bad and enough(state.bets.log_worse, ALPHA):
            return (at + 1.0) * block
    return None


def _plain(events: float, bad: float) -> float:
    """The evidence of bets that all began with the attempt: of all counts together."""
    return log_mean([bad * math.log(m) - events * math.log1p(LIMIT * (m - 1)) for m in MULTIPLES])


def _threshold(drawn: Callable[[random.Random], Counts], chance: random.Random, seconds: float) -> Iterator[float]:
    """When the rule takes the rollout back."""
    window: deque[Counts] = deque(maxlen=300 // STEP)
    answers: deque[bool] = deque(maxlen=5)
    events = bad = 0.0
    for at in range(int(seconds / STEP)):
        if len(window) == window.maxlen:
            events, bad = events - window[0].events, bad - window[0].bad
        now = drawn(chance)
        window.append(now)
        events, bad = events + now.events, bad + now.bad
        if events:
            answers.append(bad / events > LIMIT)
            if sum(answers) >= 3:
                yield (at + 1.0) * STEP


# --- bad -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Failing:
    """A model that goes bad after so many good seconds."""

    rate: float
    share: float
    good: float

    def _blocks(self, seed: int) -> Iterator[tuple[float, Counts]]:
        """Seconds since it went bad, at each block's end, and what was counted in it."""
        chance = random.Random(seed)
        good, bad = counts(self.rate * STEP, TRUTH), counts(self.rate * STEP, self.share)
        for at in range(int((self.good + AT_WORST) / STEP)):
            yield (at + 1) * STEP - self.good, (good if at * STEP < self.good else bad)(chance)

    def restarting(self, seed: int) -> tuple[float, float] | None:
        """Seconds and users until it is found."""
        test, users = RateTest(LIMIT), 0.0
        state = test.begin(0.0)
        for late, now in self._blocks(seed):
            if now.events:
                end = late + self.good
                state = test.update(state, Block(end - STEP, end, now))
            users += now.events if late > 0 else 0
            if late > 0 and now.bad and enough(state.bets.log_worse, ALPHA):
                return late, users
        return None

    def plain(self, seed: int) -> tuple[float, float] | None:
        events = bad = users = 0.0
        for late, now in self._blocks(seed):
            events, bad = events + now.events, bad + now.bad
            users += now.events if late > 0 else 0
            if late > 0 and now.bad and enough(_plain(events, bad), ALPHA):
                return late, users
        return None

    def threshold(self, seed: int) -> tuple[float, float] | None:
        """From when it goes bad: before, the rule would have taken most of them back."""
        drawn, seen = counts(self.rate * STEP, self.share), [0.0]

        def counted(chance: random.Random) -> Counts:
            now = drawn(chance)
            seen[0] += now.events
            return now

        found = next(_threshold(counted, random.Random(seed), AT_WORST), None)
        return None if found is None else (found, seen[0])


@dataclass(frozen=True)
class Comparing:
    """A treatment that goes so many times worse than the control, which has nine times its users."""

    rate: float
    times: float
    good: float
    seconds: float = AT_WORST

    def restarting(self, seed: int) -> tuple[float, float] | None:
        test, chance, users = CompareTest(), random.Random(seed), 0.0
        control = counts(9 * self.rate * STEP, TRUTH)
        good, bad = (counts(self.rate * STEP, TRUTH * times) for times in (1, self.times))
        state = test.begin(0.0)
        for at in range(int((self.good + self.seconds) / STEP)):
            late = (at + 1) * STEP - self.good
            now = (bad if late > 0 else good)(chance)
            users += now.events if late > 0 else 0
            block = Block(float(at * STEP), float(at + 1) * STEP, Pair(now, control(chance)))
            if not (block.content.treatment.events or block.content.control.bad):
                continue  # says nothing
            state = test.update(state, block)
            if late > 0 and now.bad and enough(state.bets.log_worse, ALPHA):
                return float(late), users
        return None


# --- the tables ------------------------------------------------------------------------------


def healthy(pool: Pool, arguments: argparse.Namespace) -> None:
    print(f"\nHealthy rollouts taken back in {arguments.days:g} days (limit {LIMIT:.0%}, alpha {ALPHA:g})")
    print(f"{'truth':>6} {'req/s':>6} | {'restarts':>14} | {'plain':>14} | {'threshold':>14} {'after':>8}")
    for share in (TRUTH, LIMIT):
        for rate in RATES:
            row = Healthy(rate, share, arguments.days, arguments.block)
            cells = []
            for of in (row.restarting, row.plain):
                found = pool.map(of, range(arguments.rollouts), chunksize=16)
                cells.append(f"{sum(one is not None for one in found):>5} of {arguments.rollouts:>5}")
            few = max(arguments.rollouts // 20, 2)
            found = pool.map(row.threshold, range(few), chunksize=2)
            back = [one for one in found if one is not None]
            after = f"{statistics.mean(back) / 3600:.1f} h" if back else "never"
            cells.append(f"{len(back):>5} of {few:>5} {after:>8}")
            print(f"{share:>6.0%} {rate:>6g} | {' | '.join(cells)}", flush=True)


def late(pool: Pool, arguments: argparse.Namespace) -> None:
    print(f"\nFailures against a limit of {LIMIT:.0%} (before: {TRUTH:.0%}): median minutes / users until found")
    print(f"{'fails':>6} {'req/s':>6} {'after':>6} | {'restarts':>17} | {'plain':>17} | {'threshold':>17}")
    for share in (0.1, 0.2, 0.5):
        for rate in RATES:
            for good in (0, HALF_A_DAY):
                row = Failing(rate, share, good)
                cells = [
                    cell(pool.map(of, range(arguments.rollouts // 20), chunksize=4))
                    for of in (row.restarting, row.plain, row.threshold)
                ]
                print(f"{share:>6.0%} {rate:>6g} {good // 3600:>4} h | {' | '.join(cells)}", flush=True)


def compare(pool: Pool, arguments: argparse.Namespace) -> None:
    print(f"\nTreatment at 10 % against control ({TRUTH:.0%} fail): median minutes / users until found")
    print(f"{'times':>6} {'req/s':>6} {'after':>6} | {'restarts':>17}")
    for times in (2, 5, 20):
        for rate in RATES:
            for good in (0, HALF_A_DAY):
                found = pool.map(Comparing(rate, times, good).restarting, range(arguments.rollouts // 20), chunksize=4)
                print(f"{times:>6} {rate:>6g} {good // 3600:>4} h | {cell(found)}", flush=True)
    for rate in RATES:
        found = pool.map(Comparing(rate, 1, 0, DAY).restarting, range(arguments.rollouts // 4), chunksize=4)
        wrong = sum(one is not None for one in found)
        print(f"{1:>6} {rate:>6g} {0:>4} h | {wrong} of {len(found)} taken back in a day", flush=True)


def cell(found: list[tuple[float, float] | None]) -> str:
    ends = [one or (math.inf, math.inf) for one in found]
    minutes, users = (statistics.median(one[at] for one in ends) for at in (0, 1))
    return f"{minutes / 60:>8.1f} {users:>8.0f}" if minutes < math.inf else f"{'> 7 days':>17}"


TABLES = {"healthy": healthy, "late": late, "compare": compare}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rollouts", type=int, default=2000)
    parser.add_argument("--days", type=float, default=14)
    parser.add_argument("--block", type=int, default=300, help="seconds of a block where false alarms are counted")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--only", nargs="+", choices=TABLES, default=list(TABLES))
    arguments = parser.parse_args()
    began = time.monotonic()
    with Pool(arguments.processes, initializer=partial(os.nice, 10)) as pool:
        for name in arguments.only:
            TABLES[name](pool, arguments)
    print(f"\n{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
