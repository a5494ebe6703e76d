"""Looks at the system from outside, as its users could: nothing here is the operator's own code path."""

import math
import time
from typing import Any, cast

import redis
from kubernetes import client, config
from mlrollout.api.status import Status
from mlrollout.domain.record import UnreadableRecordError, decode
from mlrollout.domain.traffic import Traffic
from prometheus_api_client import PrometheusConnect

from devstack.stack import Stack

from . import quiet
from .application import KEY, DispatchApp
from .chronicle import Happening, Quiet, Scene

NAMESPACE = "dispatch"
NAME = "ml-dispatch"
GLANCE = 0.25
_TIMEOUT = 2

_ERROR_RATE = """
sum(rate(ml_dispatch_total{group="treatment",status="failure"}[5s]))
  / sum(rate(ml_dispatch_total{group="treatment"}[5s]))
"""


class Observer:
    """Redis, Prometheus, the Kubernetes API and the application, as they are now."""

    def __init__(self, stack: Stack, app: DispatchApp, quiet_app: DispatchApp) -> None:
        self._app, self._quiet_app = app, quiet_app
        self._redis = redis.Redis.from_url(stack.redis_url, decode_responses=True)
        self._changes = self._redis.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]  # redis has no types here
        self._changes.subscribe(f"{KEY}:changes")
        self._prometheus = PrometheusConnect(stack.prometheus_url, timeout=_TIMEOUT)
        api = config.new_client_from_config(stack.cluster.kubeconfig)  # type: ignore[no-untyped-call]  # nor kubernetes
        self._objects = client.CustomObjectsApi(api)

    def wait(self) -> None:
        """Come back when Redis says that something changed, or after a quarter of a second."""
        self._changes.get_message(timeout=GLANCE)

    def look(self) -> Scene:
        """Everything at this moment."""
        found, events = self._object(), self._events()
        return Scene(
            at=time.time(),
            traffic=self._traffic(KEY),
            requests=self._app.requests(),
            error_rate=self._error_rate(),
            generation=found.get("metadata", {}).get("generation", 0),
            status=Status.read(found),
            events=_of(events, NAME),
            quiet=self._quiet(_of(events, quiet.NAME)),
        )

    def scraped(self) -> bool:
        """Whether Prometheus has the application's metrics."""
        counters = (f"{app.feature}_total" for app in (self._app, self._quiet_app))
        return all(self._prometheus.custom_query(counter) for counter in counters)

    def _quiet(self, events: tuple[Happening, ...]) -> Quiet:
        traffic = self._traffic(f"{quiet.QUIET_FEATURE}:rollout_percentage")
        latched = traffic.record is not None and traffic.record.latched
        return Quiet(traffic.in_force, latched, self._quiet_app.requests(), events)

    def _traffic(self, key: str) -> Traffic:
        stands, text = cast("list[str | None]", self._redis.mget(key, f"{key}:record"))
        try:
            return Traffic(stands, decode(text) if text else None)
        except UnreadableRecordError as error:
            return Traffic(stands, None, str(error))

    def _error_rate(self) -> float | None:
        answer = self._prometheus.custom_query(_ERROR_RATE)
        value = float(answer[0]["value"][1]) if answer else math.nan
        return value if math.isfinite(value) else None

    def _object(self) -> dict[str, Any]:
        try:
            found = self._objects.get_namespaced_custom_object(
                "mlrollout.dev", "v1alpha1", NAMESPACE, "mlrollouts", NAME, _request_timeout=_TIMEOUT
            )
        except client.ApiException as error:
            if error.status == 404:  # noqa: PLR2004 - not found
                return {}
            raise
        return cast("dict[str, Any]", found)

    def _events(self) -> list[dict[str, Any]]:
        found = self._objects.list_namespaced_custom_object(
            "events.k8s.io", "v1", NAMESPACE, "events", _request_timeout=_TIMEOUT
        )
        items: list[dict[str, Any]] = cast("dict[str, Any]", found)["items"]
        return sorted(items, key=_age)


def _of(events: list[dict[str, Any]], name: str) -> tuple[Happening, ...]:
    """The Events of one object."""
    return tuple(_happening(event) for event in events if event["regarding"]["name"] == name)


def _age(event: dict[str, Any]) -> tuple[str, int]:
    """Times of Events are whole seconds; within one, the store's own count tells."""
    return event["metadata"]["creationTimestamp"], int(event["metadata"]["resourceVersion"])


def _happening(event: dict[str, Any]) -> Happening:
    return Happening(
        serial=event["metadata"]["name"],
        reason=event["reason"],
        message=event.get("note", ""),
        warning=event["type"] == "Warning",
    )
