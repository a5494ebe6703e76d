"""What open pages of the live dashboard cost, and how soon they show a change.

Pages are event streams of a real server with a cluster of 100 rollouts: every other one shows all, the rest show one in
full. Of a change it is measured from before the write of a status is sent until a page has its event, so that the write
is in it. Requests are counted between server and API server, and by Prometheus itself.

    python -m benchmarks.dashboard [--pages 1 50] [--changes 100] [--minutes 1]
"""

import argparse
import asyncio
import json
import os
import statistics
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import yaml
from aiohttp import web as server_web
from mlrollout.adapters.kubernetes import Client, connect
from mlrollout.adapters.kubernetes.objects import OBJECT

from devstack import web
from devstack.chart import install_crds
from devstack.control_plane import ControlPlane
from devstack.prometheus_server import PrometheusServer
from devstack.redis_server import RedisServer
from tests.cluster.server.house import DASHBOARD, DOCUMENTED
from tests.cluster.server.page import STREAM, Browser
from tests.components.server.ab.calls import ClusterServer
from tests.support.api_proxy import ApiProxy, api_proxy, says_nothing_of_use

OBJECTS = 100
NAMESPACE = "dispatch"
PER_PERSON = 5
"""Pages that one person has open."""
ACCOUNT = ("mlrollout-system", "mlrollout-server")


@dataclass
class Page:
    """An event stream, and when it had which percentage of which rollout."""

    session: aiohttp.ClientSession
    url: str
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    seen: dict[tuple[str, int], float] = field(default_factory=dict)

    async def read(self) -> None:
        name = ""
        async with self.session.get(self.url) as response:
            async for line in response.content:
                key, _, value = line.decode().rstrip("\n").partition(": ")
                if key == "event":
                    name = value
                elif key == "data" and name in {"rollouts", "detail", "rollout"}:
                    self.ready.set()
                    if name != "rollouts":
                        found = json.loads(value)
                        self.seen.setdefault((found["name"], found["asked"]), time.perf_counter())


def rollout(number: int) -> dict[str, Any]:
    return {
        "apiVersion": "mlrollout.dev/v1alpha1",
        "kind": "MLRollout",
        "metadata": {"name": f"rollout-{number}", "namespace": NAMESPACE},
        "spec": {
            "revision": "1",
            "traffic": {"key": f"{NAMESPACE}:{number}"},
            "stages": [{"name": "pilot", "percentage": 10, "duration": "1h"}],
            "guardrails": [{"name": "errors", "query": "up", "max": 0.05}],
        },
    }


@contextmanager
def cluster() -> Iterator[ControlPlane]:
    with ControlPlane() as running:
        install_crds(running)
        namespaces = [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in (NAMESPACE, ACCOUNT[0])
        ]
        account = {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"namespace": ACCOUNT[0], "name": ACCOUNT[1]},
        }
        people = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"namespace": NAMESPACE, "name": "people"}}
        binding = {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "people"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"kind": "ServiceAccount", "namespace": NAMESPACE, "name": "people"}],
        }
        manifests = [*namespaces, account, people, binding, *map(rollout, range(OBJECTS))]
        running.apply("\n---\n".join([*map(yaml.safe_dump, manifests), DOCUMENTED, DASHBOARD]))
        yield running


