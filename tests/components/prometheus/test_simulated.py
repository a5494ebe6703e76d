"""The queries of a simulation, answered from synthetic counters, against a real Prometheus with the same samples."""

import json
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest
from mlrollout.simulate.counters import CounterRole
from mlrollout.simulate.promql import CounterRoles, compile_

from devstack.processes import wait_until
from devstack.prometheus_server import PrometheusServer
from tests.support.target import target

SCRAPES = 16
ROLES: CounterRoles = {"bad_total{}": CounterRole.BAD, "good_total{}": CounterRole.GOOD, "all_total{}": CounterRole.ALL}
QUERIES = [
    "sum(rate(bad_total[6s])) / sum(rate(all_total[6s]))",
    "sum(rate(good_total[3s])) / sum(rate(all_total[3s]))",
    "sum(increase(bad_total[5s]))",
    "sum(increase(all_total[11s]))",
    "1 - rate(good_total[4500ms]) / rate(all_total[4500ms])",
    "count_over_time(all_total[4s])",
    "timestamp(all_total) - 0",
    "rate(all_total[1s]) or vector(0)",
    "rate(all_total[1s])",
]


@dataclass(frozen=True)
class Scraped:
    """What Prometheus has of the counters, by the number of the scrape since the first."""

    counted: Sequence[Sequence[int]]
    scrape: float = 1.0

    def at(self, role: CounterRole, number: int) -> int:
        return self.counted[list(CounterRole).index(role)][number]


@pytest.fixture(scope="module")
def server() -> Iterator[PrometheusServer]:
    """A Prometheus that has scraped growing counters once a second."""
    with target("") as scraped, PrometheusServer(interval="1s") as made:
        chance, bad, good = Random(1), 0, 0  # noqa: S311 - from a fixed seed
        scraped.text = "bad_total 0\ngood_total 0\nall_total 0\n"
        made.set_targets("app", [scraped.address])
        wait_until(lambda: made.query("all_total") or None, within=20, what="a first scrape")
        until = time.time() + SCRAPES + 1
        while time.time() < until:
            bad, good = bad + (chance.random() < 0.2), good + chance.randrange(9)
            scraped.text = f"bad_total {bad}\ngood_total {good}\nall_total {bad + good}\n"
            time.sleep(0.1)
        yield made


def asked(server: PrometheusServer, promql: str, at: float) -> list[dict[str, Any]]:
    query = urllib.parse.urlencode({"query": promql, "time": f"{at:.3f}"})
    with urllib.request.urlopen(f"{server.url}/api/v1/query?{query}") as reply:  # noqa: S310 - our own server
        found: list[dict[str, Any]] = json.load(reply)["data"]["result"]
    return found


def test_it_answers_as_prometheus_does(server: PrometheusServer) -> None:
    now = time.time()
    raw = [asked(server, f"{name}[1m]", now)[0]["values"] for name in ("bad_total", "good_total", "all_total")]
    times = [float(at) for at, _ in raw[0]][1:]  # the first scrape comes when it likes
    began = times[0]
    scraped = Scraped([[int(value) for _, value in one][1:] for one in raw])
    assert times == pytest.approx([began + number for number in range(len(times))], abs=0.05), "scrapes were late"
    assert scraped.counted[0][-1] > 0

    compared = 0
    for promql in QUERIES:
        expression = compile_(promql, ROLES)
        for at in (12.3, 13.2, 13.9, 14.4):
            (ours,) = [[one.value for one in expression.answer(scraped, at).samples]]
            theirs = [float(one["value"][1]) for one in asked(server, promql, began + at)]
            shifted = [value - began if promql.startswith("timestamp") else value for value in theirs]
            assert ours == pytest.approx(shifted, rel=0.02, abs=0.06 if promql.startswith("timestamp") else 1e-9), (
                promql
            )
            compared += len(ours)
    assert compared >= 4 * (len(QUERIES) - 1)
