"""Everything of the demo, started."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from devstack.console import say
from devstack.demo.dashboard import watched
from devstack.demo.phone import Phone, ringing
from devstack.processes import wait_until
from devstack.stack import Stack

from .flags import FlagServer
from .service import EXAMPLE, DispatchService
from .users import Users

MANIFEST = EXAMPLE / "rollout-dispatch.yaml"
PAGE = EXAMPLE / "page" / "dist"
RATE, ASSIGN = 30.0, 0.3


@dataclass(frozen=True)
class House:
    """What runs.

    Attributes:
        stack: A Kubernetes API, Redis, Prometheus and the operator.
        service: The dispatch service, with its page where that is built.
        flags: The flag server.
        phone: Is told of rollbacks.
        dashboard: What is to be said of the live dashboard; empty without one.
    """

    stack: Stack
    service: DispatchService
    flags: FlagServer
    phone: Phone
    dashboard: str

    def begin(self, manifest: str) -> None:
        """Apply the rollout."""
        self.stack.cluster.kubectl("create", "namespace", "dispatch")
        self.stack.cluster.apply(manifest)


@contextmanager
def running(folder: Path) -> Iterator[House]:
    """All of it, as long as the block; the rollout is applied last, and begins."""
    with furnished(folder) as house:
        house.begin(MANIFEST.read_text())
        yield house


@contextmanager
def furnished(
    folder: Path,
    *,
    options: Mapping[str, object] = MappingProxyType({}),
    settings: Mapping[str, str] = MappingProxyType({}),
    rate: float = RATE,
    assign: float = ASSIGN,
) -> Iterator[House]:
    """All of it but the rollout.

    Args:
        folder: Where data and logs go.
        options: Further options of the service.
        settings: Further settings of the operator.
        rate: Looks at orders per second.
        assign: The share of them that end in an assignment.
    """
    with ExitStack() as parts:
        say("Starting a Kubernetes API, Redis and Prometheus on this machine.")
        stack = parts.enter_context(Stack(folder / "stack", interval="500ms"))
        say("Starting the flag server and the dispatch service.")
        flags = FlagServer(stack, folder / "flags")
        told = {"ofrep": flags.url, "ofrep-key": flags.session_key, "page": PAGE, "faults": None, **options}
        service = DispatchService(stack.redis_url, folder / "service", options=told)
        flags.origins.append(service.url)
        stack.install()
        parts.enter_context(flags)
        parts.enter_context(service)
        assert stack.prometheus is not None  # noqa: S101 - none was given
        stack.prometheus.set_targets("app", [service.address])
        say("Starting the operator under its shipped permissions, and users.")
        phone = parts.enter_context(ringing(folder / "notifications.yaml"))
        stack.start_operator(env={"MLROLLOUT_NOTIFICATIONS_FILE": str(phone.file), **settings})
        parts.enter_context(Users(service.url, folder / "users", rate=rate, assign=assign))
        counted = 'sum(ml_dispatch_total{group="control"}) > 0'
        wait_until(lambda: bool(stack.prometheus and stack.prometheus.query(counted)), within=60, what="evidence")
        yield House(stack, service, flags, phone, watched(stack, folder / "dashboard", parts))
