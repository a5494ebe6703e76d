import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

from devstack import web
from devstack.probe import OLDEST
from devstack.processes import wait_until
from devstack.prometheus_server import PrometheusServer, ScrapeJob
from tests.support.http_server import CalmServer


class Counter(BaseHTTPRequestHandler):
    """One counter that grows by one per scrape."""

    scrapes = 0

    def do_GET(self) -> None:
        type(self).scrapes += 1
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"scrapes_total {self.scrapes}\n".encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Keep quiet."""


@contextmanager
def target() -> Iterator[str]:
    with CalmServer(("127.0.0.1", 0), Counter) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_targets_set_at_run_time_are_scraped_four_times_a_second() -> None:
    jobs = [ScrapeJob("fast", interval="250ms"), ScrapeJob("slow", interval="1m")]
    with target() as address, PrometheusServer(jobs=jobs, interval="5s") as prometheus:
        prometheus.set_targets("fast", [address], {"group": "treatment"})

        def four_in_a_second() -> bool:
            samples = prometheus.query('count_over_time(scrapes_total{job="fast"}[1s])')
            return bool(samples) and int(samples[0]["value"][1]) >= 4

        wait_until(four_in_a_second, within=20, what="four scrapes in a second")
        [sample] = prometheus.query("scrapes_total")
        assert sample["metric"]["group"] == "treatment"
        assert prometheus.query('up{job="slow"}') == []


def test_it_comes_back_with_its_data() -> None:
    with PrometheusServer(jobs=[ScrapeJob("self")]) as prometheus:
        prometheus.set_targets("self", [f"127.0.0.1:{prometheus.port}"])
        wait_until(lambda: prometheus.query("up") or None, within=20, what="a first scrape")
        prometheus.pause()
        assert not prometheus.ready()
        prometheus.resume()

        prometheus.kill()
        assert not prometheus.ready()
        prometheus.start()

        assert prometheus.query("last_over_time(up[1m])")


def test_a_reload_adds_a_job() -> None:
    with PrometheusServer(jobs=[]) as prometheus:
        prometheus.jobs.append(ScrapeJob("late"))
        prometheus.set_targets("late", [f"127.0.0.1:{prometheus.port}"])

        prometheus.reload()

        wait_until(lambda: prometheus.query('up{job="late"}') or None, within=20, what="a scrape")


def test_the_server_is_no_older_than_the_oldest_that_is_promised() -> None:
    with PrometheusServer() as prometheus:
        version = json.loads(web.get(f"{prometheus.url}/api/v1/status/buildinfo") or "")["data"]["version"]
    assert tuple(int(part) for part in version.split(".")[:2]) >= OLDEST["prometheus"]
