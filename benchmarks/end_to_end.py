"""Rollouts as they are shipped, from simulated requests to the decision: how often a healthy model is taken back for
nothing, and how soon one that fails more often is found, from the start and after twelve good hours.

Requests are counted and scraped, the checks of a `rate` and a `compare` read them, and `decide` acts on what they say:
what `mlrollout simulate` runs, with a model that may go bad late. Treatment has 10 % of the requests. The tests by
themselves, beside a threshold: `benchmarks.false_alarms`.

    python -m benchmarks.end_to_end [--tries 1000] [--bad-tries 40] [--only healthy bad]
"""

import argparse
import math
import os
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from multiprocessing.pool import Pool
from random import Random

from mlrollout.api.duration import render
from mlrollout.api.sequential import SequentialGuardrail
from mlrollout.api.spec import Spec
from mlrollout.simulate.load import Load
from mlrollout.simulate.rollout import End, Guards, Try

RATES = (0.035, 0.35, 3.5, 20.0)
"""Requests of the treatment a second. The first is 1250 an hour at 10 %."""
HEALTHY, LIMIT, TIMES = 0.01, 0.05, (2.0, 5.0, 20.0)
SHARE = 10
"""Per cent of the users in treatment."""
HOUR, DAY = 3600.0, 86_400.0
SCRAPE = 15.0
SELECTORS = {"bad": 'requests_total{status="failure"}', "all": "requests_total"}


@dataclass(frozen=True, slots=True)
class Worsening(Load):
    """A healthy model that fails so many times as often from some moment on; the control goes on as it was."""

    times: float = 1.0
    after: float = 0.0

    def at(self, seconds: float) -> Load:
        bad = self.bad * self.times if seconds >= self.after else self.bad
        return Load(self.requests, bad, legacy=self.bad)

    def changes(self, seconds: float) -> float:
        return self.after if seconds < self.after else math.inf


def rollout(days: float, block: float) -> Spec:
    """One stage, with a limit and a comparison that tolerates nothing, which share one chance in a hundred."""
    of = {"interval": render(block), "maxAge": "720h"}
    rate = {name: text.replace("{", '{group="treatment",') for name, text in SELECTORS.items()}
    rate["all"] = 'requests_total{group="treatment"}'
    guardrails = [
        {"name": "rate", "rate": rate | {"max": LIMIT}, **of},
        {"name": "compare", "compare": SELECTORS | {"ratio": 1}, **of},
    ]
    stages = [{"name": "pilot", "percentage": SHARE, "duration": render(days * DAY)}]
    return Spec.model_validate({"revision": "1", "traffic": {"key": "k"}, "stages": stages, "guardrails": guardrails})


def lived(load: Load, days: float, block: float, seed: int) -> End:
    """One rollout."""
    spec = rollout(2 * days, block)
    tested = [one for one in spec.guardrails if isinstance(one, SequentialGuardrail)]
    chance = Random(f"{load} {seed}")
    return Try(spec, Guards([], tested, [], SCRAPE), load, chance).run(days * DAY)


def healthy(pool: Pool, arguments: argparse.Namespace) -> None:
    print(f"\nHealthy rollouts ({HEALTHY:.0%} fail) taken back in {arguments.days:g} days; 1 % is allowed for")
    for rate in RATES:
        load = Load(rate * 100 / SHARE, HEALTHY, legacy=HEALTHY)
        found = pool.map(partial(lived, load, arguments.days, arguments.block), range(arguments.tries), chunksize=8)
        back = [one for one in found if one.taken_back is not None]
        by = ", ".join(sorted({one.guardrail for one in back}))
        print(f"{rate:>6g} requests/s: {len(back):>3} of {len(found)} {by}", flush=True)


def bad(pool: Pool, arguments: argparse.Namespace) -> None:
    print("\nMinutes / users of the treatment until a model that fails so often is found: medians")
    print(f"{'times':>6} {'req/s':>6} | {'from the start':>17} | {'after 12 good hours':>19}")
    for times in TIMES:
        for rate in RATES:
            cells = [cell(found, rate) for found in late(pool, arguments.bad_tries, times, rate)]
            print(f"{times:>6g} {rate:>6g} | {cells[0]:>17} | {cells[1]:>19}", flush=True)


def late(pool: Pool, tries: int, times: float, rate: float) -> Iterator[list[float]]:
    """Seconds until each was found."""
    for after in (0.0, 12 * HOUR):
        load = Worsening(rate * 100 / SHARE, HEALTHY, legacy=HEALTHY, times=times, after=after)
        ends = pool.map(partial(lived, load, 7, SCRAPE), range(tries), chunksize=2)
        yield [math.inf if one.taken_back is None else one.taken_back - after for one in ends]


def cell(found: list[float], rate: float) -> str:
    half = statistics.median(found)
    return f"{half / 60:.1f} / {half * rate:,.0f}" if half < math.inf else "> 7 days"


TABLES = {"healthy": healthy, "bad": bad}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tries", type=int, default=1000)
    parser.add_argument("--bad-tries", type=int, default=40)
    parser.add_argument("--days", type=float, default=14)
    parser.add_argument("--block", type=float, default=HOUR, help="seconds of a block where false alarms are counted")
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
