"""What a test of the whole has to hand: one namespace, one key, one metric, and a user's tools."""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import redis

from devstack.chart import NAMESPACE, SERVICE_ACCOUNT
from devstack.operator_process import Operator
from devstack.processes import wait_until
from devstack.stack import Stack
from tests.support.target import Target
from tests.whole.reader import Reader

STAGES = [
    {"name": "pilot", "percentage": 10, "duration": "1s"},
    {"name": "expansion", "percentage": 30, "duration": "1s"},
    {"name": "full", "percentage": 100, "duration": "1s"},
]
LONG = [{"name": "pilot", "percentage": 10, "duration": "1h"}, {"name": "full", "percentage": 100, "duration": "1h"}]


class Exports:
    """What the applications of all tests export, under one address."""

    def __init__(self, scraped: Target) -> None:
        self._scraped = scraped
        self._texts: dict[str, str] = {}

    def __setitem__(self, name: str, text: str) -> None:
        self._texts[name] = text
        self._scraped.text = "".join(self._texts.values())


class House:
    """One object, its traffic and its evidence."""

    def __init__(self, stack: Stack, exports: Exports, name: str) -> None:
        self.stack = stack
        self._api = Reader(stack.cluster.kubeconfig, name)
        self._exports = exports
        self.name = name
        self.key = f"{name}:rollout_percentage"
        self.redis = redis.Redis.from_url(stack.redis_url, decode_responses=True)
        self.changes = self.redis.pubsub()  # type: ignore[no-untyped-call] # the library left it so
        self.changes.subscribe(f"{self.key}:changes")
        assert self.changes.get_message(timeout=5) is not None
        self.errors(0.01)
        stack.cluster.kubectl("create", "namespace", name)

    def close(self) -> None:
        """Let the object go, so that it does not run beside the next test."""
        self.kubectl("delete", "mlr", "--all", "--wait=false")
        self.nothing()
        self.changes.close()
        self.redis.close()
        self._api.close()

    # --- the evidence ---

    def errors(self, share: float, *, of: int = 1000) -> None:
        """What the application exports from now on: the share of errors among its requests."""
        self._exports[self.name] = (
            f'app_errors{{case="{self.name}"}} {share}\napp_requests{{case="{self.name}"}} {of}\n'
        )

    def scraped(self) -> float | None:
        """The share of errors as Prometheus has it by now."""
        assert self.stack.prometheus is not None
        found = self.stack.prometheus.query(f'max(app_errors{{case="{self.name}"}})')
        return float(found[0]["value"][1]) if found else None

    def nothing(self) -> None:
        """The application exports nothing any more."""
        self._exports[self.name] = ""

    @property
    def guardrail(self) -> dict[str, Any]:
        return {
            "name": "error-rate",
            "query": f'max(app_errors{{case="{self.name}"}})',
            "max": 0.05,
            "interval": "250ms",
            "maxAge": "10s",
            "minSamples": {"count": 100, "query": f'sum(app_requests{{case="{self.name}"}})'},
        }

    # --- the object ---

    def spec(self, **changes: Any) -> dict[str, Any]:
        """The usual one with these changes; what is `None` is left out."""
        made = {
            "revision": "ranker-1",
            "traffic": {"key": self.key},
            "stages": STAGES,
            "guardrails": [self.guardrail],
            **changes,
        }
        return {name: value for name, value in made.items() if value is not None}

    def apply(self, name: str = "ml-dispatch", *, annotations: Mapping[str, str] | None = None, **changes: Any) -> None:
        manifest = {
            "apiVersion": "mlrollout.dev/v1alpha1",
            "kind": "MLRollout",
            "metadata": {"name": name, "namespace": self.name, "annotations": dict(annotations or {})},
            "spec": self.spec(**changes),
        }
        self.kubectl("apply", "-f", "-", input=json.dumps(manifest))

    def kubectl(self, *arguments: str, input: str | None = None) -> str:  # noqa: A002 - as subprocess names it
        return self.stack.cluster.kubectl("-n", self.name, *arguments, input=input)

    def annotate(self, verb: str, why: str = "because") -> None:
        self.kubectl("annotate", "mlr", "ml-dispatch", f"mlrollout.dev/{verb}={why}")

    def read(self, name: str = "ml-dispatch") -> dict[str, Any]:
        return self._api.rollout(name)

    def status(self, name: str = "ml-dispatch") -> dict[str, Any]:
        found: dict[str, Any] = self.read(name).get("status", {})
        return found

    def condition(self, kind: str, name: str = "ml-dispatch") -> dict[str, Any]:
        conditions = self.status(name).get("conditions", [])
        return next((one for one in conditions if one["type"] == kind), {})

    def reasons(self) -> list[str]:
        """The reasons in the history, oldest first."""
        return [entry["reason"] for entry in self.status().get("history", [])]

    def events(self, reason: str) -> list[dict[str, Any]]:
        return [event for event in self._api.events() if event["reason"] == reason]

    def own_redis(self, url: str) -> dict[str, Any]:
        """Traffic with a Redis of its own."""
        self.secret("redis", url=url)
        return {"key": self.key, "redis": {"secretRef": {"name": "redis", "key": "url"}}}

    def secret(self, name: str, **held: str) -> None:
        """A Secret, and the right for the operator to read Secrets here, as by the chart's `secretNamespaces`."""
        self._readable(
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": held}, "secrets"
        )

    def config_map(self, name: str, **held: str) -> None:
        """A ConfigMap, and the right for the operator to read such here, as by the chart's `configMapNamespaces`."""
        self._readable(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": held}, "configmaps"
        )

    def _readable(self, what: Mapping[str, Any], resource: str) -> None:
        account = {"kind": "ServiceAccount", "name": SERVICE_ACCOUNT, "namespace": NAMESPACE}
        group = "rbac.authorization.k8s.io"
        role = {
            "apiVersion": f"{group}/v1",
            "kind": "Role",
            "metadata": {"name": resource},
            "rules": [{"apiGroups": [""], "resources": [resource], "verbs": ["get"]}],
        }
        binding = {
            "apiVersion": f"{group}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": resource},
            "roleRef": {"apiGroup": group, "kind": "Role", "name": resource},
            "subjects": [account],
        }
        items = {"apiVersion": "v1", "kind": "List", "items": [role, binding, what]}
        self.kubectl("apply", "-f", "-", input=json.dumps(items))

    # --- the traffic ---

    @property
    def percentage(self) -> str | None:
        found = self.redis.get(self.key)
        assert found is None or isinstance(found, str)
        return found

    @property
    def record(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(str(self.redis.get(f"{self.key}:record")))
        return found

    def pushed(self) -> list[int]:
        """The percentages that were pushed to clients so far."""
        seen = []
        while (message := self.changes.get_message(ignore_subscribe_messages=True, timeout=0.05)) is not None:
            seen.append(json.loads(message["data"])["percentage"])
        return seen

    # --- several clusters ---

    def elsewhere(self, stack: Stack) -> "House":
        """A house of this very name, key and evidence in another cluster."""
        return House(stack, self._exports, self.name)

    # --- several operators ---

    def stand_by(self, name: str, python: Path | None = None) -> Operator:
        """Start one more operator, and wait until it knows that another leads."""
        operator = self.stack.start_operator(name, python=python)
        self.until(lambda: "Another operator leads; this one stands by" in operator.log.read_text(), "the word of it")
        return operator

    def breach_unseen_by(self, operator: Operator) -> None:
        """A breach that is at zero and over before an operator looks again: evidence that goes with its traffic."""
        operator.pause()
        try:
            self.errors(0.2)
            wait_until(lambda: self.percentage == "0" or None, within=15, what="zero by the others")
            self.errors(0.01)
            wait_until(lambda: self.scraped() == 0.01 or None, within=15, what="evidence that is good again")
        finally:
            operator.resume()

    # --- waiting ---

    def until(self, condition: Callable[[], object], what: str, within: float = 30) -> None:
        try:
            wait_until(lambda: condition() or None, within=within, what=what)
        except Exception as error:
            error.add_note(self.kubectl("describe", "mlr"))
            error.add_note("\n".join(operator.log.read_text()[-3000:] for operator in self.stack.operators))
            raise

    def until_percentage(self, percentage: int, within: float = 30) -> None:
        self.until(lambda: self.percentage == str(percentage), f"{percentage} % in Redis", within)

    def until_reason(self, reason: str, kind: str = "Ready", name: str = "ml-dispatch") -> None:
        self.until(lambda: self.condition(kind, name).get("reason") == reason, f"{kind} with reason {reason}")

    def for_a_while(self, holds: Callable[[], object], seconds: float = 1.5) -> None:
        """That something stays so over several looks."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            assert holds()
            time.sleep(0.05)
