"""What a person is told who wants to see it: where to open it, as whom, and what to run."""

import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from mlrollout import Group
from mlrollout.assignment.bucket import group

from devstack.binaries import path

from .house import PAGE, House

SALT = "ml_dispatch_v1"
BIN = Path(sys.executable).parent
"""Where `mlrollout` is, and so `kubectl mlrollout`."""


def member(above: int, below: int) -> str:
    """Somebody who is in treatment from a percentage on that lies above the first and is at most the second."""
    names = (f"dispatcher-{number}" for number in count(1))
    return next(
        name
        for name in names
        if group(SALT, name, below) is Group.TREATMENT and (not above or group(SALT, name, above) is Group.CONTROL)
    )


def guide(house: House) -> Iterator[str]:
    """Line by line."""
    service, api = house.service.url, f"{house.flags.url}/api/ml-dispatch"
    as_json, bearer = "-H 'Content-Type: application/json'", f"-H 'Authorization: Bearer {house.flags.token}'"
    if (PAGE / "index.html").exists():
        yield f"The page: {service}"
    else:
        yield f"The page is not built: make dispatch-page. Its API answers, as {service}/openapi.json says."
    yield f"  Sign in as {member(0, 10)}, who is in treatment from 10 % on, {member(10, 30)}, from 30 % on,"
    yield f"  or {member(30, 100)}, at 100 % alone."
    yield from [house.dashboard] if house.dashboard else []
    yield "Break the model (or: hang, slow, wrong; ok mends it). Open pages fall back, and the operator takes it back:"
    yield f'  curl {as_json} -d \'{{"ml": "fail"}}\' {service}/faults'
    yield "Kubernetes, Redis and Prometheus:"
    tools = ":".join(dict.fromkeys(str(folder) for folder in (BIN, path("kubectl").parent, path("redis-cli").parent)))
    yield f"  export KUBECONFIG={house.stack.cluster.kubeconfig} REDIS_URL={house.stack.redis_url} PATH={tools}:$PATH"
    yield "  kubectl describe mlr ml-dispatch -n dispatch"
    yield "  kubectl annotate mlr ml-dispatch -n dispatch mlrollout.dev/rollback='seen enough'   # or retry='once more'"
    yield f"  {house.stack.prometheus_url}/query?g0.expr=ml_dispatch_total"
    yield "The A/B API and the monitoring API:"
    yield f"  curl {bearer} {api}/ab-test/stats"
    yield f"  curl {bearer} '{api}/monitoring/metrics?window_minutes=60'"
    yield f"  curl {bearer} {as_json} -d '{{\"percentage\": 0}}' {api}/ab-test/rollout"
