"""The `Lease` that operators agree by."""

import math
from datetime import UTC, datetime
from typing import Any

from mlrollout.api import moment
from mlrollout.api.lease import OF_ALL
from mlrollout.ports import AbsentError, Lease

from .client import Client, Data

_LEASES = "/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
_LEASE = f"{_LEASES}/{{name}}"


class KubernetesLease:
    """Implements the port `LeaseStore`.

    Args:
        client: The API server.
        namespace: The operator's own.
        name: The same for all operators that share the objects; see `api.lease`.
    """

    def __init__(self, client: Client, namespace: str, name: str = OF_ALL) -> None:
        self._client = client
        self._namespace = namespace
        self._name = name

    async def read(self) -> Lease | None:
        """The lease as it stands now."""
        try:
            return _lease(await self._ask("read", "GET", _LEASE, name=self._name))
        except AbsentError:
            return None

    async def create(self, lease: Lease) -> Lease:
        """Make the lease where there is none."""
        return _lease(await self._ask("create", "POST", _LEASES, self._manifest(lease)))

    async def replace(self, lease: Lease) -> Lease:
        """Put this lease in the place of the one of its version, or of none where that is gone."""
        return _lease(await self._ask("replace", "PUT", _LEASE, self._manifest(lease), name=self._name))

    async def _ask(self, verb: str, method: str, path: str, body: Data | None = None, **name: str) -> Data:
        what = f"{verb} the Lease {self._namespace}/{self._name}"
        return await self._client.ask(what, method, path, body, namespace=self._namespace, **name)

    def _manifest(self, lease: Lease) -> Data:
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": self._name, "resourceVersion": lease.version},
            "spec": {
                "holderIdentity": lease.holder,
                "leaseDurationSeconds": math.ceil(lease.duration),
                "acquireTime": _micro_time(lease.acquired),
                "renewTime": _micro_time(lease.renewed),
                "leaseTransitions": lease.transitions,
            },
        }


def _lease(data: Data) -> Lease:
    spec = data.get("spec") or {}
    return Lease(
        holder=spec.get("holderIdentity") or "",
        duration=spec.get("leaseDurationSeconds") or 0,
        acquired=_seconds(spec.get("acquireTime")),
        renewed=_seconds(spec.get("renewTime")),
        transitions=spec.get("leaseTransitions") or 0,
        version=data["metadata"]["resourceVersion"],
    )


def _micro_time(seconds: float) -> str:
    """The one form that the API server takes here: six decimals, also where they are zeros."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _seconds(time: Any) -> float:  # noqa: ANN401 - whatever stands in the API
    return moment.parse(time) if time else 0.0
