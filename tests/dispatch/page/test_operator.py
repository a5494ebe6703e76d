"""The whole of it: the page, the service, Prometheus, and the operator that takes a failing model back by itself."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

from devstack.processes import wait_until
from devstack.stack import Stack
from tests.components.assignment.place import KEY
from tests.dispatch.page.desk import Desk
from tests.dispatch.page.place import MODEL, Service, serving
from tests.support.browser import Screens

ROLLOUT = {
    "apiVersion": "mlrollout.dev/v1alpha1",
    "kind": "MLRollout",
    "metadata": {"name": "ml-dispatch", "namespace": "dispatch"},
    "spec": {
        "revision": MODEL.stem,
        "traffic": {"key": KEY},
        "stages": [{"name": "full", "percentage": 100, "duration": "1h"}],
        "guardrails": [
            {
                "name": "errors",
                "rate": {
                    "bad": 'ml_dispatch_total{group="treatment",status="failure"}',
                    "all": 'ml_dispatch_total{group="treatment"}',
                    "max": 0.05,
                },
                "interval": "1s",
                "minSamples": {"count": 20},
            }
        ],
    },
}


@contextmanager
def asking(service: Service) -> Iterator[None]:
    """Others work meanwhile, and the model fails them too."""
    over = Event()

    def work() -> None:
        while not over.is_set():
            service.recommend("somebody")

    workers = [Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    try:
        yield
    finally:
        over.set()
        for worker in workers:
            worker.join()


def test_the_operator_takes_a_failing_model_back_from_an_open_page(tmp_path: Path, screen: Screens) -> None:
    with Stack() as stack, serving(stack.redis_url, tmp_path) as (_, service):
        assert stack.prometheus is not None
        stack.prometheus.set_targets("app", [service.address])
        stack.install()
        stack.start_operator()
        kubectl = stack.cluster.kubectl
        kubectl("create", "namespace", "dispatch")
        kubectl("apply", "-f", "-", input=json.dumps(ROLLOUT))
        wait_until(lambda: service.recommend("somebody") == 200, within=60, what="treatment")

        one = Desk(screen(), service, "kim").sign_in().open()
        one.ml()
        service.faults(ml="fail")
        with asking(service):
            one.legacy("were switched off")
        one.open(1).legacy()

        kubectl("wait", "-n", "dispatch", "mlr/ml-dispatch", "--for=condition=Stalled", "--timeout=30s")
        status: dict[str, Any] = stack.cluster.get("-n", "dispatch", "mlr", "ml-dispatch")["status"]
        stalled = next(one for one in status["conditions"] if one["type"] == "Stalled")
        assert stalled["reason"] == "GuardrailBreached"
        assert "errors" in stalled["message"]
