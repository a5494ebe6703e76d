"""`python -m devstack.demo`, behind `make demo`: 0 when everything happened as promised, else 1."""

import sys
import time
from contextlib import ExitStack, closing
from pathlib import Path

from devstack import binaries, foreground
from devstack.processes import wait_until
from devstack.stack import Stack

from . import dashboard, quiet
from .application import DispatchApp
from .observer import NAME, NAMESPACE, Observer
from .phone import ringing
from .story import Cast, Story, rollout
from .tellers import Teller, teller

WITHIN = 240.0
BUSY = 200
_PARTS = ("kube-apiserver", "etcd", "kubectl", "helm", "redis-server", "redis-cli", "prometheus")


def demo() -> None:
    """Play it.

    Raises:
        DevstackError: A part could not be started, or a promise was not kept.
    """
    for part in _PARTS:
        binaries.path(part)
    began = time.monotonic()
    with foreground.folder("mlrollout-demo-") as folder, ExitStack() as parts:
        with closing(teller(rollout())) as telling:
            story = Story(_cast(folder, parts, telling), began + WITHIN)
            promises = [
                *story.good_revision(),
                *story.bad_revision(),
                *story.late_revision(),
                *story.quiet_revision(),
            ]
        print(f"\n$ kubectl describe mlrollout {NAME} -n {NAMESPACE}\n{story.describe()}")
        print(*story.measured(), *promises, sep="\n")
        print(f"The demo took {time.monotonic() - began:.0f} s.")
        print(f"\n$ kubectl mlrollout why {NAME} -n {NAMESPACE}\n{story.why()}", end="")
        story.check(promises)


def _cast(folder: Path, parts: ExitStack, telling: Teller) -> Cast:
    """Everything started, and Prometheus aware of the application."""
    telling.say("Starting a Kubernetes API, Redis and Prometheus on this machine.")
    stack = parts.enter_context(Stack(folder))
    telling.say(f"Starting the dispatch application, with {BUSY} requests per second from 3000 users; and a quiet one.")
    app = parts.enter_context(DispatchApp(stack.redis_url, folder / "app", rate=BUSY))
    quiet_app = DispatchApp(stack.redis_url, folder / "quiet-app", rate=quiet.RATE, feature=quiet.QUIET_FEATURE)
    parts.enter_context(quiet_app)
    if stack.prometheus:
        stack.prometheus.set_targets("app", [app.address, quiet_app.address])
    telling.say("Installing the CRD and starting the operator under its shipped permissions.")
    stack.install()
    phone = parts.enter_context(ringing(folder / "notifications.yaml"))
    operator = stack.start_operator(env={"MLROLLOUT_NOTIFICATIONS_FILE": str(phone.file)})
    if shown := dashboard.watched(stack, folder / "dashboard", parts):
        telling.say(shown)
    observer = Observer(stack, app, quiet_app)
    wait_until(observer.scraped, within=30, what="Prometheus to read the application's metrics")
    manifest = folder / "quiet.json"
    manifest.write_text(quiet.manifest())
    return Cast(stack.cluster, operator, app, observer, telling, manifest, phone)


if __name__ == "__main__":
    sys.exit(foreground.play(demo))