@asynccontextmanager
async def open_pages(server: ClusterServer, tokens: Sequence[str], number: int) -> AsyncIterator[Sequence[Page]]:
    """So many pages; the first shows one rollout in full."""
    async with AsyncExitStack() as stack:
        pages: list[Page] = []
        for of_person in range(-(-number // PER_PERSON)):
            browser = Browser(server)
            await asyncio.to_thread(browser.sign_in, tokens[of_person])
            session = await stack.enter_async_context(
                aiohttp.ClientSession(
                    headers={"Cookie": browser.cookie}, timeout=aiohttp.ClientTimeout(), read_bufsize=2**20
                )
            )
            for _ in range(min(PER_PERSON, number - len(pages))):
                what = "" if len(pages) % 2 else f"?rollout={NAMESPACE}/rollout-0"
                pages.append(Page(session, f"{server.url}{STREAM}{what}"))
        reading = [asyncio.create_task(page.read()) for page in pages]
        await asyncio.gather(*(page.ready.wait() for page in pages))
        try:
            yield pages
        finally:
            for task in reading:
                task.cancel()
            await asyncio.gather(*reading, return_exceptions=True)


async def changes(client: Client, pages: Sequence[Page], number: int) -> tuple[list[float], list[float]]:
    """Milliseconds from each change to each page, and to the last page that shows it."""
    each, last = [], []
    for change in range(1, number + 1):
        asked = change % 100 + 1
        record = {"attempt": 1, "latched": False, "sequence": change, "percentage": asked}
        body = {"status": {"record": record, "progress": {}, "percentage": asked}}
        for page in pages:
            page.seen.clear()
        begun = time.perf_counter()
        await client.ask("write", "PATCH", f"{OBJECT}/status", body, namespace=NAMESPACE, name="rollout-0")
        async with asyncio.timeout(20):
            while not all(("rollout-0", asked) in page.seen for page in pages):  # noqa: ASYNC110 - a measurement
                await asyncio.sleep(0.002)
        took = [1000 * (page.seen["rollout-0", asked] - begun) for page in pages]
        each += took
        last.append(max(took))
        await asyncio.sleep(0.05)
    return each, last


def counting(proxy: ApiProxy) -> Counter[str]:
    """Counts requests from now on, by what they are."""
    asked: Counter[str] = Counter()

    def count(request: server_web.Request) -> bool:
        what = "watch" if "watch" in request.query else request.path.rsplit("/", 1)[-1]
        asked[what] += 1
        return False

    proxy.be_wrong(says_nothing_of_use, count)
    return asked


def of_prometheus(prometheus: PrometheusServer) -> float:
    """How many range queries it has answered."""
    text = (web.get(f"{prometheus.url}/metrics") or b"").decode()
    name = 'prometheus_http_requests_total{code="200",handler="/api/v1/query_range"}'
    return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(name))


def percentile(found: Sequence[float], share: float) -> float:
    return sorted(found)[min(len(found) - 1, round(share * (len(found) - 1)))]


async def measure(arguments: argparse.Namespace) -> None:
    with ExitStack() as stack:
        control_plane = stack.enter_context(cluster())
        redis, prometheus = stack.enter_context(RedisServer()), stack.enter_context(PrometheusServer())
        proxy = stack.enter_context(api_proxy(control_plane))
        config = {
            "rollouts": [{"name": "a", "key": "a", "object": {"namespace": NAMESPACE, "name": "rollout-0"}}],
            "prometheus": prometheus.url,
            "dashboard": {},
            "rate": 100_000,
        }
        server = stack.enter_context(ClusterServer(redis.url, proxy.kubeconfig(control_plane, *ACCOUNT), config))
        most = -(-max(arguments.pages) // PER_PERSON)
        tokens = [control_plane.token_for(NAMESPACE, "people") for _ in range(most)]
        os.environ["KUBECONFIG"] = str(control_plane.kubeconfig)
        async with await connect() as client:
            for number in arguments.pages:
                async with open_pages(server, tokens, number) as pages:
                    each, last = await changes(client, pages, arguments.changes)
                    asked, before = counting(proxy), of_prometheus(prometheus)
                    await asyncio.sleep(60 * arguments.minutes)
                    queries = (of_prometheus(prometheus) - before) / arguments.minutes
                told = {what: round(count / arguments.minutes, 1) for what, count in sorted(asked.items())}
                print(
                    f"{number} pages: change to page p50 {statistics.median(each):.0f} ms, "
                    f"p95 {percentile(each, 0.95):.0f} ms; to the last page p50 {statistics.median(last):.0f} ms, "
                    f"p95 {percentile(last, 0.95):.0f} ms; a minute: API server {told}, Prometheus {queries:.1f}"
                )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, nargs="+", default=[1, 50])
    parser.add_argument("--changes", type=int, default=100)
    parser.add_argument("--minutes", type=float, default=1.0)
    asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
